"""What happens to runs of jobs, as Amazon EventBridge tells it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.heralds import Herald, envelope, seconds
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.glue.jobs.rows import RUN

SOURCE: Final = "aws.glue"
_SEVERITIES: Final = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "FAILED": "ERROR", "TIMEOUT": "WARN", "ERROR": "ERROR"}


def _run(event: Event) -> Sequence[Doc]:
    spec = event.resource["spec"]
    detail: Doc = {"jobName": spec["JobName"], "jobRunId": event.name, "state": event.phase}
    if event.type == "moved" and event.phase in _SEVERITIES:
        said = event.resource["status"].get("ErrorMessage")
        what = {"SUCCEEDED": "Job run succeeded", "STOPPED": "Job run stopped"}.get(
            event.phase, said or "Job run failed"
        )
        detail |= {"severity": _SEVERITIES[event.phase], "message": what}
        return [envelope(event, SOURCE, "Glue Job State Change", detail, [])]
    if event.type == "changed" and event.resource["status"].get("_late"):
        detail |= {
            "severity": "INFO",
            "message": f"Job is in {event.phase} state",
            "startedOn": seconds(event.created),
            "notificationCondition": spec["NotificationProperty"],
        }
        return [envelope(event, SOURCE, "Glue Job Run Status", detail, [])]
    return ()


HERALDS: Final[Mapping[str, Herald]] = {RUN: _run}
