"""What happens to alarms, as Amazon EventBridge tells it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.heralds import Herald, envelope
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.cloudwatch import alarm_messages as messages
from clary.services.cloudwatch.alarm_rows import KIND, stamp

SOURCE: Final = "aws.cloudwatch"
_UPDATED: Final = "AlarmConfigurationUpdatedTimestamp"
_OPERATIONS: Final = {"created": "create", "changed": "update", "deleted": "delete"}


def _alarm(event: Event) -> Sequence[Doc]:
    arn = event.resource["arn"]
    change = messages.change_in(event)
    if change is not None:
        return [envelope(event, SOURCE, "CloudWatch Alarm State Change", messages.detail(change), [arn])]
    if event.type not in _OPERATIONS:
        return ()
    spec, status = event.resource["spec"], event.resource["status"]
    state: Doc = {"value": event.phase, "timestamp": stamp(status["StateUpdatedTimestamp"])}
    if "ActionsSuppressedBy" in status:
        state["actionsSuppressedBy"] = status["ActionsSuppressedBy"]
    detail: Doc = {
        "alarmName": event.name,
        "operation": _OPERATIONS[event.type],
        "state": state,
        "configuration": messages.configured(spec, event.uid, status[_UPDATED]),
    }
    old = status.get("_last", {}).get("old") if event.type == "changed" else None
    if old is not None:
        detail["previousConfiguration"] = messages.configured(old, event.uid, old[_UPDATED])
    return [envelope(event, SOURCE, "CloudWatch Alarm Configuration Change", detail, [arn])]


HERALDS: Final[Mapping[str, Herald]] = {KIND: _alarm}
