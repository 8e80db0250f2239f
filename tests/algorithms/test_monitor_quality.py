"""The monitor's image: how good a model is, against published examples and against scikit-learn."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from clary.algorithms.contract import ClientError
from tests.monitor_house import Monitor

BINARY = {
    "analysis_type": "MODEL_QUALITY",
    "problem_type": "BinaryClassification",
    "inference_attribute": "prediction",
    "probability_attribute": "probability",
    "ground_truth_attribute": "label",
}
MANY = {**BINARY, "problem_type": "MulticlassClassification", "probability_attribute": ""}
NUMBERS = {**BINARY, "problem_type": "Regression", "probability_attribute": ""}


@pytest.fixture
def monitor(tmp_path: Path) -> Monitor:
    return Monitor(tmp_path)


def values(told: dict[str, Any]) -> dict[str, float]:
    return {name: one["value"] for name, one in told.items() if "value" in one}


def test_the_published_example_of_a_binary_classifier(monitor: Monitor) -> None:
    monitor.put("a.csv", "label,prediction\n0,0\n0,1\n0,1\n1,1\n")
    monitor.analyze(**{**BINARY, "probability_attribute": ""})
    told = monitor.left("statistics")["binary_classification_metrics"]
    assert told["confusion_matrix"] == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    assert told["recall"] == {"value": 1.0, "standard_deviation": "NaN"}
    expected = {
        "precision": 0.3333333333333333,
        "accuracy": 0.5,
        "recall_best_constant_classifier": 1.0,
        "precision_best_constant_classifier": 0.25,
        "accuracy_best_constant_classifier": 0.25,
        "true_positive_rate": 1.0,
        "true_negative_rate": 0.33333333333333337,
        "false_positive_rate": 0.6666666666666666,
        "false_negative_rate": 0.0,
        "f0_5": 0.3846153846153846,
        "f1": 0.5,
        "f2": 0.7142857142857143,
        "f0_5_best_constant_classifier": 0.29411764705882354,
        "f1_best_constant_classifier": 0.4,
        "f2_best_constant_classifier": 0.625,
    }
    assert {name: values(told)[name] for name in expected} == pytest.approx(expected)
    assert "auc" not in told


def test_the_published_example_of_a_multiclass_classifier(monitor: Monitor) -> None:
    counts = {("0", "0"): 1180, ("0", "1"): 510, ("1", "0"): 268, ("1", "1"): 138}
    rows = "".join(f"{truth},{told}\n" * times for (truth, told), times in counts.items())
    monitor.put("a.csv", f"label,prediction\n{rows}")
    monitor.analyze(**MANY)
    told = monitor.left("statistics")["multiclass_classification_metrics"]
    assert told["confusion_matrix"] == {"0": {"0": 1180, "1": 510}, "1": {"0": 268, "1": 138}}
    expected = {
        "accuracy": 0.6288167938931297,
        "weighted_recall": 0.6288167938931297,
        "weighted_precision": 0.6983172269629505,
        "weighted_f0_5": 0.6803947317178771,
        "weighted_f1": 0.6571162346664904,
        "weighted_f2": 0.6384024354394601,
        "accuracy_best_constant_classifier": 1690 / 2096,
    }
    assert {name: values(told)[name] for name in expected} == pytest.approx(expected)
    assert 0 < told["accuracy"]["standard_deviation"] < 0.02
    limits = monitor.left("constraints")["multiclass_classification_constraints"]
    assert set(limits) == {name for name in expected if not name.endswith("classifier")}


def test_binary_metrics_are_those_of_scikit_learn(monitor: Monitor) -> None:
    chance = np.random.default_rng(1)
    truth = chance.random(3000) < 0.3
    score = np.round(np.clip(0.3 * truth + chance.random(3000) * 0.7, 0, 1), 3)
    rows = "".join(f"{'True.' if label else 'False.'},{one}\n" for label, one in zip(truth, score, strict=True))
    monitor.put("a.csv", f"label,probability\n{rows}")
    asked = {**BINARY, "inference_attribute": "", "probability_threshold_attribute": "0.6"}
    monitor.analyze(**asked)
    told = monitor.left("statistics")["binary_classification_metrics"]
    said = score >= 0.6
    assert values(told)["auc"] == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-12)
    precision, recall, _ = sk.precision_recall_curve(truth, score)
    assert values(told)["au_prc"] == pytest.approx(sk.auc(recall, precision), abs=2e-3)
    assert values(told)["f2"] == pytest.approx(sk.fbeta_score(truth, said, beta=2))
    assert values(told)["precision"] == pytest.approx(sk.precision_score(truth, said))
    curve = told["receiver_operating_characteristic_curve"]
    assert (curve["false_positive_rates"][0], curve["true_positive_rates"][-1]) == (0.0, 1.0)
    assert len(curve["false_positive_rates"]) == len(curve["true_positive_rates"]) <= 1000
    limits = monitor.left("constraints")["binary_classification_constraints"]
    assert limits["auc"] == {"threshold": told["auc"]["value"], "comparison_operator": "LessThanThreshold"}
    assert limits["false_positive_rate"]["comparison_operator"] == "GreaterThanThreshold"


def test_a_worse_model_violates_the_baseline_and_an_equal_one_does_not(monitor: Monitor) -> None:
    monitor.put("a.csv", "label,prediction,probability\n" + "1,1,.9\n0,0,.1\n1,0,.4\n" * 100)
    baseline = monitor.analyze(**BINARY).baseline()
    monitor.analyze(**BINARY, **baseline)
    assert monitor.violations == []
    monitor.put("a.csv", "label,prediction,probability\n" + "1,1,.9\n0,1,.7\n1,0,.4\n" * 100)
    monitor.analyze(**BINARY, **baseline, publish_cloudwatch_metrics="Enabled", sagemaker_endpoint_name="shop")
    found = {one["metric_name"]: one for one in monitor.violations}
    assert set(found) == {
        "precision",
        "accuracy",
        "true_negative_rate",
        "false_positive_rate",
        "f0_5",
        "f1",
        "f2",
        "auc",
    }
    assert found["accuracy"]["constraint_check_type"] == "LessThanThreshold"
    assert found["accuracy"]["description"].startswith("Metric accuracy with 0.333")
    assert monitor.message.startswith("CompletedWithViolations")
    told = {one["MetricName"]: one["Value"] for one in monitor.metrics()}
    assert told["false_positive_rate"] == 1.0


def test_regression_metrics_are_those_of_scikit_learn(monitor: Monitor) -> None:
    chance = np.random.default_rng(2)
    truth = 1e6 + chance.normal(size=500)
    told = truth + chance.normal(size=500) / 2
    rows = "".join(f"{one!r},{other!r}\n" for one, other in zip(truth.tolist(), told.tolist(), strict=True))
    monitor.put("a.csv", f"label,prediction\n{rows},1\n5,\n")
    monitor.analyze(**NUMBERS)
    assert monitor.left("statistics")["dataset"]["item_count"] == 500
    said = monitor.left("statistics")["regression_metrics"]
    assert values(said) == pytest.approx(
        {
            "mae": sk.mean_absolute_error(truth, told),
            "mse": sk.mean_squared_error(truth, told),
            "rmse": sk.root_mean_squared_error(truth, told),
            "r2": sk.r2_score(truth, told),
        },
        rel=1e-6,
    )
    assert said["rmse"]["standard_deviation"] > 0
    limits = monitor.left("constraints")["regression_constraints"]
    assert limits["r2"]["comparison_operator"] == "LessThanThreshold"
    assert limits["mse"]["comparison_operator"] == "GreaterThanThreshold"


def test_many_scores_are_rounded_and_the_area_stays(monitor: Monitor) -> None:
    chance = np.random.default_rng(3)
    truth = chance.random(300_000) < 0.5
    score = np.clip(0.2 * truth + 0.8 * chance.random(300_000), 0, 1)
    rows = "\n".join(f"{int(one)},{other!r}" for one, other in zip(truth, score.tolist(), strict=True))
    monitor.put("a.csv", f"label,probability\n{rows}\n")
    monitor.analyze(**{**BINARY, "inference_attribute": ""})
    told = values(monitor.left("statistics")["binary_classification_metrics"])
    assert told["auc"] == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-4)


def captured(answer: str, truth: str | None, at: str = "2026-01-01T10:30:00Z", kind: str = "CSV") -> str:
    side = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": answer, "encoding": kind}
    record: dict[str, Any] = {
        "captureData": {
            "endpointInput": {**side, "mode": "INPUT", "data": "5,x", "encoding": "CSV"},
            "endpointOutput": side,
        },
        "eventMetadata": {"eventId": "1", "inferenceTime": at},
        "eventVersion": "0",
    }
    if truth is not None:
        record["groundTruthData"] = {"data": truth, "encoding": "CSV"}
    return json.dumps(record) + "\n"


def test_captured_inferences_merged_with_ground_truth(monitor: Monitor) -> None:
    form = {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}
    asked = {**BINARY, "inference_attribute": "0", "probability_attribute": "1", "ground_truth_attribute": ""}
    lines = [captured("1,0.9", "1"), captured("0,0.2", "0"), captured("1,0.7", "0"), captured("1,0.9", None)]
    late = captured("0,0.1", "1", "2026-01-01T11:00:00Z")
    monitor.put("e/v/2026/01/01/10/a.jsonl", "".join([*lines, late]))
    monitor.analyze(form, **asked, start_time="2026-01-01T10:00:00Z", end_time="2026-01-01T11:00:00Z")
    told = monitor.left("statistics")
    assert told["dataset"]["item_count"] == 3
    assert told["binary_classification_metrics"]["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 1}}
    assert values(told["binary_classification_metrics"])["auc"] == 1.0


def test_captured_json_is_read_by_paths(monitor: Monitor) -> None:
    answer = json.dumps({"predictions": [{"label": "b", "p": [0.1, 0.9]}]})
    monitor.put("a.jsonl", captured(answer, "b", kind="JSON") + captured(answer, "a", kind="JSON"))
    asked = {**MANY, "inference_attribute": "$.predictions[0]['label']", "ground_truth_attribute": ""}
    monitor.analyze({"sagemakerCaptureJson": {}}, **asked)
    told = monitor.left("statistics")["multiclass_classification_metrics"]
    assert told["confusion_matrix"] == {"a": {"a": 0, "b": 1}, "b": {"a": 0, "b": 1}}


def test_captured_inferences_are_a_table_of_both_sides(monitor: Monitor) -> None:
    monitor.put("a.csv", "answer,number,letter\n0.5,5,x\n0.25,5,x\n")
    baseline = monitor.analyze().baseline()
    monitor.empty()
    monitor.put("a.jsonl", captured("0.5", None) + captured("0.25", None))
    form: dict[str, Any] = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
    monitor.analyze(form, **baseline)
    assert monitor.violations == []
    assert [one["name"] for one in monitor.left("statistics")["features"]] == ["answer", "number", "letter"]
    form["sagemakerCaptureJson"]["output_columns_position"] = "END"
    monitor.analyze(form)
    assert monitor.feature("_c2")["numerical_statistics"]["sum"] == 0.75


def test_what_cannot_be_judged_is_named(monitor: Monitor) -> None:
    monitor.put("a.csv", "label,prediction,probability\n1,1,0.5\n2,1,x\n")
    for change, words in (
        ({"probability_attribute": ""}, "truth of a binary classification must be 0 or 1.*'2'"),
        ({"ground_truth_attribute": "prediction"}, "probability must be a number"),
        ({"ground_truth_attribute": "nothing"}, "truth should be in the column 'nothing'"),
        ({"ground_truth_attribute": ""}, "ground_truth_attribute is missing"),
        ({"problem_type": "Regression", "inference_attribute": "2"}, "inference must be a number"),
    ):
        with pytest.raises(ClientError, match=words):
            monitor.analyze(**{**BINARY, **change})


def test_a_baseline_of_another_problem_is_refused(monitor: Monitor) -> None:
    monitor.put("a.csv", "label,prediction,probability\n1,1,0.5\n0,1,0.1\n")
    baseline = monitor.analyze(**NUMBERS).baseline()
    with pytest.raises(ClientError, match="no binary_classification_constraints"):
        monitor.analyze(**BINARY, **baseline)
    baseline = monitor.analyze(**BINARY).baseline()
    with pytest.raises(ClientError, match="limits auc, which was not measured"):
        monitor.analyze(**{**BINARY, "probability_attribute": ""}, **baseline)
