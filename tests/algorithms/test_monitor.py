"""The monitor's image: statistics, constraints and violations of data."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from clary.algorithms.contract import ClientError
from tests.monitor_house import Monitor

SMALL = "age,price,city,empty\n31,1.5,Bern,\n29,2.5,Basel,\n,4,Bern,\n45,NaN,Bern,\n"


@pytest.fixture
def monitor(tmp_path: Path) -> Monitor:
    return Monitor(tmp_path)


def test_statistics_have_the_published_shape(monitor: Monitor) -> None:
    monitor.put("a.csv", SMALL)
    monitor.analyze()
    said = monitor.left("statistics")
    assert said["version"] == 0.0
    assert said["dataset"] == {"item_count": 4}
    assert [one["name"] for one in said["features"]] == ["age", "price", "city", "empty"]
    age = monitor.feature("age")
    assert age["inferred_type"] == "Integral"
    numbers = age["numerical_statistics"]
    assert numbers["common"] == {"num_present": 3, "num_missing": 1}
    assert (numbers["sum"], numbers["mean"], numbers["min"], numbers["max"]) == (105.0, 35.0, 29.0, 45.0)
    assert numbers["std_dev"] == pytest.approx(np.std([31, 29, 45]))
    kll = numbers["distribution"]["kll"]
    assert len(kll["buckets"]) == 10
    assert kll["buckets"][0] == {"lower_bound": 29.0, "upper_bound": pytest.approx(30.6), "count": 1.0}
    assert sum(one["count"] for one in kll["buckets"]) == 3
    assert sorted(kll["sketch"]["data"][0]) == [29.0, 31.0, 45.0]
    assert kll["sketch"]["parameters"]["k"] == 2048
    assert monitor.feature("price")["inferred_type"] == "Fractional"
    city = monitor.feature("city")
    assert city["string_statistics"]["distinct_count"] == 2
    buckets = city["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert buckets == [{"value": "Bern", "count": 3}, {"value": "Basel", "count": 1}]
    assert monitor.feature("empty")["inferred_type"] == "Unknown"


def test_constraints_have_the_published_shape(monitor: Monitor) -> None:
    monitor.put("a.csv", "n,c\n" + "".join(f"{at - 3},{'ab'[at % 2]}\n" for at in range(40)))
    monitor.analyze()
    said = monitor.left("constraints")
    assert said["features"] == [
        {"name": "n", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": False}},
        {"name": "c", "inferred_type": "String", "completeness": 1.0, "string_constraints": {"domains": ["a", "b"]}},
    ]
    config = said["monitoring_config"]
    assert config["evaluate_constraints"] == config["emit_metrics"] == "Enabled"
    assert config["datatype_check_threshold"] == config["domain_content_threshold"] == 1.0
    assert config["distribution_constraints"] == {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    }
    monitor.analyze(categorical_drift_method="ChiSquared")
    config = monitor.left("constraints")["monitoring_config"]
    assert config["distribution_constraints"]["categorical_drift_method"] == "ChiSquared"


def test_a_data_set_satisfies_its_own_constraints(monitor: Monitor) -> None:
    monitor.put("a.csv", SMALL)
    baseline = monitor.analyze().baseline()
    monitor.analyze(**baseline)
    assert monitor.violations == []
    assert monitor.message == "Completed: Job completed successfully with no violations."


def test_each_kind_of_violation(monitor: Monitor) -> None:
    rows = [f"{at % 50},{at / 7},{'abcd'[at % 4]},{at},x{at}" for at in range(400)]
    monitor.put("a.csv", "\n".join(["whole,part,kind,gone,free", *rows]))
    baseline = monitor.analyze().baseline()
    # whole: half of them with a fraction; part: some missing, shifted, negative; kind: a new value; free: numbers.
    rows = [
        f"{at % 50}{'.5' * (at % 2)},{'' if at % 10 == 0 else at / 7 - 20},{'abcz'[at % 4]},7,{at}" for at in range(400)
    ]
    monitor.put("a.csv", "\n".join(["whole,part,kind,more,free", *rows]))
    monitor.analyze(**baseline)
    found = {(one["feature_name"], one["constraint_check_type"]): one["description"] for one in monitor.violations}
    assert set(found) == {
        ("Missing columns", "missing_column_check"),
        ("Extra columns", "extra_column_check"),
        ("whole", "data_type_check"),
        ("part", "completeness_check"),
        ("part", "is_non_negative_check"),
        ("part", "baseline_drift_check"),
        ("kind", "categorical_values_check"),
        ("kind", "baseline_drift_check"),
        ("free", "data_type_check"),
    }
    assert found["whole", "data_type_check"] == (
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%.  "
        "Observed: Only 50.0% of data is Integral."
    )
    assert "missing columns in current dataset: gone." in found["Missing columns", "missing_column_check"]
    assert "z" in found["kind", "categorical_values_check"]
    assert monitor.message == "CompletedWithViolations: Job completed successfully with 9 violations."


def test_a_feature_may_be_left_out_and_have_thresholds_of_its_own(monitor: Monitor) -> None:
    monitor.put("a.csv", "a,b\n" + "1,1\n" * 50)
    baseline = monitor.analyze().baseline()
    path = Path(baseline["baseline_constraints"])
    limits = json.loads(path.read_text())
    limits["features"][0]["monitoring_config_overrides"] = {"evaluate_constraints": "Disabled"}
    limits["features"][1]["monitoring_config_overrides"] = {"datatype_check_threshold": 0.4}
    path.write_text(json.dumps(limits))
    monitor.put("a.csv", "a,b\n" + "x,1\n" * 25 + "x,1.5\n" * 25)
    monitor.analyze(baseline_constraints=str(path))
    assert monitor.violations == []
    limits["monitoring_config"]["evaluate_constraints"] = "Enabled"
    limits["features"][1].pop("monitoring_config_overrides")
    path.write_text(json.dumps(limits))
    monitor.analyze(baseline_constraints=str(path))
    assert [one["feature_name"] for one in monitor.violations] == ["b"]


@pytest.mark.parametrize(("method", "expected"), [("LInfinity", 0.2), ("ChiSquared", None)])
def test_categories_drift(monitor: Monitor, method: str, expected: float | None) -> None:
    monitor.put("a.csv", "c\n" + "a\nb\n" * 2000)
    baseline = monitor.analyze(categorical_drift_method=method).baseline()
    limits = json.loads(Path(baseline["baseline_constraints"]).read_text())
    limits["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"
    Path(baseline["baseline_constraints"]).write_text(json.dumps(limits))
    monitor.analyze(**baseline)
    assert monitor.violations == []
    monitor.put("a.csv", "c\n" + "a\n" * 700 + "b\n" * 300)
    monitor.analyze(**baseline)
    (one,) = monitor.violations
    assert one["constraint_check_type"] == "baseline_drift_check"
    if expected is not None:
        assert one["description"] == f"Baseline drift distance: {expected} exceeds threshold: 0.1"


def test_many_values_are_estimated_and_those_of_the_baseline_still_counted(monitor: Monitor) -> None:
    monitor.put("a.csv", "c\n" + "a\nb\n" * 50)
    baseline = monitor.analyze().baseline()
    monitor.put("a.csv", "c\n" + "".join(f"key-{at}\n" for at in range(60_000)) + "a\n" * 40_000)
    monitor.analyze(**baseline)
    said = monitor.feature("c")["string_statistics"]
    assert said["distinct_count"] == pytest.approx(60_001, rel=0.03)
    assert "distribution" not in said
    assert "string_constraints" not in monitor.feature("c", "constraints")
    found = {one["constraint_check_type"]: one["description"] for one in monitor.violations}
    assert found["categorical_values_check"].startswith("Value: 0.4 does not meet")


def test_files_of_all_formats_say_the_same(monitor: Monitor) -> None:
    rows = [{"a": at, "b": at / 4, "c": "xyz"[at % 3]} for at in range(500)]
    text = "a,b,c\n" + "".join(f"{one['a']},{one['b']},{one['c']}\n" for one in rows)
    table = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist(rows), table)
    lines = "".join(json.dumps(one) + "\n" for one in rows)
    without = text.partition("\n")[2].encode()
    seen = []
    for form, content in (
        ({"csv": {"header": True}}, text.encode()),
        ({"Csv": {"Header": "True"}}, gzip.compress(text.encode())),
        ({"json": {"lines": True}}, lines.encode()),
        ({"Json": {"Line": True}}, gzip.compress(lines.encode())),
        ({"json": {"lines": False}}, json.dumps(rows).encode()),
        ({"parquet": {}}, table.getvalue()),
        ({"csv": {"header": False}}, without),
    ):
        monitor.put("file", content)
        monitor.analyze(form)
        seen.append(monitor.left("statistics"))
    last = seen.pop()
    assert [one["name"] for one in last["features"]] == ["_c0", "_c1", "_c2"]
    for one, name in zip(last["features"], "abc", strict=True):
        one["name"] = name
    assert all(one == last for one in seen)


def test_files_without_names_have_those_of_the_baseline(monitor: Monitor) -> None:
    monitor.put("a.csv", "a,b\n1,x\n2,y\n")
    baseline = monitor.analyze().baseline()
    monitor.put("a.csv", "1,x,7\n2,y,8\n")
    monitor.analyze({"csv": {"header": False}}, **baseline)
    assert [one["name"] for one in monitor.left("statistics")["features"]] == ["a", "b", "_c2"]
    assert [one["feature_name"] for one in monitor.violations] == ["Extra columns"]


def test_metrics_for_cloudwatch(monitor: Monitor) -> None:
    monitor.put("a.csv", SMALL)
    baseline = monitor.analyze().baseline()
    monitor.analyze(
        **baseline,
        publish_cloudwatch_metrics="Enabled",
        sagemaker_endpoint_name="shop",
        sagemaker_monitoring_schedule_name="hourly",
    )
    told = {one["MetricName"]: one for one in monitor.metrics()}
    assert told["feature_data_age"]["StatisticValues"] == {
        "Maximum": 45.0,
        "Minimum": 29.0,
        "Sum": 105.0,
        "SampleCount": 3.0,
    }
    assert told["feature_non_null_age"]["Value"] == 0.75
    assert told["feature_baseline_drift_city"]["Value"] == 0.0
    assert told["feature_non_null_age"]["Dimensions"] == [
        {"Name": "Endpoint", "Value": "shop"},
        {"Name": "MonitoringSchedule", "Value": "hourly"},
    ]
    assert "feature_data_city" not in told


def test_scripts_of_the_user_run_before_and_after(monitor: Monitor) -> None:
    monitor.put("a.csv", "1,2\n3,4\n")
    before = monitor.put(
        "before.py",
        "def preprocess_handler(record):\n"
        "    first, second = record.endpoint_input.data.split(',')\n"
        "    return [] if first == '1' else {'total': int(first) + int(second), 'nested': {'a': [first]}}\n",
        "code",
    )
    after = monitor.put(
        "after.py",
        "from pathlib import Path\n"
        f"def postprocess_handler():\n    Path({str(monitor.root / 'seen')!r}).write_text('done')\n",
        "code",
    )
    form = {"csv": {"header": False}}
    scripts = {"record_preprocessor_script": str(before), "post_analytics_processor_script": str(after)}
    monitor.analyze(form, **scripts)
    assert monitor.feature("total")["numerical_statistics"]["sum"] == 7.0
    assert monitor.feature("nested.a.0")["inferred_type"] == "Integral"
    assert (monitor.root / "seen").read_text() == "done"
    before.write_text("def preprocess_handler(record):\n    return 1 / 0\n")
    with pytest.raises(ClientError, match=r"preprocess_handler of before\.py raised ZeroDivisionError"):
        monitor.analyze(form, **scripts)


def test_what_cannot_be_read_is_named(monitor: Monitor) -> None:
    cases = [
        (
            {"csv": {"header": True}},
            "a,b\n1,2\n1,2,3\n",
            r"file cannot be read as CSV of 2 columns.*Expected 2 columns, got 3",
        ),
        ({"csv": {"header": True}}, "a,a\n1,2\n", "the column 'a' is there twice"),
        ({"json": {"lines": True}}, '{"a": 1}\n{"a": \n', "file, line 2: this is no JSON"),
        ({"json": {"lines": True}}, "[1]\n", "file, line 1: a record must be a JSON object"),
        ({"parquet": {}}, "a,b\n", "file is no Parquet"),
        ({"sagemakerCaptureJson": {}}, "{}\n", "file, line 1: this is no captured inference"),
        ({"csv": {"header": True}}, "a,b\n", "no row that can be analyzed"),
        ({"xml": {}}, "a", "dataset_format 'xml' is unknown"),
    ]
    for form, content, words in cases:
        monitor.put("file", content)
        with pytest.raises(ClientError, match=words):
            monitor.analyze(form)


def test_settings_that_are_wrong_are_named(monitor: Monitor) -> None:
    monitor.put("file", SMALL)
    for environ, words in (
        ({"analysis_type": "MODEL_BIAS"}, "bias of models comes from the Clarify image"),
        ({"analysis_type": "X"}, "must be DATA_QUALITY or MODEL_QUALITY"),
        ({"dataset_source": ""}, "dataset_source is missing"),
        ({"dataset_source": str(monitor.root / "nothing")}, "holds no file"),
        ({"dataset_format": "{"}, "dataset_format is not JSON"),
        ({"baseline_constraints": "/nowhere"}, "baseline_constraints is /nowhere"),
        ({"start_time": "noon"}, "start_time is 'noon'"),
        ({"analysis_type": "MODEL_QUALITY", "problem_type": "Ranking"}, "problem_type is 'Ranking'"),
        ({"analysis_type": "MODEL_QUALITY", "problem_type": "Regression"}, "inference_attribute is missing"),
    ):
        with pytest.raises(ClientError, match=words):
            monitor.analyze(**environ)


def test_only_the_first_host_works(monitor: Monitor) -> None:
    monitor.put("resourceconfig.json", '{"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}', "config")
    monitor.put("a.csv", SMALL)
    monitor.analyze()
    assert not (monitor.root / "out").exists()
