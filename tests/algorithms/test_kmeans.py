"""K-means: clusters of real data, many centers reduced to k, AWS's log lines and answers, mistakes named."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics import adjusted_rand_score

from clary.algorithms.contract import ClientError
from clary.algorithms.kmeans import hyperparameters, model, train
from clary.algorithms.kmeans.__main__ import main as command
from clary.algorithms.kmeans.centers import Centers, assign, choose
from tests.algorithms.tabular import CSV, Job, Later, scores

KMEANS = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path) -> KMEANS:
    return lambda **given: Job(tmp_path, train, model, given)


@pytest.mark.parametrize(("load", "k", "width"), [(load_iris, 3, 4), (load_digits, 10, 64)])
def test_clusters_are_as_tight_as_full_lloyds(job: KMEANS, load: Callable, k: int, width: int) -> None:  # type: ignore[type-arg]
    known = load()
    features = known.data.astype(np.float32)
    found = job(k=k, feature_dim=width, epochs=3).put("train", features).train()
    best = KMeans(k, n_init=10, random_state=0).fit(features)
    assert np.sum(scores(found, features, "distance_to_cluster") ** 2) <= 1.05 * best.inertia_
    clusters = scores(found, features, "closest_cluster")
    assert adjusted_rand_score(known.target, clusters) >= adjusted_rand_score(known.target, best.labels_) - 0.1


def blobs(count: int = 3_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    chance = np.random.default_rng(seed)
    places = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]])
    chosen = chance.integers(0, 4, count)
    return (places[chosen] + chance.normal(0, 0.5, (count, 3))).astype(np.float32), places


@pytest.mark.parametrize("method", ["random", "kmeans++"])
@pytest.mark.parametrize("sparse", [False, True])
def test_mini_batches_find_the_clusters(job: KMEANS, method: str, sparse: bool) -> None:
    features, places = blobs()
    given = {"k": 4, "feature_dim": 3, "mini_batch_size": 200, "init_method": method, "extra_center_factor": 5}
    found = job(**given).put("train", csr_matrix(features) if sparse else features).train()
    assert np.sqrt(assign(places.astype(float), found.centers)[1]).max() < 0.2


def test_a_half_life_forgets_the_rows_of_long_ago() -> None:
    old, new = np.zeros((1_000, 1), np.float32), np.ones((1_000, 1), np.float32)
    found = {}
    for half_life in (0, 100):
        centers = Centers(1, "random", half_life, np.random.default_rng(0))
        centers.move(old)
        centers.move(new)
        assert centers.places is not None
        found[half_life] = float(centers.places[0, 0])
    assert found[0] == pytest.approx(0.5) and found[100] > 0.99


def test_fewer_rows_than_extra_centers_come_one_after_another() -> None:
    centers = Centers(10, "kmeans++", 0, np.random.default_rng(0))
    for begin in range(0, 20, 4):
        centers.move(np.arange(begin, begin + 4, dtype=np.float32)[:, None])
    assert centers.places is not None and len(centers.places) == 10 and centers.weights.sum() == 20


def test_plus_plus_spreads_the_centers() -> None:
    features, places = blobs()
    chosen = choose(features, 4, "kmeans++", np.random.default_rng(0))
    assert sorted(assign(chosen, places.astype(float))[0].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "kind", [CSV, "text/csv;label_size=0", "text/csv;label_size=1", "application/x-recordio-protobuf"]
)
def test_labels_are_left_out(job: KMEANS, kind: str) -> None:
    features, _ = blobs(400)
    labels = np.arange(400) if "size=0" not in kind else None
    assert job(k=4, feature_dim=3).put("train", features, labels, kind).train().columns == 3


def test_the_log_and_the_answers_are_awss(job: KMEANS, capsys: pytest.CaptureFixture[str]) -> None:
    features, _ = blobs()
    made = job(k=4, feature_dim=3, eval_metrics='["msd","ssd"]').put("train", features).put("test", features[:500])
    found = made.train()
    log = capsys.readouterr().out
    told = {
        (data, metric): float(value)
        for data, metric, value in re.findall(r"#quality_metric: host=algo-1, (\w+) (msd|ssd) <loss>=(\S+)", log)
    }
    assert told["test", "ssd"] == pytest.approx(500 * told["test", "msd"], rel=1e-6)
    assert told["train", "msd"] == pytest.approx(0.75, rel=0.1)
    (answer,) = found.answer(features[:1])
    assert list(answer) == ["closest_cluster", "distance_to_cluster"]


def test_what_was_learnt_is_kept_when_the_job_is_stopped(job: KMEANS) -> None:
    features, _ = blobs()
    made = job(k=4, feature_dim=3, mini_batch_size=500, epochs=10_000).put("train", features)
    assert len(made.train(Later(9)).centers) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"k": 0}, "Hyperparameter k: '0' is not allowed; it must be an integer of at least 1"),
        ({"init_method": "best"}, "init_method: 'best' is not allowed; it must be one of random, kmeans"),
        ({"local_lloyd_tol": 2}, r"local_lloyd_tol: '2' is not allowed; it must be a number in \[0, 1\]"),
        ({"extra_center_factor": "many"}, "extra_center_factor: 'many' .* an integer of at least 1, or auto"),
        ({"eval_metrics": '["mse"]'}, "eval_metrics: .* it must be a JSON list of msd, ssd"),
    ],
)
def test_wrong_hyperparameters_are_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        hyperparameters.parse({"k": "2", "feature_dim": "3"} | {name: str(one) for name, one in given.items()})


def test_missing_hyperparameters_and_too_few_rows_are_named(job: KMEANS) -> None:
    with pytest.raises(ClientError, match="Missing required hyperparameter: feature_dim"):
        hyperparameters.parse({"k": "2"})
    with pytest.raises(ClientError, match="k: '4' is not allowed for this data; it has only 1 different rows"):
        job(k=4, feature_dim=2).put("train", np.ones((9, 2))).train()


def test_usage() -> None:
    assert command(["what"]) == 2
