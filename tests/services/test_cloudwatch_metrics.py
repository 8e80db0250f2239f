"""CloudWatch's metrics through boto3, in each of the API's three protocols."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import MetricMatch, MetricName, MetricSink, MetricStore, Sample
from clary.services import cloudwatch
from tests.inprocess import ACCOUNT, REGION, InProcess, serving

NOW = 1_795_284_000  # 2026-11-21 18:00 UTC
PROTOCOLS = ("json", "query", "smithy-rpc-v2-cbor")


class House:
    """A server with CloudWatch over a store of its own, and the client of one protocol."""

    def __init__(self, inner: InProcess, clock: ManualClock, metrics: SqliteMetrics, client: Any) -> None:
        self.inner, self.clock, self.metrics, self.client = inner, clock, metrics, client

    def put(self, *data: dict[str, Any], namespace: str = "N") -> None:
        self.client.put_metric_data(Namespace=namespace, MetricData=list(data))

    def refused(self, call: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            getattr(self.client, call)(**params)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    def statistics(self, name: str = "cpu", period: int = 60, **params: Any) -> list[dict[str, Any]]:
        given = {"StartTime": at(0), "EndTime": at(3600), "Namespace": "N", **params}
        if "ExtendedStatistics" not in given:
            given.setdefault("Statistics", ["Sum"])
        return self.client.get_metric_statistics(MetricName=name, Period=period, **given)["Datapoints"]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


@pytest.fixture(params=PROTOCOLS)
def house(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # Botocore speaks the protocol of the model that it finds: an older one knew the query protocol only.
    model = Loader().load_service_model("cloudwatch", "service-2")
    folder = tmp_path / "models" / "cloudwatch" / model["metadata"]["apiVersion"]
    folder.mkdir(parents=True)
    metadata = {**model["metadata"], "protocol": request.param, "protocols": [request.param]}
    (folder / "service-2.json").write_text(json.dumps({**model, "metadata": metadata}))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "models"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    clock = ManualClock(NOW + 1800)
    metrics = SqliteMetrics(tmp_path / "metrics", clock, background=False)
    ports = {MetricStore: metrics, MetricSink: metrics}
    with serving(tmp_path, [cloudwatch.service], ports=ports, clock=clock) as inner:
        # Requests are signed at the time that the server's clock shows.
        now = "botocore.auth.get_current_datetime"
        monkeypatch.setattr(now, lambda *_, **__: datetime.fromtimestamp(clock.now(), UTC))
        yield House(inner, clock, metrics, inner.client("cloudwatch", parameter_validation=False))
    metrics.close()


def test_what_was_put_is_read(house: House) -> None:
    house.put({"MetricName": "cpu", "Value": 1.5, "Timestamp": at(0), "Unit": "Percent"})
    house.put({"MetricName": "cpu", "Value": 2.5, "Timestamp": at(59), "Unit": "Percent"})
    found = house.statistics(Statistics=["Sum", "SampleCount", "Average", "Minimum", "Maximum"])
    assert found == [
        {
            "Timestamp": at(0),
            "Sum": 4.0,
            "SampleCount": 2.0,
            "Average": 2.0,
            "Minimum": 1.5,
            "Maximum": 2.5,
            "Unit": "Percent",
        }
    ]


def test_values_with_counts_statistic_sets_and_dimensions(house: House) -> None:
    host = [{"Name": "host", "Value": "a"}, {"Name": "app", "Value": "x y"}]
    values = {"Values": [1.0, 10.0], "Counts": [3.0, 1.0]}
    house.put({"MetricName": "cpu", "Dimensions": host, "Timestamp": at(0), **values})
    summary = {"SampleCount": 2.0, "Sum": 8.0, "Minimum": 3.0, "Maximum": 5.0}
    house.put({"MetricName": "cpu", "Dimensions": host[::-1], "Timestamp": at(60), "StatisticValues": summary})
    assert house.statistics() == []
    found = house.statistics(Dimensions=host, Statistics=["Sum", "SampleCount"])
    assert [(one["Sum"], one["SampleCount"]) for one in found] == [(13.0, 4.0), (8.0, 2.0)]
    found = house.statistics(Dimensions=host, ExtendedStatistics=["p50", "p99.9", "TM(:90%)"])
    # Percentiles of a statistic set are not known.
    assert [one["ExtendedStatistics"] for one in found] == [
        {"p50": 1.0, "p99.9": 10.0, "TM(:90%)": pytest.approx((3 + 10 * 0.6) / 3.6)}
    ]


def test_a_packed_request_is_unpacked(house: House) -> None:
    data = [{"MetricName": f"m{i}", "Value": float(i), "Timestamp": at(0)} for i in range(1000)]
    seen: list[str] = []
    house.client.meta.events.register_first(
        "before-send.*", lambda request, **_: seen.append(str(request.headers.get("Content-Encoding")))
    )
    house.put(*data)
    assert seen in (["b'gzip'"], ["gzip"])
    assert len(list(house.metrics.names(ACCOUNT, REGION, MetricMatch()))) == 1000


def test_metrics_of_high_resolution_and_periods_that_begin_where_the_request_does(house: House) -> None:
    house.put(
        *({"MetricName": "cpu", "Value": 1.0, "Timestamp": at(i), "StorageResolution": 1} for i in range(0, 600, 7))
    )
    found = house.statistics(period=10, StartTime=at(7), EndTime=at(47))
    assert [one["Timestamp"] for one in found] == [at(0), at(10), at(20), at(30), at(40)]
    found = house.statistics(period=300, StartTime=at(60 + 17), EndTime=at(660))
    assert [(one["Timestamp"], one["Sum"]) for one in found] == [(at(60), 43.0), (at(360), 34.0)]


def test_what_is_too_old_for_its_period_is_not_answered(house: House) -> None:
    house.clock.advance(4 * 3600)
    house.put({"MetricName": "cpu", "Value": 1.0, "Timestamp": at(0), "StorageResolution": 1})
    assert house.statistics(period=10, EndTime=at(60)) == []
    assert [one["Sum"] for one in house.statistics(period=60, EndTime=at(60))] == [1.0]


def test_units_are_told_apart(house: House) -> None:
    house.put({"MetricName": "cpu", "Value": 1.0, "Timestamp": at(0), "Unit": "Seconds"})
    house.put({"MetricName": "cpu", "Value": 2.0, "Timestamp": at(0)})
    assert {one["Unit"]: one["Sum"] for one in house.statistics()} == {"Seconds": 1.0, "None": 2.0}
    assert [one["Sum"] for one in house.statistics(Unit="Seconds")] == [1.0]
    assert house.statistics(Unit="Bytes") == []


def test_metrics_are_listed_in_pages(house: House) -> None:
    for first in range(0, 1100, 550):
        house.put(*({"MetricName": f"m{i:04d}", "Value": 1.0} for i in range(first, first + 550)))
    dimensions = [{"Name": "host", "Value": "a"}, {"Name": "zone", "Value": "1"}]
    house.put({"MetricName": "d", "Value": 1.0, "Dimensions": dimensions}, namespace="Other")
    pages = list(house.client.get_paginator("list_metrics").paginate(Namespace="N"))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 100]
    names = [one["MetricName"] for page in pages for one in page["Metrics"]]
    assert names == [f"m{i:04d}" for i in range(1100)]
    listed = house.client.list_metrics(Dimensions=[{"Name": "zone"}])["Metrics"]
    assert listed == [{"Namespace": "Other", "MetricName": "d", "Dimensions": dimensions}]
    assert house.client.list_metrics(Dimensions=[{"Name": "zone", "Value": "2"}])["Metrics"] == []
    house.clock.advance(4 * 3600)
    assert house.client.list_metrics(Namespace="Other", RecentlyActive="PT3H")["Metrics"] == []
    assert len(house.client.list_metrics(Namespace="Other")["Metrics"]) == 1
    house.clock.advance(15 * 86_400)
    assert house.client.list_metrics()["Metrics"] == []
    code, _ = house.refused("list_metrics", NextToken="x")
    assert code == "InvalidParameterValue"


BAD = [
    ({"Value": float("nan")}, "InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is "),
    ({"Value": float("inf")}, "InvalidParameterValue", "for parameter MetricData.member.1.Value is invalid."),
    ({"Value": float("-inf")}, "InvalidParameterValue", "for parameter MetricData.member.1.Value is invalid."),
    ({"Value": 2.0**361}, "InvalidParameterValue", "from -2^360 to 2^360"),
    ({"Values": [1.0, float("nan")]}, "InvalidParameterValue", "MetricData.member.1.Values.member.2 is invalid."),
    ({"Values": [1.0] * 151}, "InvalidParameterValue", "must not have a size greater than 150"),
    ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue", "must be of the same size"),
    ({"Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue", "must not hold negative numbers"),
    ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination", "are mutually exclusive"),
    ({"Value": 1.0, "Counts": [1.0]}, "InvalidParameterCombination", "goes with MetricData.member.1.Values only"),
    ({}, "MissingParameter", "must be specified"),
    ({"Value": 1.0, "Timestamp": at(-15 * 86_400)}, "InvalidParameterValue", "within the past two weeks"),
    ({"Value": 1.0, "Timestamp": at(3 * 3600)}, "InvalidParameterValue", "no more than two hours in the future"),
    ({"Value": 1.0, "Unit": "Parsecs"}, "ValidationError", "Member must satisfy enum value set: [Seconds, "),
    ({"Value": 1.0, "StorageResolution": 5}, "InvalidParameterValue", "Use 1 or 60"),
    ({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "b"}] * 2}, "InvalidParameterValue", "twice"),
    ({"Value": 1.0, "Dimensions": [{"Name": f"a{i}", "Value": "b"} for i in range(31)]}, "ValidationError", "30"),
    ({"Value": 1.0, "Dimensions": [{"Name": ":a", "Value": "b"}]}, "InvalidParameterValue", "colon"),
    ({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "ä"}]}, "InvalidParameterValue", "printable ASCII"),
    ({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "  "}]}, "InvalidParameterValue", "but blanks"),
    (
        {"StatisticValues": {"SampleCount": 0.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}},
        "InvalidParameterValue",
        "SampleCount must be greater than 0",
    ),
    (
        {"StatisticValues": {"SampleCount": 2.0, "Sum": 1.0, "Minimum": 2.0, "Maximum": 1.0}},
        "InvalidParameterValue",
        "must be greater than or equal to",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("datum", "code", "words"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_data_are_refused_and_nothing_of_them_is_kept(
    house: House, datum: dict[str, Any], code: str, words: str
) -> None:
    good = {"MetricName": "good", "Value": 1.0}
    found = house.refused("put_metric_data", Namespace="N", MetricData=[{"MetricName": "cpu", **datum}, good])
    assert found[0] == code and words in found[1]
    assert list(house.metrics.names(ACCOUNT, REGION, MetricMatch())) == []


def test_bad_requests_are_refused(house: House) -> None:
    one = [{"MetricName": "a", "Value": 1.0}]
    code, words = house.refused("put_metric_data", Namespace="AWS/EC2", MetricData=one)
    assert code == "InvalidParameterValue" and words.startswith("The value AWS/EC2 for parameter Namespace is invalid.")
    assert house.refused("put_metric_data", Namespace="N", MetricData=[])[0] == "MissingParameter"
    assert house.refused("put_metric_data", Namespace=":N", MetricData=one)[0] == "ValidationError"
    code, words = house.refused("put_metric_data", Namespace="N", MetricData=one * 1001)
    assert (code, words) == (
        "InvalidParameterValue",
        "The collection MetricData must not have a size greater than 1000.",
    )


def test_the_metrics_of_an_entity_are_kept_without_it(house: House) -> None:
    data = [{"MetricName": "cpu", "Value": 3.0, "Timestamp": at(0)}]
    entity = [{"Entity": {"KeyAttributes": {"Type": "Service", "Name": "s"}}, "MetricData": data}]
    house.client.put_metric_data(Namespace="N", EntityMetricData=entity, StrictEntityValidation=False)
    assert [one["Sum"] for one in house.statistics()] == [3.0]


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"Period": 7}, "InvalidParameterValue", "Use 1, 5, 10, 20, 30 or a multiple of 60"),
        ({"Period": 1}, "InvalidParameterCombination", "You have requested up to 3,600 datapoints, which exceeds"),
        ({"EndTime": at(0)}, "InvalidParameterValue", "StartTime must be less than"),
        ({"Statistics": []}, "MissingParameter", "must be specified"),
        ({"ExtendedStatistics": ["p99"]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Statistics": [], "ExtendedStatistics": ["p101"]}, "InvalidParameterValue", "between 0 and 100"),
        ({"Statistics": [], "ExtendedStatistics": ["tm(1:2"]}, "InvalidParameterValue", "is no statistic"),
        ({"Statistics": [], "ExtendedStatistics": ["Sum"]}, "InvalidParameterValue", "Ask for it in Statistics"),
    ],
)
def test_bad_questions_are_refused(house: House, params: dict[str, Any], code: str, words: str) -> None:
    given = {"Namespace": "N", "MetricName": "m", "StartTime": at(0), "EndTime": at(3600), "Period": 60}
    if "Statistics" not in params:
        given["Statistics"] = ["Sum"]
    given.update(params)
    if given.get("Statistics") == []:
        del given["Statistics"]
    found = house.refused("get_metric_statistics", **given)
    assert found[0] == code and words in found[1]


def test_what_services_count_is_in_their_namespace(house: House) -> None:
    metric = MetricName(ACCOUNT, REGION, "AWS/SageMaker", "Invocations", (("EndpointName", "e"),))
    house.metrics.add([Sample(metric, NOW, (1.0,), (5.0,), unit="Count")])
    found = house.statistics(
        "Invocations", Namespace="AWS/SageMaker", Dimensions=[{"Name": "EndpointName", "Value": "e"}]
    )
    assert [(one["Sum"], one["Unit"]) for one in found] == [(5.0, "Count")]


PACKED = {"garbage": b"garbage", "bomb": gzip.compress(b" " * 20_000_000), "cut": gzip.compress(b"{}")[:-3]}


@pytest.mark.parametrize("kind", PACKED)
def test_a_body_that_is_packed_badly_is_refused(house: House, kind: str) -> None:
    def packed(request: Any, **_: Any) -> None:
        request.headers["Content-Encoding"] = "gzip"
        request.data = PACKED[kind]

    house.client.meta.events.register("before-sign.cloudwatch.PutMetricData", packed)
    code, words = house.refused("put_metric_data", Namespace="N", MetricData=[{"MetricName": "a", "Value": 1.0}])
    assert code in ("SerializationException", "MalformedInput")
    assert ("must not be longer" if kind == "bomb" else "not valid gzip") in words
