"""What happens to queries, as Amazon EventBridge tells it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.heralds import Herald, envelope
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.athena.api import EXECUTION


def _execution(event: Event) -> Sequence[Doc]:
    if event.type not in ("created", "moved"):
        return ()
    spec, status = event.resource["spec"], event.resource["status"]
    order = {"QUEUED": "1", "RUNNING": "2"}
    detail: Doc = {
        "versionId": "0",
        "currentState": event.phase,
        "queryExecutionId": event.name,
        "workgroupName": spec["WorkGroup"],
        "sequenceNumber": order.get(event.phase, "3"),
    }
    if event.type == "moved":
        detail["previousState"] = event.old_phase
    if "StatementType" in status:
        detail["statementType"] = status["StatementType"]
    if "_error" in status:
        error = status["_error"]
        detail["athenaError"] = {
            "errorCategory": error["ErrorCategory"],
            "errorType": error["ErrorType"],
            "errorMessage": error["ErrorMessage"],
            "retryable": error["Retryable"],
        }
    return [envelope(event, "aws.athena", "Athena Query State Change", detail, [])]


HERALDS: Final[Mapping[str, Herald]] = {EXECUTION: _execution}
