"""What the C interface answers is what the Booster answers, to the last bit."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from clary.algorithms.xgboost.direct import Direct
from clary.algorithms.xgboost.engine import xgb

ROWS = np.random.default_rng(11).normal(size=(500, 5)).astype(np.float32)
ROWS[::7, 2] = np.nan


def booster(objective: str, **params: Any) -> Any:
    labels = (np.nan_to_num(ROWS).sum(axis=1) > 0).astype(np.float32)
    if objective.startswith("multi:"):
        params["num_class"], labels = 3, np.floor(3 * np.random.default_rng(3).random(len(ROWS)))
    if objective == "count:poisson":
        labels = labels * 4
    return xgb.train({"objective": objective, "nthread": 1} | params, xgb.DMatrix(ROWS, labels), 12)


def told(one: Any, features: Any, rounds: tuple[int, int], margin: bool) -> Any:
    kind = "margin" if margin else "value"
    return one.inplace_predict(features, iteration_range=rounds, predict_type=kind, validate_features=False)


@pytest.mark.parametrize("margin", [False, True])
@pytest.mark.parametrize("rounds", [(0, 0), (0, 5)])
@pytest.mark.parametrize(
    ("objective", "params"),
    [
        ("reg:squarederror", {}),
        ("binary:logistic", {}),
        ("binary:hinge", {}),
        ("count:poisson", {}),
        ("multi:softmax", {}),
        ("multi:softprob", {}),
        ("binary:logistic", {"booster": "dart", "rate_drop": 0.3}),
    ],
)
def test_the_same_scores(objective: str, params: dict[str, Any], rounds: tuple[int, int], margin: bool) -> None:
    one = booster(objective, **params)
    direct = Direct(one, rounds)
    for features in (ROWS, ROWS[:1], ROWS[3:40:5], np.asfortranarray(ROWS[:9]), ROWS[:, ::-1]):
        wanted = told(one, features, rounds, margin)
        got = direct.predict(features, margin=margin)
        assert got.shape == wanted.shape
        assert got.tobytes() == wanted.tobytes()


def test_an_answer_outlives_the_next_one_and_threads_do_not_meet() -> None:
    one = booster("multi:softprob")
    direct = Direct(one, (0, 0))
    wanted = told(one, ROWS, (0, 0), False)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: direct.predict(ROWS[n : n + 1]), range(len(ROWS))))
    assert np.concatenate(found).tobytes() == wanted.tobytes()


def test_what_xgboost_refuses_is_raised_in_its_words() -> None:
    direct = Direct(booster("reg:squarederror"), (0, 0))
    with pytest.raises(xgb.core.XGBoostError, match="columns"):
        direct.predict(np.zeros((2, 9), np.float32))
