"""Linear learner: quality on real data, every loss and criterion, AWS's log lines and answers, mistakes named."""

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits, load_iris

from clary.algorithms.contract import ClientError, Stopped
from clary.algorithms.linear_learner import hyperparameters, losses, model, selection, train
from clary.algorithms.linear_learner.__main__ import main as command
from tests.algorithms.tabular import CSV, Job, Later, scores

Data = Callable[[str], Path]


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    def make(predictor: str, **given: object) -> Job:
        return Job(tmp_path, train, model, {"predictor_type": predictor} | given)

    return make


def halves(count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Four fifths and one fifth, mixed the same way every time."""
    order = np.random.default_rng(42).permutation(count)
    return order[: count * 4 // 5], order[count * 4 // 5 :]


def abalone(data: Data) -> tuple[NDArray[Any], NDArray[Any]]:
    rows = [line.split(",") for line in data("abalone/abalone.data").read_text().split()]
    features = [[row[0] == "M", row[0] == "F", row[0] == "I", *row[1:8]] for row in rows]
    return np.array(features, np.float32), np.array([row[8] for row in rows], np.float32)


def made(count: int = 600, seed: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows whose label is a known linear function of them, with little noise."""
    chance = np.random.default_rng(seed)
    features = chance.normal(2, 3, (count, 4)).astype(np.float32)
    return features, (features @ [1, -2, 0, 0.5] + 3 + chance.normal(0, 0.1, count)).astype(np.float32)


def test_abalone_is_regressed_as_well_as_linear_models_can(job: Callable[..., Job], data: Data) -> None:
    features, labels = abalone(data)
    one, two = halves(len(labels))
    found = job("regressor").put("train", features[one], labels[one], CSV).train()
    best = np.linalg.lstsq(np.c_[features[one], np.ones(len(one))], labels[one], rcond=None)[0]
    least = float(np.mean((np.c_[features[two], np.ones(len(two))] @ best - labels[two]) ** 2))
    reached = np.mean((scores(found, features[two]) - labels[two]) ** 2)
    assert reached <= least + 0.3 and reached <= 6


def test_churn_is_classified_as_well_as_by_logistic_regression(job: Callable[..., Job], data: Data) -> None:
    import pandas as pd

    table = pd.read_csv(data("churn/churn.csv")).drop(columns=["Phone"])
    labels = (table.pop("Churn?") == "True.").to_numpy(np.float32)
    features = pd.get_dummies(table, columns=["State", "Area Code", "Int'l Plan", "VMail Plan"]).to_numpy(np.float32)
    one, two = halves(len(labels))
    found = job("binary_classifier").put("train", features[one], labels[one]).train()
    assert np.mean(scores(found, features[two], "predicted_label") == labels[two]) >= 0.84


@pytest.mark.parametrize(("load", "classes", "bar"), [(load_digits, 10, 0.93), (load_iris, 3, 0.88)])
def test_many_classes(job: Callable[..., Job], load: Callable[[], Any], classes: int, bar: float) -> None:
    known = load()
    features, labels = known.data.astype(np.float32), known.target.astype(np.float32)
    one, two = halves(len(labels))
    found = job("multiclass_classifier", num_classes=classes, epochs=30).put("train", features[one], labels[one])
    answers = found.train().answer(features[two])
    assert np.mean([row["predicted_label"] for row in answers] == labels[two]) >= bar
    assert all(len(row["score"]) == classes and sum(row["score"]) == pytest.approx(1, abs=1e-4) for row in answers)


@pytest.mark.parametrize("loss", losses.OF_PREDICTOR["regressor"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_every_loss_and_optimizer_finds_the_line(job: Callable[..., Job], loss: str, optimizer: str) -> None:
    features, labels = made()
    found = job("regressor", loss=loss, optimizer=optimizer, epochs=40).put("train", features, labels).train()
    assert np.mean(np.abs(scores(found, features) - labels)) < 0.6
    assert found.weights[:, 0] == pytest.approx([1, -2, 0, 0.5], abs=0.15)


def test_the_slope_is_that_of_the_loss() -> None:
    chance = np.random.default_rng(5)
    wanted = {name: one.default for name, one in hyperparameters.KNOWN.items()}
    for name, loss in losses.LOSS.items():
        classes = (4,) if name == "softmax_loss" else ()
        raw = chance.normal(0, 2, (50, 3, *classes))
        labels = chance.integers(0, 4 if classes else 2, (50, 1)).astype(float)
        _, slope = loss(raw, labels, wanted)
        step = np.zeros_like(raw)
        step[(..., 1)] = 1e-6
        numeric = (loss(raw + step, labels, wanted)[0] - loss(raw - step, labels, wanted)[0]) / 2e-6
        own = slope[..., 1] if classes else slope[:, 1]
        assert np.allclose(numeric if classes else numeric[:, 1], own, atol=1e-3), name


def test_a_quantile_is_as_often_exceeded_as_it_says(job: Callable[..., Job]) -> None:
    features, _ = made(3_000)
    labels = np.random.default_rng(2).exponential(1, 3_000).astype(np.float32)
    found = job("regressor", loss="quantile_loss", quantile=0.9, epochs=30).put("train", features, labels).train()
    assert np.mean(labels <= scores(found, features)) == pytest.approx(0.9, abs=0.03)


def rare(count: int = 4_000) -> tuple[NDArray[Any], NDArray[Any]]:
    chance = np.random.default_rng(3)
    features = chance.normal(0, 1, (count, 3)).astype(np.float32)
    return features, (features[:, 0] + chance.normal(0, 1, count) > 1.8).astype(np.float32)


@pytest.mark.parametrize(
    ("criterion", "given", "metric", "least"),
    [
        ("precision_at_target_recall", {"target_recall": 0.9}, "recall", 0.9),
        ("recall_at_target_precision", {"target_precision": 0.8}, "precision", 0.8),
        ("f_beta", {"f_beta": 2}, "binary_f_2.000", 0.6),
        ("f1", {}, "binary_f_1.000", 0.45),
        ("accuracy", {}, "binary_classification_accuracy", 0.9),
        ("cross_entropy_loss", {}, "binary_classification_accuracy", 0.9),
        ("loss_function", {"loss": "hinge_loss"}, "binary_classification_accuracy", 0.88),
    ],
)
def test_the_model_and_its_threshold_serve_the_criterion(
    job: Callable[..., Job],
    criterion: str,
    given: dict[str, object],
    metric: str,
    least: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    features, labels = rare()
    made_job = job("binary_classifier", binary_classifier_model_selection_criteria=criterion, epochs=8, **given)
    found = made_job.put("train", features, labels).put("validation", features, labels).train()
    told = float(re.findall(rf"validation {re.escape(metric)} <score>=(\S+)", capsys.readouterr().out)[0])
    chosen, true = scores(found, features, "predicted_label") > 0.5, labels > 0.5
    measured = {
        "recall": np.mean(chosen[true]),
        "precision": np.sum(true & chosen) / max(1, np.sum(chosen)),
        "binary_classification_accuracy": np.mean(chosen == true),
    }
    assert told >= least
    assert told == pytest.approx(measured.get(metric, told), abs=2e-3)


def test_the_threshold_is_the_best_of_all_cuts() -> None:
    chance = np.random.default_rng(8)
    raw = np.round(chance.normal(0, 1, 60), 1).astype(np.float32)
    labels = (chance.random(60) < 0.4).astype(np.float32)
    wanted = hyperparameters.parse({"predictor_type": "binary_classifier"})
    value, cut = selection.threshold(raw, labels, wanted)
    every = [np.mean((raw > one) == (labels > 0.5)) for one in [*np.unique(raw), -9]]
    assert value == pytest.approx(max(every)) == pytest.approx(np.mean((raw > cut) == (labels > 0.5)))


def test_rare_positives_may_weigh_more(job: Callable[..., Job]) -> None:
    features, labels = rare()
    common = {"binary_classifier_model_selection_criteria": "loss_function", "num_models": 1, "epochs": 6}
    plain = job("binary_classifier", **common).put("train", features, labels).train()
    heavy = job("binary_classifier", positive_example_weight_mult="balanced", **common).put("train", features, labels)
    assert scores(heavy.train(), features).mean() > 2 * scores(plain, features).mean()


def test_rare_classes_may_weigh_as_much_as_all(job: Callable[..., Job]) -> None:
    features, labels = rare()
    common = {"num_classes": 3, "num_models": 1, "epochs": 6}
    plain = job("multiclass_classifier", **common).put("train", features, labels).train()
    even = job("multiclass_classifier", balance_multiclass_weights="True", **common).put("train", features, labels)
    assert scores(even.train(), features, "predicted_label").sum() > scores(plain, features, "predicted_label").sum()


def test_sparse_rows_learn_what_dense_ones_do(job: Callable[..., Job]) -> None:
    features, labels = made()
    given = {"unbias_data": "false", "learning_rate": 0.1, "num_models": 1}
    dense = job("regressor", **given).put("train", features, labels).train()
    sparse = job("regressor", **given).put("train", csr_matrix(features), labels).train()
    assert sparse.weights == pytest.approx(dense.weights, abs=1e-3)
    assert scores(sparse, csr_matrix(features[:5])) == pytest.approx(scores(dense, features[:5]), abs=1e-2)


def test_l1_makes_weights_that_carry_nothing_zero(job: Callable[..., Job]) -> None:
    features, labels = made()
    found = job("regressor", l1=0.3, learning_rate=0.1, epochs=30).put("train", features, labels).train()
    assert found.weights[2, 0] == 0 != found.weights[1, 0]


def test_the_log_has_the_lines_of_awss_metric_definitions(
    job: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    features, labels = made()
    made_job = job("regressor", epochs=2).put("train", features, labels).put("validation", features, labels)
    made_job.put("test", features, labels).train()
    log = capsys.readouterr().out
    for line in (
        r"#quality_metric: host=algo-1, epoch=1, train mse_objective <loss>=\S+",
        r"#quality_metric: host=algo-1, epoch=0, validation mse_objective <loss>=\S+",
        r"#quality_metric: host=algo-1, validation mse_objective <loss>=\S+",
        r"#quality_metric: host=algo-1, test (mse|rmse|absolute_loss) <loss>=\S+",
        r"#quality_metric: host=algo-1, test r2 <score>=\S+",
        r"#progress_metric: host=algo-1, completed 100 % of epochs",
        r"#early_stopping_criteria_metric: host=algo-1, epoch=1, criteria=mse_objective, value=\S+",
        r'Best model found for hyperparameters: \{"learning_rate"',
    ):
        assert re.search(line, log), line


def test_it_stops_early_once_it_gets_no_better(job: Callable[..., Job], capsys: pytest.CaptureFixture[str]) -> None:
    features, labels = made()
    job("regressor", epochs=200, early_stopping_patience=2).put("train", features, labels).train()
    assert 3 < capsys.readouterr().out.count("train mse_objective") < 150


def test_what_was_learnt_is_kept_when_the_job_is_stopped(job: Callable[..., Job]) -> None:
    features, labels = made()
    assert job("regressor", epochs=10_000).put("train", features, labels).train(Later(20)).columns == 4


def test_before_anything_was_learnt_there_is_nothing_to_keep(job: Callable[..., Job], tmp_path: Path) -> None:
    features, labels = made()
    with pytest.raises(Stopped):
        job("regressor").put("train", features, labels).train(Later(0))
    assert not (tmp_path / "model").exists()


def test_pipes_feed_pass_after_pass(job: Callable[..., Job], tmp_path: Path) -> None:
    features, labels = made()
    made_job = job("regressor", epochs=3, mini_batch_size=20, feature_dim=4).put("train", features, labels)
    file = tmp_path / "input/data/train/a"
    data = file.read_bytes()
    file.unlink()
    made_job.kinds["train"] = {"TrainingInputMode": "Pipe"}
    # Three passes of training, and one to compare the models.
    pipes = [tmp_path / f"input/data/train_{number}" for number in range(4)]
    for pipe in pipes:
        os.mkfifo(pipe)

    def feed() -> None:
        for pipe in pipes:
            with pipe.open("wb") as out:
                out.write(data)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    found = made_job.train()
    feeder.join(60)
    assert found.weights[:, 0] == pytest.approx([1, -2, 0, 0.5], abs=0.3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"predictor_type": "guess"}, "predictor_type: 'guess' is not allowed; it must be one of binary_classifier"),
        ({"epochs": 0}, "Hyperparameter epochs: '0' is not allowed; it must be an integer of at least 1"),
        ({"learning_rate": -1}, r"learning_rate: '-1' is not allowed; it must be a number in \(0, \+inf\), or auto"),
        ({"quantile": 1}, r"quantile: '1' is not allowed; it must be a number in \(0, 1\)"),
        ({"normalize_data": "yes"}, "normalize_data: 'yes' is not allowed; it must be one of true, false, or auto"),
        ({"loss": "logistic"}, "loss: 'logistic' is not allowed for predictor_type regressor; it must be one of auto"),
        ({"predictor_type": "multiclass_classifier"}, "num_classes is required"),
        ({"depth": 3}, "Extraneous hyperparameter found: depth"),
    ],
)
def test_wrong_hyperparameters_are_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        hyperparameters.parse({"predictor_type": "regressor"} | {name: str(one) for name, one in given.items()})


def test_a_missing_hyperparameter_is_named() -> None:
    with pytest.raises(ClientError, match="Missing required hyperparameter: predictor_type"):
        hyperparameters.parse({"_log_level": "info", "force_dense": "True"})


@pytest.mark.parametrize(
    ("channel", "kind", "data", "message"),
    [
        ("validation", CSV, b"1,2\n", "Missing required channel: train"),
        ("train", CSV, b"", "No data in train channel"),
        ("train", CSV, b"y,x\n1,2\n", "File a, row 1, column 1: 'y' is not a number. The data must have no header"),
        ("train", CSV, b"0,2\n1,2,3\n", "File a, row 2: 3 columns where the rows before have 2"),
        ("train", CSV, b"0,nan\n1,2\n", "a value is missing, infinite or not a number"),
        ("train", CSV, b"0\n1\n", "has one column, the label"),
        ("train", CSV, b"0,1\n2,1\n", r"the label 2 is not allowed for predictor_type binary_classifier; .* \[0, 1\]"),
        ("train", "text/csv;label_size=0", b"0,1\n", "the records have no label"),
        ("train", "text/csv;label_size=3", b"0,1\n", "label_size=3 is not accepted"),
        ("train", "image/png", b"0,1\n", "image/png is not an accepted ContentType"),
        ("train", "application/x-recordio-protobuf", b"0,1\n2,3\n", "File a is not recordio-protobuf: record 1"),
        ("cards", CSV, b"0,1\n", "Channel cards is not known"),
    ],
)
def test_wrong_data_is_named(job: Callable[..., Job], channel: str, kind: str, data: bytes, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        job("binary_classifier").raw(channel, data, kind).train()


def test_another_width_than_feature_dim_is_named(job: Callable[..., Job]) -> None:
    features, labels = made()
    with pytest.raises(ClientError, match="rows have 4 features, but feature_dim is 5"):
        job("regressor", feature_dim=5).put("train", features, labels).train()


def test_usage() -> None:
    assert command(["what"]) == 2


def test_the_artifact_is_plain_data(job: Callable[..., Job], tmp_path: Path) -> None:
    features, labels = made()
    job("regressor").put("train", features, labels).train()
    with np.load(tmp_path / "model" / "model_algo-1", allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        assert held["weights"].shape == (4, 1)
    assert about["algorithm"] == "linear-learner" and about["predictor_type"] == "regressor"
