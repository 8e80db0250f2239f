"""One training run: what it reads, prints and leaves; how it ends when something is wrong or it is asked to stop."""

import json
import os
import random
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms.contract import AlgorithmError, ClientError, Contract, Stop, Stopped, visible_cpus
from clary.algorithms.xgboost import hyperparameters, metrics
from clary.algorithms.xgboost.__main__ import main as xgboost_command
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.group import Alone
from clary.algorithms.xgboost.hyperparameters import read
from clary.algorithms.xgboost.train import EXACT_ROWS, parameters
from tests.algorithms.conftest import OptMl, wait_until

METRIC_LINE = re.compile(r"^\[(\d+)\]#011train-(\w+):(\S+)#011validation-(\w+):(\S+)$", re.M)


def rows(count: int, seed: int, *, classes: int = 2, noise: float = 0.1) -> str:
    chance = random.Random(seed)
    lines = []
    for _ in range(count):
        a, b, c = (chance.random() for _ in range(3))
        label = min(classes - 1, int((a + b) / 2 * classes))
        if chance.random() < noise:
            label = chance.randrange(classes)
        lines.append(f"{label},{a:.4f},{b:.4f},{c:.4f}")
    return "\n".join(lines) + "\n"


def prepared(ml: OptMl, **hyperparameters: str) -> OptMl:
    given = {"num_round": "5", "objective": "binary:logistic", "nthread": "1"} | hyperparameters
    ml.job(given, train="text/csv", validation="text/csv")
    return ml.put("train/a.csv", rows(300, 1)).put("validation/a.csv", rows(100, 2))


def test_a_run_as_the_runner_starts_it(ml: OptMl) -> None:
    prepared(ml, eval_metric="error")
    assert ml.start("clary.algorithms.xgboost", "train").wait(60) == 0
    log = ml.log.read_text()
    assert "Train matrix has 300 rows and 3 columns" in log
    assert "Validation matrix has 100 rows and 3 columns" in log
    lines = METRIC_LINE.findall(log)
    assert [int(line[0]) for line in lines] == [0, 1, 2, 3, 4]
    assert {(line[1], line[3]) for line in lines} == {("error", "error")}
    assert all(re.fullmatch(r"\d\.\d{5}", line[2]) for line in lines)
    assert float(lines[-1][2]) < 0.2
    assert [one.name for one in (ml.root / "model").iterdir()] == ["xgboost-model"]
    assert isinstance(ml.booster(), xgb.Booster) and ml.booster().num_boosted_rounds() == 5
    assert not (ml.root / "output" / "failure").exists()


def test_a_users_mistake_ends_with_its_reason(ml: OptMl) -> None:
    reason = "ClientError: Hyperparameter eta: '7' is not allowed; it must be a number in [0, 1]."
    prepared(ml, eta="7")
    assert ml.start("clary.algorithms.xgboost", "train").wait(60) == 1
    assert ml.failure == reason
    assert reason in ml.log.read_text()
    assert not (ml.root / "model" / "xgboost-model").exists()


