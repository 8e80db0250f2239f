"""What CloudWatch Logs asks of the policies. Groups and streams are asked for as AWS does: with ":log-stream:" behind
the group's ARN, which is why policies end in ":*"."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogStore
from clary.services.logs.api import service

_TAGGING: Final = ("ListTagsForResource", "TagResource", "UntagResource", "ListTagsLogGroup", "TagLogGroup",
                   "UntagLogGroup")  # fmt: skip


_ANYWHERE: Final = ("CancelExportTask", "DescribeExportTasks", "TestMetricFilter")
"""Those that name no resource."""


def _names(req: Doc) -> list[str]:
    """The groups that a request names; one named "" where it names none."""
    for member in ("logGroupName", "logGroupIdentifier", "resourceArn", "logGroupIdentifiers"):
        if member in req:
            given: list[str] = req[member] if isinstance(req[member], list) else [req[member]]
            return [
                one.split(":log-group:", 1)[-1].removesuffix(":*") if one.startswith("arn:") else one for one in given
            ]
    return [""]


def _ask(operation: str, ctx: Context, req: Doc, group: str) -> Ask:
    if operation in _ANYWHERE:
        return Ask(f"logs:{operation}")
    arn = ctx.arn("logs", f"log-group:{group}")
    if operation not in _TAGGING:
        arn += f":log-stream:{req.get('logStreamName', '')}"
    # UntagLogGroup calls its keys tags too.
    given: Mapping[str, str] | Sequence[str] = req.get("tags") or req.get("tagKeys") or ()
    wanted = given if isinstance(given, Mapping) else dict.fromkeys(given, "") or None
    return Ask(f"logs:{operation}", arn, {}, wanted, lambda: _tags(ctx, group))


def _tags(ctx: Context, group: str) -> Mapping[str, str]:
    try:
        return dict(ctx.port(LogStore).group(ctx.account, ctx.region, group).settings.get("tags", {}))
    except Missing:
        return {}


def _asks(operation: str) -> Asks:
    return lambda ctx, req: [_ask(operation, ctx, req, group) for group in _groups(operation, req)]


def _groups(operation: str, req: Doc) -> Sequence[str]:
    # A list of groups, or of all metric filters, is asked for as such, whatever groups it is narrowed to.
    return [""] if operation == "DescribeLogGroups" else _names(req)


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation, _asks(operation))


service.data_event("FilterLogEvents", "GetLogEvents", "PutLogEvents", "StartLiveTail")
