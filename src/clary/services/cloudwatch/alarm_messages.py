"""What alarms say of a change of their state: the notification of a topic, the payload of a function, the event."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.cloudwatch.alarm_rows import COMPOSITE, METRIC, stamp, state_in

_LONGEST_SUBJECT: Final = 100
_UPDATED: Final = "AlarmConfigurationUpdatedTimestamp"
_TRIGGER: Final = (
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "ComparisonOperator",
    "Threshold",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)
_CONFIGURED: Final = (
    ("evaluationPeriods", "EvaluationPeriods"),
    ("datapointsToAlarm", "DatapointsToAlarm"),
    ("threshold", "Threshold"),
    ("comparisonOperator", "ComparisonOperator"),
    ("treatMissingData", "TreatMissingData"),
    ("evaluateLowSampleCountPercentile", "EvaluateLowSampleCountPercentile"),
    ("alarmRule", "AlarmRule"),
    ("actionsSuppressor", "ActionsSuppressor"),
    ("actionsSuppressorWaitPeriod", "ActionsSuppressorWaitPeriod"),
    ("actionsSuppressorExtensionPeriod", "ActionsSuppressorExtensionPeriod"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an alarm's state, as the line of the outbox tells it."""

    uid: str
    arn: str
    name: str
    account: str
    region: str
    type: str
    spec: Doc
    updated: float
    """When it was configured last."""
    state: Doc
    """As events tell it, with the time in epoch seconds."""
    previous: Doc
    number: int
    act: bool


def change_in(event: Event) -> Change | None:
    """None: the line tells of no change of a state."""
    spec, status = event.resource["spec"], event.resource["status"]
    last = status.get("_last", {})
    if last.get("what") not in ("state", "suppression") or event.type not in ("moved", "changed"):
        return None
    return Change(
        event.uid,
        event.resource["arn"],
        event.name,
        event.account,
        event.region,
        COMPOSITE if "AlarmRule" in spec else METRIC,
        spec,
        status[_UPDATED],
        state_in(event.phase, status),
        last["previous"],
        int(status["_number"]),
        bool(last["act"]),
    )


def told(state: Doc) -> Doc:
    """The same with its time as alarms write it."""
    return {**state, "timestamp": stamp(state["timestamp"])}


def detail(change: Change) -> Doc:
    """Of the event "CloudWatch Alarm State Change"."""
    return {
        "alarmName": change.name,
        "state": told(change.state),
        "previousState": told(change.previous),
        "configuration": measured(change.spec, change.uid),
    }


def measured(spec: Doc, uid: str) -> Doc:
    """What the alarm watches, as the event of a change of state tells it."""
    found: Doc = {"description": spec["AlarmDescription"]} if "AlarmDescription" in spec else {}
    if "AlarmRule" in spec:
        return {**found, **{name: spec[member] for name, member in _CONFIGURED if member in spec}}
    return {"metrics": metrics(spec, uid), **found}


def configured(spec: Doc, uid: str, updated: float) -> Doc:
    """The whole configuration, as the event "CloudWatch Alarm Configuration Change" tells it."""
    found: Doc = {name: spec[member] for name, member in _CONFIGURED if member in spec}
    if "AlarmRule" not in spec:
        found["metrics"] = metrics(spec, uid)
    found["alarmName"] = spec["AlarmName"]
    if "AlarmDescription" in spec:
        found["description"] = spec["AlarmDescription"]
    return {
        **found,
        "actionsEnabled": spec.get("ActionsEnabled", True),
        "timestamp": stamp(updated),
        "okActions": spec.get("OKActions", []),
        "alarmActions": spec.get("AlarmActions", []),
        "insufficientDataActions": spec.get("InsufficientDataActions", []),
    }


def metrics(spec: Doc, uid: str) -> list[Doc]:
    """The queries of the alarm; of one metric they are one query, whose id AWS makes up."""
    if "Metrics" in spec:
        return [_query(one) for one in spec["Metrics"]]
    metric = {"namespace": spec["Namespace"], "name": spec["MetricName"], "dimensions": _named(spec)}
    statistic = spec["Statistic"] if "Statistic" in spec else spec["ExtendedStatistic"]
    stat: Doc = {"metric": metric, "period": spec["Period"], "stat": statistic}
    if "Unit" in spec:
        stat["unit"] = spec["Unit"]
    return [{"id": str(uuid5(NAMESPACE_URL, f"clary:{uid}:metric")), "metricStat": stat, "returnData": True}]