def test_sigterm_keeps_the_rounds_so_far(ml: OptMl) -> None:
    prepared(ml, num_round="1000000")
    process = ml.start("clary.algorithms.xgboost", "train")
    wait_until(lambda: process.poll() is not None or ml.log.read_text().count("#011train") >= 3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert 3 <= ml.booster().num_boosted_rounds() < 1_000_000


def test_a_stopped_job_may_forgo_its_model(ml: OptMl) -> None:
    prepared(ml, num_round="1000000", save_model_on_termination="false")
    process = ml.start("clary.algorithms.xgboost", "train")
    wait_until(lambda: process.poll() is not None or "#011train" in ml.log.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not (ml.root / "model" / "xgboost-model").exists()


def test_asked_to_stop_before_the_first_round_there_is_no_model(ml: OptMl) -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Stopped):
        prepared(ml).train(stop)
    assert not (ml.root / "model").exists()


def test_sigterm_ends_what_waits_for_its_data_at_once(ml: OptMl) -> None:
    prepared(ml)
    config = ml.root / "input" / "config" / "inputdataconfig.json"
    config.write_text(config.read_text().replace('"text/csv"', '"text/csv", "TrainingInputMode": "Pipe"'))
    os.mkfifo(ml.root / "input" / "data" / "train_0")  # and nobody writes
    process = ml.start("clary.algorithms.xgboost", "train")
    wait_until(lambda: process.poll() is not None or "Single node training" in ml.log.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert "there is nothing to keep" in ml.log.read_text()


def test_equal_seeds_make_equal_models(ml: OptMl) -> None:
    def once(seed: str) -> bytes:
        booster = prepared(ml, subsample="0.5", colsample_bytree="0.5", seed=seed).train()
        return bytes(booster.save_raw("json"))

    assert once("3") == once("3") != once("4")


def test_early_stopping_keeps_the_best_rounds_only(ml: OptMl, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(ml, num_round="500", early_stopping_rounds="5", eta="0.9", max_depth="8", eval_metric="logloss")
    booster = ml.train()
    scores = [float(line[4]) for line in METRIC_LINE.findall(capsys.readouterr().out)]
    best = scores.index(min(scores))
    assert booster.num_boosted_rounds() == best + 1
    assert len(scores) == best + 1 + 5
    assert booster.attr("best_iteration") == str(best)
    assert float(booster.attr("best_score")) == pytest.approx(min(scores), abs=1e-5)


def test_early_stopping_knows_what_is_better(ml: OptMl, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(ml, num_round="500", early_stopping_rounds="5", eval_metric="logloss,auc")
    booster = ml.train()
    scores = [float(one) for one in re.findall(r"validation-auc:(\S+)", capsys.readouterr().out)]
    assert booster.num_boosted_rounds() == scores.index(max(scores)) + 1


def test_the_containers_own_metrics(ml: OptMl, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(ml, eval_metric="error,accuracy,f1,precision,recall,balanced_accuracy,f1_macro,recall_micro")
    ml.train()
    last = capsys.readouterr().out.strip().splitlines()[-2]
    values = dict(re.findall(r"#011validation-(\w+):([\d.]+)", last))
    assert list(values) == [
        "error",
        "accuracy",
        "f1",
        "precision",
        "recall",
        "balanced_accuracy",
        "f1_macro",
        "recall_micro",
    ]
    assert float(values["accuracy"]) == pytest.approx(1 - float(values["error"]))
    both = float(values["precision"]) + float(values["recall"])
    assert float(values["f1"]) == pytest.approx(
        2 * float(values["precision"]) * float(values["recall"]) / both, abs=1e-4
    )


def test_metrics_of_classes_take_class_numbers_as_they_are() -> None:
    labels = np.array([0, 1, 1, 0], np.float32)

    def accuracy(predictions: np.ndarray, objective: str) -> float:
        chosen = metrics.decided(labels, predictions, objective)
        return metrics.accuracy(metrics.Tally.count(labels, chosen, Alone()))

    assert accuracy(np.array([0, 1, 2, 2], np.float32), "multi:softmax") == 0.5
    assert accuracy(np.eye(3, dtype=np.float32)[[0, 1, 2, 2]], "multi:softprob") == 0.5
    margins = np.array([-1, 0.1, 0.2, -2], np.float32)
    assert accuracy(margins, "binary:logitraw") == 1
    assert accuracy(margins, "binary:logistic") == 0.5
    assert metrics.r2(labels, labels, Alone()) == 1 and metrics.mse(labels, labels + 2, Alone()) == 4
    three = metrics.Tally.count(np.array([0, 2], np.float32), labels[:2], Alone())
    with pytest.raises(ValueError, match="more than two classes"):
        metrics.OF_CLASSES["f1_binary"](three)


def test_metrics_of_classes_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as theirs

    chance = np.random.default_rng(4)
    for classes in (2, 4):
        labels, chosen = (chance.integers(0, classes, 200).astype(np.float32) for _ in range(2))
        chosen[chosen == classes - 1] = 0  # a class that is never chosen
        tally = metrics.Tally.count(labels, chosen, Alone())
        wanted = {
            "accuracy": theirs.accuracy_score(labels, chosen),
            "balanced_accuracy": theirs.balanced_accuracy_score(labels, chosen),
            "f1_macro": theirs.f1_score(labels, chosen, average="macro"),
            "precision_macro": theirs.precision_score(labels, chosen, average="macro", zero_division=0),
            "precision_micro": theirs.precision_score(labels, chosen, average="micro"),
            "recall_macro": theirs.recall_score(labels, chosen, average="macro"),
            "recall_micro": theirs.recall_score(labels, chosen, average="micro"),
        }
        assert {name: metrics.OF_CLASSES[name](tally) for name in wanted} == pytest.approx(wanted)


def test_early_stopping_on_a_metric_that_xgboost_calls_otherwise(ml: OptMl) -> None:
    prepared(ml, num_round="300", early_stopping_rounds="3", eval_metric="logloss,error@0.5")
    assert ml.train().num_boosted_rounds() < 300


@pytest.mark.parametrize("image", ["x/xgboost:latest", "x/xgboost:1", "x/sagemaker-xgboost:1.0-1-cpu-py3"])
def test_old_images_measure_wrong_answers_when_nothing_is_said(
    ml: OptMl, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(ml).train(CLARY_IMAGE=image)
    assert "[0]#011train-error:" in capsys.readouterr().out


def test_new_images_measure_what_xgboost_does(ml: OptMl, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(ml).train(CLARY_IMAGE="x/sagemaker-xgboost:1.7-1")
    assert "[0]#011train-logloss:" in capsys.readouterr().out


OBJECTIVES = {
    "reg:squarederror": {}, "reg:logistic": {}, "reg:squaredlogerror": {}, "reg:absoluteerror": {},
    "reg:pseudohubererror": {}, "reg:tweedie": {"tweedie_variance_power": "1.4"}, "binary:logistic": {},
    "binary:logitraw": {"eval_metric": "auc"}, "binary:hinge": {}, "count:poisson": {"max_delta_step": "0.7"},
    "multi:softmax": {"num_class": "2"}, "multi:softprob": {"num_class": "2", "eval_metric": "mlogloss,merror"},
    "rank:pairwise": {"eval_metric": "map"}, "rank:ndcg": {"eval_metric": "ndcg@5"}, "rank:map": {},
    "survival:cox": {}, "survival:aft": {"aft_loss_distribution": "extreme", "aft_loss_distribution_scale": "1.5"},
    "reg:gamma": {"eval_metric": "gamma-deviance"},
}  # fmt: skip


@pytest.mark.parametrize("objective", hyperparameters.OBJECTIVES)
def test_every_objective_trains(ml: OptMl, objective: str) -> None:
    prepared(ml, objective=objective, **OBJECTIVES[objective])
    if objective in ("survival:aft", "reg:gamma"):  # their labels are never 0
        for place, count in (("train/a.csv", 300), ("validation/a.csv", 100)):
            ml.put(place, "".join(f"{int(one[0]) + 1}{one[1:]}" + "\n" for one in rows(count, 1).split()))
    booster = ml.train()
    assert booster.num_boosted_rounds() == 5
    assert json.loads(booster.save_config())["learner"]["objective"]["name"] == objective


def test_censored_times_say_less_than_seen_ones(ml: OptMl) -> None:
    """Two thirds of the rows are of events at 10, one third was only watched until 30: their event comes later."""
    given = {"num_round": "30", "objective": "survival:aft", "eval_metric": "aft-nloglik,interval-regression-accuracy"}
    ml.job(given, train="text/csv").put("train/a.csv", "10,1\n10,1\n-30,1\n" * 20 + "10,2\n10,2\n10,2\n" * 20)
    censored, seen = ml.train().predict(xgb.DMatrix([[1.0], [2.0]]))
    assert seen == pytest.approx(10, rel=0.2) and censored > 13


@pytest.mark.parametrize(
    "given",
    [
        {"booster": "gblinear", "updater": "coord_descent", "lambda_bias": "0.1", "alpha": "0.1"},
        {
            "booster": "dart",
            "rate_drop": "0.3",
            "skip_drop": "0.5",
            "sample_type": "weighted",
            "normalize_type": "forest",
        },
        {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": "8"},
        {"tree_method": "approx", "max_bin": "16"},
        {"monotone_constraints": "(1,1,0)", "interaction_constraints": "[[0,1],[2]]"},
        {"num_parallel_tree": "3", "colsample_bynode": "0.5", "scale_pos_weight": "2", "base_score": "0.4"},
    ],
)
def test_hyperparameters_reach_xgboost(ml: OptMl, given: dict[str, str]) -> None:
    assert prepared(ml, **given).train().num_boosted_rounds() == 5


def test_small_data_is_grown_exactly_unless_the_job_says_otherwise() -> None:
    plain = read({"num_round": "1"})
    assert parameters(plain, EXACT_ROWS, 1)["tree_method"] == "exact"
    assert parameters(plain, EXACT_ROWS + 1, 1)["tree_method"] == "hist"
    assert parameters(read({"num_round": "1", "tree_method": "approx"}), 10, 1)["tree_method"] == "approx"
    assert parameters(read({"num_round": "1", "tree_method": "auto"}), 10, 1)["tree_method"] == "exact"
    assert parameters(read({"num_round": "1", "max_leaves": "4"}), 10, 1)["tree_method"] == "hist"
    assert "tree_method" not in parameters(read({"num_round": "1", "booster": "gblinear"}), 10, 1)


def test_libsvm_with_queries_ranks(ml: OptMl) -> None:
    ml.job({"num_round": "2", "objective": "rank:pairwise"}, train=None)
    ml.put("train/a", "".join(f"{n % 3} qid:{n // 4} 0:{n % 3} 1:{n}\n" for n in range(40)))
    assert ml.train().num_features() == 2


def test_weights_change_the_model(ml: OptMl) -> None:
    ml.job({"num_round": "1", "csv_weights": "1", "base_score": "0", "eta": "1", "lambda": "0"}, train="text/csv")
    ml.put("train/a.csv", "0,1,5\n4,3,5\n")
    assert float(ml.train().predict(xgb.DMatrix([[5.0]]))[0]) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"validation": "text/csv"}, "Missing required channel: train"),
        ({"train": "text/csv", "test": "text/csv"}, "Channel test is not known"),
        ({"train": "text/csv"}, "No data in train channel path"),
    ],
)
def test_channels_are_checked(ml: OptMl, channels: dict[str, str | None], message: str) -> None:
    ml.job({"num_round": "1"}, **channels)
    with pytest.raises(ClientError, match=message):
        ml.train()


def test_train_and_validation_must_have_the_same_columns(ml: OptMl) -> None:
    prepared(ml).put("validation/a.csv", "0,1,2\n")
    with pytest.raises(ClientError, match="train channel has 3 feature columns, the validation channel 2"):
        ml.train()


def test_sparse_channels_are_widened_to_each_other(ml: OptMl) -> None:
    ml.job({"num_round": "1"}, train=None, validation=None)
    ml.put("train/a", "0 0:1\n1 2:1\n").put("validation/a", "0 5:1\n")
    assert ml.train().num_features() == 6


def test_what_only_xgboost_notices_is_told_in_its_words_without_its_stack(ml: OptMl) -> None:
    prepared(ml, objective="rank:ndcg").put("train/a.csv", "0.5,1,2,3\n1,2,3,4\n")
    with pytest.raises(ClientError) as caught:
        ml.train()
    assert "label must be either 0 or positive integer" in str(caught.value)
    assert "Stack trace" not in str(caught.value) and "workspace" not in str(caught.value)


def test_what_xgboost_warns_of_is_a_line_of_the_log(ml: OptMl) -> None:
    prepared(ml, tree_method="hist", updater="grow_quantile_histmaker")
    assert ml.start("clary.algorithms.xgboost", "train").wait(60) == 0
    assert ":WARNING] You have manually specified the `updater` parameter" in ml.log.read_text()
    assert ".py:" not in ml.log.read_text() and ".cc:" not in ml.log.read_text()


def test_broken_configuration_is_not_the_users_fault(ml: OptMl) -> None:
    prepared(ml)
    (ml.root / "input" / "config" / "hyperparameters.json").write_text("{")
    with pytest.raises(AlgorithmError, match="is not JSON"):
        ml.train()


def test_the_contract_stands_at_opt_ml_unless_moved() -> None:
    assert Contract.read({}).root == Path("/opt/ml")
    assert Contract.read({"CLARY_ML_ROOT": "/somewhere"}).model_dir == Path("/somewhere/model")


def test_visible_cpus_are_the_least_of_what_limits_them(tmp_path: Path) -> None:
    everything = visible_cpus({}, tmp_path / "none")
    assert everything >= 1
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert visible_cpus({}, tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert visible_cpus({}, tmp_path) == everything
    assert visible_cpus({"OMP_NUM_THREADS": "3"}, tmp_path) == 3


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert xgboost_command([]) == 2
    assert "usage: " in capsys.readouterr().err
