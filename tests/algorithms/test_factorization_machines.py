"""Factorization machines: ratings beyond users' and films' means, both predictor types, AWS's log lines and answers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from clary.algorithms.contract import ClientError
from clary.algorithms.factorization_machines import hyperparameters, model, train
from clary.algorithms.factorization_machines.__main__ import main as command
from clary.algorithms.factorization_machines.machine import Learner, Machine
from tests.algorithms.tabular import CSV, Job, Later, scores

FM = Callable[..., Job]
USERS, FILMS = 300, 400


@pytest.fixture
def job(tmp_path: Path) -> FM:
    return lambda kind, **given: Job(tmp_path, train, model, {"predictor_type": kind} | given)


def ratings(count: int = 30_000) -> tuple[Any, NDArray[Any]]:
    """Half stars that users give to films: both have a mean of their own, and four tastes in common."""
    chance = np.random.default_rng(0)
    users, films = chance.integers(0, USERS, count), (FILMS * chance.random(count) ** 2).astype(int)
    means = 3.5 + chance.normal(0, 0.35, USERS)[users] + chance.normal(0, 0.4, FILMS)[films]
    tastes = (chance.normal(0, 0.45, (USERS, 4))[users] * chance.normal(0, 0.6, (FILMS, 4))[films]).sum(axis=1)
    stars = np.clip(np.round((means + tastes + chance.normal(0, 0.6, count)) * 2) / 2, 0.5, 5).astype(np.float32)
    places = np.c_[users, USERS + films].reshape(-1)
    rows = csr_matrix(
        (np.ones(2 * count, np.float32), places, np.arange(0, 2 * count + 1, 2)), shape=(count, USERS + FILMS)
    )
    return rows, stars


LEARN: dict[str, object] = {
    "num_factors": 8,
    "epochs": 15,
    "mini_batch_size": 500,
    "linear_lr": 0.02,
    "factors_lr": 0.005,
    "factors_init_sigma": 0.1,
    "linear_wd": 0.0005,
    "factors_wd": 0.002,
}


def test_tastes_are_found_beyond_the_means(job: FM) -> None:
    rows, stars = ratings()
    cut = len(stars) * 4 // 5
    found = job("regressor", feature_dim=USERS + FILMS, **LEARN).put("train", rows[:cut], stars[:cut]).train()
    reached = float(np.sqrt(np.mean((scores(found, rows[cut:]) - stars[cut:]) ** 2)))
    means = Ridge(alpha=3).fit(rows[:cut], stars[:cut]).predict(rows[cut:])
    assert reached <= 0.77
    assert reached < float(np.sqrt(np.mean((means - stars[cut:]) ** 2))) - 0.02


def test_interactions_classify_what_no_line_can(job: FM, capsys: pytest.CaptureFixture[str]) -> None:
    chance = np.random.default_rng(4)
    features = chance.choice([-1.0, 1.0], (2_000, 3)).astype(np.float32)
    labels = (features[:, 0] * features[:, 1] > 0).astype(np.float32)
    given = {"feature_dim": 3, "num_factors": 2, "epochs": 30, "mini_batch_size": 100, "factors_lr": 0.05}
    made = job("binary_classifier", factors_init_sigma=0.3, **given).put("train", features, labels, CSV)
    found = made.put("test", features[:100], labels[:100], CSV).train()
    assert np.mean(scores(found, features, "predicted_label") == labels) > 0.99
    log = capsys.readouterr().out
    for line in (
        r"host=algo-1, epoch=29, train binary_classification_cross_entropy <loss>=\S+",
        r"host=algo-1, test binary_classification_accuracy <score>=1\b",
        r"host=algo-1, test binary_classification_cross_entropy <loss>=\S+",
        r"host=algo-1, test binary_f_1.000 <score>=1\b",
    ):
        assert re.search("#quality_metric: " + line, log), line
    assert list(found.answer(features[:1])[0]) == ["score", "predicted_label"]


def test_the_step_goes_down_the_slope_of_the_loss() -> None:
    chance = np.random.default_rng(6)
    rows = csr_matrix(chance.normal(0, 1, (40, 5)) * (chance.random((40, 5)) < 0.5)).astype(np.float32)
    labels = chance.normal(0, 1, 40).astype(np.float32)
    parts = [np.zeros(1), chance.normal(0, 1, 5), chance.normal(0, 1, (5, 2))]

    class Slopes(Learner):
        def _move(self, name: str, values: Any, where: Any, slope: Any) -> None:
            found[name] = np.zeros_like(values)
            found[name][where] = slope

    found: dict[str, Any] = {}
    wanted = {"predictor_type": "regressor", "rescale_grad": 1.0}
    Slopes(Machine(*(one.astype(np.float32) for one in parts)), wanted).step(rows, labels)

    def loss(*of: NDArray[Any]) -> float:
        return float(np.sum((Machine(*of).scores(rows.toarray().astype(float)) - labels) ** 2))  # type: ignore[arg-type]

    for number, name in enumerate(("bias", "linear", "factors")):
        for place in np.ndindex(parts[number].shape):
            up, down = ([one.copy() for one in parts] for _ in range(2))
            up[number][place] += 1e-2
            down[number][place] -= 1e-2
            assert found[name][place] == pytest.approx((loss(*up) - loss(*down)) / 2e-2, rel=1e-2, abs=0.05)


def test_beginnings_are_as_asked(job: FM) -> None:
    rows, stars = ratings(200)
    given = {"feature_dim": USERS + FILMS, "num_factors": 2, "bias_lr": 0, "linear_lr": 0, "factors_lr": 0}
    given |= {"bias_init_method": "constant", "bias_init_value": 3, "linear_init_method": "uniform"}
    found = job("regressor", linear_init_scale=0.5, factors_init_sigma=0, **given).put("train", rows, stars).train()
    assert found.machine.bias.tolist() == [3] and not found.machine.factors.any()
    assert 0.4 < np.abs(found.machine.linear).max() <= 0.5


def test_what_was_learnt_is_kept_when_the_job_is_stopped(job: FM) -> None:
    rows, stars = ratings(2_000)
    made = job("regressor", feature_dim=USERS + FILMS, **(LEARN | {"epochs": 100_000})).put("train", rows, stars)
    assert made.train(Later(9)).columns == USERS + FILMS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_factors": 0}, "num_factors: '0' is not allowed; it must be an integer of at least 1"),
        ({"predictor_type": "ranker"}, "predictor_type: 'ranker' is not allowed; it must be one of binary_classifier"),
        ({"linear_lr": -1}, r"linear_lr: '-1' is not allowed; it must be a number in \[0, \+inf\)"),
        ({"bias_init_method": "uniform"}, "bias_init_scale is required when bias_init_method is uniform"),
        ({"num_models": 3}, "Extraneous hyperparameter found: num_models"),
    ],
)
def test_wrong_hyperparameters_are_named(given: dict[str, object], message: str) -> None:
    right = {"feature_dim": "5", "num_factors": "2", "predictor_type": "regressor"}
    with pytest.raises(ClientError, match=message):
        hyperparameters.parse(right | {name: str(one) for name, one in given.items()})


def test_wrong_data_is_named(job: FM) -> None:
    rows, stars = ratings(200)
    with pytest.raises(ClientError, match=r"labels must be 0 or 1"):
        job("binary_classifier", feature_dim=USERS + FILMS, num_factors=2).put("train", rows, stars).train()
    with pytest.raises(ClientError, match=r"has the key 699, but feature_dim is 10"):
        job("regressor", feature_dim=10, num_factors=2).put("train", rows, stars).train()


def test_learning_that_runs_away_is_told(job: FM) -> None:
    rows, stars = ratings(2_000)
    given = LEARN | {"linear_lr": 1e30, "factors_lr": 1e30}
    with pytest.raises(ClientError, match="The training diverged"), np.errstate(all="ignore"):
        job("regressor", feature_dim=USERS + FILMS, **given).put("train", rows, stars).train()


def test_usage() -> None:
    assert command(["what"]) == 2