def _query(one: Doc) -> Doc:
    found: Doc = {"id": one["Id"]}
    if "Expression" in one:
        found["expression"] = one["Expression"]
    else:
        given = one["MetricStat"]
        metric = {
            "namespace": given["Metric"]["Namespace"],
            "name": given["Metric"]["MetricName"],
            "dimensions": _named(given["Metric"]),
        }
        found["metricStat"] = {"metric": metric, "period": given["Period"], "stat": given["Stat"]}
        if "Unit" in given:
            found["metricStat"]["unit"] = given["Unit"]
    if "Label" in one:
        found["label"] = one["Label"]
    return {**found, "returnData": one.get("ReturnData", True)}


def _named(metric: Doc) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}


def payload(change: Change) -> str:
    """What a Lambda function is invoked with: JSON."""
    said = {
        "source": "aws.cloudwatch",
        "alarmArn": change.arn,
        "accountId": change.account,
        "time": stamp(change.state["timestamp"]),
        "region": change.region,
        "alarmData": detail(change),
    }
    return orjson.dumps(said).decode()


def subject(change: Change) -> str:
    """Of the notification: what mail programs show."""
    text = f'{change.state["value"]}: "{change.name}" in {region_name(change.region)}'
    return text.encode("ascii", "replace").decode()[:_LONGEST_SUBJECT]


def notification(change: Change) -> str:
    """The message of a topic: JSON."""
    spec = change.spec
    said: Doc = {
        "AlarmName": change.name,
        "AlarmDescription": spec.get("AlarmDescription"),
        "AWSAccountId": change.account,
        "AlarmConfigurationUpdatedTimestamp": stamp(change.updated),
        "NewStateValue": change.state["value"],
        "NewStateReason": change.state["reason"],
        "StateChangeTime": stamp(change.state["timestamp"]),
        "Region": region_name(change.region),
        "AlarmArn": change.arn,
        "OldStateValue": change.previous["value"],
        "OKActions": spec.get("OKActions", []),
        "AlarmActions": spec.get("AlarmActions", []),
        "InsufficientDataActions": spec.get("InsufficientDataActions", []),
    }
    if change.type == COMPOSITE:
        said["AlarmRule"] = spec["AlarmRule"]
        said["TriggeringChildren"] = _children(change.state.get("reasonData", ""))
    else:
        said["Trigger"] = _trigger(spec)
    return orjson.dumps(said).decode()


def _children(data: str) -> list[Doc]:
    try:
        alarms = orjson.loads(data)["triggeringAlarms"]
    except (ValueError, KeyError, TypeError):
        return []  # what somebody wrote by SetAlarmState
    return [
        {"Arn": one["arn"], "State": {"Value": one["state"]["value"], "Timestamp": one["state"]["timestamp"]}}
        for one in alarms
    ]


def _trigger(spec: Doc) -> Doc:
    watched: dict[str, Any] = {}
    if "Metrics" not in spec:
        extended = "ExtendedStatistic" in spec
        watched = {
            "MetricName": spec["MetricName"],
            "Namespace": spec["Namespace"],
            "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        }
        if extended:
            watched["ExtendedStatistic"] = spec["ExtendedStatistic"]
        else:
            watched["Statistic"] = {"SampleCount": "SAMPLE_COUNT"}.get(spec["Statistic"], spec["Statistic"].upper())
        watched |= {"Unit": spec.get("Unit"), "Dimensions": _pairs(spec), "Period": spec["Period"]}
    for member in _TRIGGER:
        if member in spec or member.startswith(("Treat", "Evaluate")):
            watched[member] = spec.get(member, "")
    if "Metrics" in spec:
        watched["Metrics"] = [_watched(one) for one in spec["Metrics"]]
    return watched


def _watched(one: Doc) -> Doc:
    found = {**one, "ReturnData": one.get("ReturnData", True)}
    if "MetricStat" in one:
        metric = one["MetricStat"]["Metric"]
        found["MetricStat"] = {**one["MetricStat"], "Metric": {**metric, "Dimensions": _pairs(metric)}}
    return found


def _pairs(metric: Doc) -> list[Doc]:
    return [{"value": one["Value"], "name": one["Name"]} for one in metric.get("Dimensions", ())]


@cache
def region_name(region: str) -> str:
    """As people call it, for example "US East (N. Virginia)"; the region itself where it has no such name."""
    from botocore.loaders import Loader  # read when the first notification is written

    for partition in Loader().load_data("partitions")["partitions"]:
        if region in partition["regions"]:
            found: str = partition["regions"][region].get("description", region)
            return found
    return region
