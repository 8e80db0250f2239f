"""BatchPutMetrics and BatchGetMetrics over boto3, and what a component makes of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.services import sagemaker, sagemaker_metrics
from clary.services.sagemaker.experiments import points
from clary.services.sagemaker.experiments.series import MOST_METRICS, Series
from tests.experiments_house import HERE, refusal
from tests.iam_house import iam_house
from tests.inprocess import InProcess

STEP = f"{HERE}:experiment-trial-component/step"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    services = [sagemaker.service, sagemaker_metrics.service]
    with iam_house(tmp_path, services, {sagemaker_metrics.Series: Series()}) as made:
        made.client("sagemaker").create_trial_component(TrialComponentName="Step")
        yield made


@pytest.fixture
def metrics(inside: InProcess) -> Any:
    return inside.client("sagemaker-metrics")


def put(inside: InProcess, metrics: Any, *values: float, name: str = "loss", every: float = 1.0) -> dict[str, Any]:
    """The values, one a step from 0 on, the first one now."""
    now = inside.clock.now() // 3600 * 3600
    told = [
        {"MetricName": name, "Timestamp": int(now + number * every), "Step": number, "Value": value}
        for number, value in enumerate(values)
    ]
    said: dict[str, Any] = {}
    for start in range(0, len(told), 10):
        said = metrics.batch_put_metrics(TrialComponentName="step", MetricData=told[start : start + 10])
    return said


def got(metrics: Any, stat: str = "Avg", period: str = "IterationNumber", **more: Any) -> dict[str, Any]:
    axis = "IterationNumber" if period == "IterationNumber" else "Timestamp"
    query = {
        **{"MetricName": "loss", "ResourceArn": STEP, "MetricStat": stat, "Period": period, "XAxisType": axis},
        **more,
    }
    (found,) = metrics.batch_get_metrics(MetricQueries=[query])["MetricQueryResults"]
    return dict(found)


def test_values_are_summed_up_in_their_component(inside: InProcess, metrics: Any) -> None:
    assert "Errors" not in put(inside, metrics, 4.0, 1.0, 3.0, 2.0)
    put(inside, metrics, 7.5, name="acc")
    said = inside.client("sagemaker").describe_trial_component(TrialComponentName="step")
    assert [one["MetricName"] for one in said["Metrics"]] == ["acc", "loss"]
    loss = said["Metrics"][1]
    assert (loss["Min"], loss["Max"], loss["Last"], loss["Count"], loss["Avg"]) == (1.0, 4.0, 2.0, 4, 2.5)
    assert loss["StdDev"] == pytest.approx(1.25**0.5)
    assert loss["SourceArn"] == STEP
    assert said["Metrics"][0]["StdDev"] == 0.0


def test_the_last_value_is_that_of_the_latest_time(inside: InProcess, metrics: Any) -> None:
    now = int(inside.clock.now())
    data = [
        {"MetricName": "loss", "Timestamp": now, "Value": 5.0},
        {"MetricName": "loss", "Timestamp": now - 10, "Value": 1.0},
    ]
    metrics.batch_put_metrics(TrialComponentName="step", MetricData=data)
    said = inside.client("sagemaker").describe_trial_component(TrialComponentName="step")
    assert said["Metrics"][0]["Last"] == 5.0


def test_every_value_comes_back_by_its_step_and_by_its_time(inside: InProcess, metrics: Any) -> None:
    values = [float(number % 7) for number in range(260)]
    put(inside, metrics, *values)
    found = got(metrics)
    assert found["XAxisValues"] == list(range(260))
    assert found["MetricValues"] == values
    assert found["Status"] == "Complete"
    part = got(metrics, Start=5, End=7)
    assert (part["XAxisValues"], part["MetricValues"]) == ([5, 6, 7], [5.0, 6.0, 0.0])
    start = int(inside.clock.now() // 3600 * 3600)
    minutes = got(metrics, "Count", "OneMinute")
    assert minutes["XAxisValues"] == [start + 60 * number for number in range(5)]
    assert minutes["MetricValues"] == [60.0, 60.0, 60.0, 60.0, 20.0]
    assert got(metrics, "Max", "OneHour")["MetricValues"] == [6.0]
    assert got(metrics, "Min", "FiveMinute")["MetricValues"] == [0.0]
    assert got(metrics, "Last", "OneHour")["MetricValues"] == [values[-1]]
    spread = got(metrics, "StdDev", "OneHour")["MetricValues"][0]
    said = inside.client("sagemaker").describe_trial_component(TrialComponentName="step")["Metrics"][0]
    assert spread == pytest.approx(said["StdDev"])


def test_a_crash_between_the_sealing_and_the_write_loses_and_doubles_nothing(inside: InProcess, metrics: Any) -> None:
    put(inside, metrics, *map(float, range(50)))
    row = inside.store.by_arn(STEP)
    assert (len(row.status["_open"]), row.status["_sealed"]) == (50, 0)
    inside.thread.call(points._seal, inside.raw_store, row, "000000", row.status["_open"])  # and here it died
    assert got(metrics)["MetricValues"] == [float(number) for number in range(50)]
    put(inside, metrics, *map(float, range(3)))
    assert got(metrics, "Count")["MetricValues"][:4] == [2.0, 2.0, 2.0, 1.0]


def test_what_cannot_be_kept_is_told_by_its_place(inside: InProcess, metrics: Any) -> None:
    now = int(inside.clock.now())
    said = metrics.batch_put_metrics(
        TrialComponentName="step",
        MetricData=[
            {"MetricName": "loss", "Timestamp": now, "Value": 1.0},
            {"MetricName": "loss", "Timestamp": now - 15 * 86_400, "Value": 2.0},
            {"MetricName": "loss", "Timestamp": now + 10_000, "Value": 3.0},
        ],
    )
    assert said["Errors"] == [
        {"Code": "VALIDATION_ERROR", "MetricIndex": 1},
        {"Code": "VALIDATION_ERROR", "MetricIndex": 2},
    ]
    assert got(metrics, "Count", "OneHour")["MetricValues"] == [1.0]
    none = [{"MetricName": "loss", "Timestamp": now, "Value": 1.0}]
    code, message = refusal(metrics.batch_put_metrics, TrialComponentName="none", MetricData=none)
    assert (code, "'none' does not exist" in message) == ("ResourceNotFound", True)


def test_a_component_has_no_more_metrics_than_it_has_room_for(inside: InProcess, metrics: Any) -> None:
    now = int(inside.clock.now())
    for start in range(0, MOST_METRICS, 10):
        names = [f"m{number}" for number in range(start, start + 10)]
        data = [{"MetricName": name, "Timestamp": now, "Value": 1.0} for name in names]
        assert "Errors" not in metrics.batch_put_metrics(TrialComponentName="step", MetricData=data)
    data = [{"MetricName": name, "Timestamp": now, "Value": 1.0} for name in ("new", "m1")]
    said = metrics.batch_put_metrics(TrialComponentName="step", MetricData=data)
    assert said["Errors"] == [{"Code": "METRIC_LIMIT_EXCEEDED", "MetricIndex": 0}]
    assert got(metrics, "Count", "OneHour", MetricName="m1")["MetricValues"] == [2.0]


def test_queries_that_cannot_be_answered_say_why(inside: InProcess, metrics: Any) -> None:
    put(inside, metrics, 1.0)
    for found, word in (
        (got(metrics, ResourceArn=f"{HERE}:training-job/none"), "none"),
        (got(metrics, ResourceArn=f"{HERE}:endpoint/none"), "none"),
        (got(metrics, XAxisType="Timestamp"), "do not go together"),
        (got(metrics, Start=5, End=2), "Start"),
    ):
        assert found["Status"] == "ValidationError"
        assert word in found["Message"]
    unknown = got(metrics, MetricName="other")
    assert (unknown["Status"], unknown["MetricValues"]) == ("Complete", [])


def test_a_deleted_component_leaves_no_values(inside: InProcess, metrics: Any) -> None:
    put(inside, metrics, *map(float, range(120)))
    client = inside.client("sagemaker")
    client.delete_trial_component(TrialComponentName="step")
    client.create_trial_component(TrialComponentName="step")
    assert got(metrics)["MetricValues"] == []
    assert client.describe_trial_component(TrialComponentName="step")["Metrics"] == []
