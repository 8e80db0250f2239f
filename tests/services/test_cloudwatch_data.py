"""GetMetricData through boto3: queries, order, pages, labels, and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import MetricName, MetricStore, Sample, dimensions
from clary.services import cloudwatch
from clary.services.cloudwatch import queries
from tests.inprocess import ACCOUNT, REGION, InProcess, serving

NOW = 1_795_284_000  # 2026-11-21 18:00 UTC
Result = list[tuple[str, str, list[float]]]


class House:
    def __init__(self, inner: InProcess, clock: ManualClock, metrics: SqliteMetrics) -> None:
        self.inner, self.clock, self.metrics = inner, clock, metrics
        self.client: Any = inner.client("cloudwatch")

    def fill(self, host: str, *values: float | None, name: str = "cpu", resolution: int = 60) -> None:
        metric = MetricName(ACCOUNT, REGION, "N", name, dimensions(host=host))
        step = 60 if resolution == 60 else 1
        self.metrics.put(
            [
                Sample(metric, NOW + step * i, (value,), resolution=resolution)
                for i, value in enumerate(values)
                if value is not None
            ]
        )

    def ask(self, *queries: dict[str, Any], **params: Any) -> dict[str, Any]:
        given = {"StartTime": at(0), "EndTime": at(600), "ScanBy": "TimestampAscending", **params}
        return self.client.get_metric_data(MetricDataQueries=list(queries), **given)

    def results(self, *queries: dict[str, Any], **params: Any) -> Result:
        answer = self.ask(*queries, **params)
        return [(one["Id"], one["Label"], one["Values"]) for one in answer["MetricDataResults"]]

    def refused(self, *queries: dict[str, Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            self.ask(*queries, **params)
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def metric(
    name: str, host: str, stat: str = "Average", period: int = 60, cpu: str = "cpu", **more: Any
) -> dict[str, Any]:
    named = {"Namespace": "N", "MetricName": cpu, "Dimensions": [{"Name": "host", "Value": host}]}
    return {"Id": name, "MetricStat": {"Metric": named, "Period": period, "Stat": stat}, **more}


def expression(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"Id": name, "Expression": text, **more}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    clock = ManualClock(NOW + 900)
    metrics = SqliteMetrics(tmp_path / "metrics", clock, background=False)
    # Requests are signed at the time that the server's clock shows.
    now = "botocore.auth.get_current_datetime"
    monkeypatch.setattr(now, lambda *_, **__: datetime.fromtimestamp(clock.now(), UTC))
    with serving(tmp_path, [cloudwatch.service], ports={MetricStore: metrics}, clock=clock) as inner:
        yield House(inner, clock, metrics)
    metrics.close()


def test_metrics_and_expressions_are_answered_in_their_order(house: House) -> None:
    house.fill("a", 1, 2, 3)
    house.fill("b", 10, None, 30)
    found = house.results(metric("m1", "a", ReturnData=False), expression("e1", "m1 + m2"), metric("m2", "b"))
    assert found == [("e1", "e1", [11.0, 2.0, 33.0]), ("m2", "cpu", [10.0, 30.0])]


def test_the_newest_come_first_unless_asked_otherwise(house: House) -> None:
    house.fill("a", 1, 2, 3)
    answer = house.client.get_metric_data(MetricDataQueries=[metric("m1", "a")], StartTime=at(0), EndTime=at(600))
    one = answer["MetricDataResults"][0]
    assert (one["Values"], one["Timestamps"]) == ([3.0, 2.0, 1.0], [at(120), at(60), at(0)])
    assert one["StatusCode"] == "Complete" and answer["Messages"] == [] and "NextToken" not in answer


@pytest.mark.parametrize("scan", ["TimestampAscending", "TimestampDescending"])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 7, 100])
def test_pages_put_together_are_the_whole(house: House, scan: str, most: int) -> None:
    house.fill("a", 1, 2, 3, 4, 5)
    house.fill("b", None, 20, None, 40)
    asked = [metric("m1", "a"), metric("m2", "b"), metric("m3", "none"), expression("e1", "METRICS()")]
    whole: dict[tuple[str, str], list[float]] = {}
    for one in house.ask(*asked, ScanBy=scan)["MetricDataResults"]:
        whole.setdefault((one["Id"], one["Label"]), []).extend(one["Values"])
    paged: dict[tuple[str, str], list[float]] = {}
    token: dict[str, Any] = {}
    for _ in range(20):
        answer = house.ask(*asked, ScanBy=scan, MaxDatapoints=most, **token)
        assert sum(len(one["Values"]) for one in answer["MetricDataResults"]) <= most
        for one in answer["MetricDataResults"]:
            paged.setdefault((one["Id"], one["Label"]), []).extend(one["Values"])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
        assert any(one["StatusCode"] == "PartialData" for one in answer["MetricDataResults"])
    assert paged == whole and sum(map(len, whole.values())) == 14


def test_a_token_of_another_question_is_refused(house: House) -> None:
    house.fill("a", 1, 2, 3)
    token = house.ask(metric("m1", "a"), MaxDatapoints=1)["NextToken"]
    code, _ = house.refused(metric("m2", "a"), MaxDatapoints=1, NextToken=token)
    assert code == "InvalidNextToken"
    assert house.refused(metric("m1", "a"), NextToken="no token")[0] == "InvalidNextToken"


def test_searches_find_what_was_written_of_late(house: House) -> None:
    house.fill("a", 1, 2)
    house.fill("b", 10, 20)
    house.fill("a", 5, name="disk")
    found = house.results(expression("e1", "SEARCH('{N,host} MetricName=\"cpu\"', 'Sum', 60)"))
    assert found == [("e1", "a", [1.0, 2.0]), ("e1", "b", [10.0, 20.0])]
    found = house.results(expression("e1", "SUM(SEARCH('{N,host} cpu', 'Sum'))", Period=300))
    assert found == [("e1", "e1", [33.0])]
    found = house.results(expression("e1", "SEARCH(' NOT cpu ', 'Maximum', 60)", Label="found"))
    assert found == [("e1", "found", [5.0])]
    house.clock.advance(15 * 86_400)
    assert house.results(expression("e1", "SEARCH('{N,host} cpu', 'Sum', 60)")) == []


def test_a_search_that_finds_too_much_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_FOUND", 2)
    for host in "abc":
        house.fill(host, 1)
    answer = house.ask(expression("e1", "SEARCH('{N,host}', 'Sum', 60)"))
    assert len(answer["MetricDataResults"]) == 2
    assert answer["Messages"][0]["Code"] == "MaxMetricsExceeded"


def test_labels_show_what_they_are_asked(house: House) -> None:
    house.fill("a", 1, 4, 2.5)
    given = {
        "plain": "plain",
        "${LABEL} of ${PROP('Dim.host')} in ${PROP('Namespace')}": "cpu of a in N",
        "${PROP('MetricName')} ${PROP('Stat')} ${PROP('Period')} ${PROP('Region')}": f"cpu Maximum 60 {REGION}",
        "${PROP('AccountId')}": ACCOUNT,
        "${MIN} ${MAX} ${AVG} ${SUM} ${FIRST} ${LAST} ${DATAPOINT_COUNT}": "1 4 2.5 7.5 1 2.5 3",
        "${MIN_MAX_RANGE} ${FIRST_LAST_RANGE} ${FIRST_LAST_TIME_RANGE}": "3 1.5 2m",
        "at ${MAX_TIME}, ${MAX_TIME_RELATIVE} ago": "at 2026-11-21 18:01:00 UTC, 14m ago",
        "${NO_SUCH}": "${NO_SUCH}",
    }
    for label, wanted in given.items():
        assert house.results(metric("m1", "a", "Maximum", Label=label)) == [("m1", wanted, [1.0, 4.0, 2.5])], label
    there = {"LabelOptions": {"Timezone": "-0930"}}
    assert house.results(metric("m1", "a", Label="${MIN_TIME}"), **there)[0][1] == "2026-11-21 08:30:00 -0930"
    assert house.results(metric("m1", "none", Label="${MAX}"))[0][1] == "--"
    assert "Timezone" in house.refused(metric("m1", "a"), LabelOptions={"Timezone": "CET"})[1]


def test_default_labels_tell_the_metrics_apart(house: House) -> None:
    asked = [metric("m1", "a"), metric("m2", "b"), metric("m3", "a", cpu="disk")]
    assert [label for _, label, _ in house.results(*asked)] == ["a cpu", "b cpu", "a disk"]
    asked = [metric("m1", "a"), metric("m2", "a", "Maximum")]
    assert [label for _, label, _ in house.results(*asked)] == ["cpu Average", "cpu Maximum"]


def test_percentiles_and_units(house: House) -> None:
    name = MetricName(ACCOUNT, REGION, "N", "cpu", dimensions(host="a"))
    house.metrics.put([Sample(name, NOW, tuple(float(i) for i in range(1, 101)), unit="Seconds")])
    assert house.results(metric("m1", "a", "p90"))[0][2] == [pytest.approx(90, rel=0.01)]
    assert house.results(metric("m1", "a", "PR(:25)"))[0][2] == [pytest.approx(25, rel=0.05)]
    one = metric("m1", "a")
    one["MetricStat"]["Unit"] = "Bytes"
    assert house.results(one)[0][2] == []


def test_other_accounts_are_forbidden(house: House) -> None:
    house.fill("a", 1)
    one = house.ask(metric("m1", "a", AccountId="999999999999"))["MetricDataResults"][0]
    assert (one["StatusCode"], one["Values"]) == ("Forbidden", [])
    assert house.results(metric("m1", "a", AccountId=ACCOUNT))[0][2] == [1.0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([expression("e1", "m1 +")], "Error in expression 'e1': The expression ends too early at position 5."),
        ([expression("e1", "m9")], "Error in expression 'e1': Undefined variable 'm9' at position 1."),
        ([expression("e1", "SUM(m1)")], "Error in expression 'e1': The result is a number"),
        ([expression("e1", "e2"), expression("e2", "e1 + 1")], "The expression 'e1' refers to itself"),
        ([expression("e1", "1 + e1")], "The expression 'e1' refers to itself"),
        ([metric("m1", "a")], "are not unique: m1"),
        ([expression("Upper", "m1")], "not matching the expected pattern"),
        ([{"Id": "e1"}], "either Expression or MetricStat"),
        ([{**metric("m2", "a"), "Expression": "m1"}], "either Expression or MetricStat"),
        ([metric("m2", "a", period=7)], "Use 1, 5, 10, 20, 30 or a multiple of 60"),
        ([metric("m2", "a", "Median")], "is no statistic"),
        ([metric("m2", "a", Period=300)], "leave it out"),
        (
            [{"Id": "m2", "MetricStat": {"Metric": {"Namespace": "N"}, "Period": 60, "Stat": "Sum"}}],
            "MetricName is req",
        ),
        ([expression(f"e{i}", "m1") for i in range(500)], "must not have a size greater than 500"),
    ],
)
def test_bad_queries_are_refused(house: House, asked: list[dict[str, Any]], words: str) -> None:
    code, message = house.refused(metric("m1", "a"), *asked)
    assert code == "ValidationError" and words in message


def test_bad_requests_are_refused(house: House) -> None:
    one = metric("m1", "a")
    assert "StartTime must be less" in house.refused(one, EndTime=at(0))[1]
    assert "MaxDatapoints must be" in house.refused(one, MaxDatapoints=0)[1]
    assert "must have ReturnData true" in house.refused({**one, "ReturnData": False})[1]
    assert "at least one member" in house.refused()[1]


def test_what_is_not_served_is_refused_by_name(house: House) -> None:
    code, words = house.refused(expression("e1", 'SELECT AVG(cpu) FROM "N"'))
    assert (code, words) == ("NotImplemented", "Queries of Metrics Insights (SELECT ...) are not served: use SEARCH.")
    code, words = house.refused(metric("m1", "a"), expression("e1", "ANOMALY_DETECTION_BAND(m1)"))
    assert code == "NotImplemented" and "ANOMALY_DETECTION_BAND" in words


def test_starts_are_rounded_as_cloudwatch_does(house: House) -> None:
    house.fill("a", *range(12))
    found = house.ask(metric("m1", "a", "Sum", period=300), StartTime=at(179))["MetricDataResults"][0]
    assert (found["Timestamps"], found["Values"]) == ([at(120), at(420)], [20.0, 45.0])
    house.fill("s", *range(40), resolution=1)
    found = house.ask(metric("m1", "s", "Sum", period=20), StartTime=at(13), EndTime=at(40))["MetricDataResults"][0]
    assert found["Timestamps"] == [at(0), at(20)]
    house.clock.advance(20 * 86_400)
    found = house.ask(metric("m1", "a", "Sum", period=300), StartTime=at(179))["MetricDataResults"][0]
    assert found["Timestamps"] == [at(0), at(300)]
    # Minutes are kept for 15 days.
    assert house.results(metric("m1", "a", "Sum", period=60)) == [("m1", "cpu", [])]
