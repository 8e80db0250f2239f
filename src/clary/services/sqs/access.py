"""What SQS asks of the policies. A batch asks for the action of its single operation, as on AWS."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.sqs.api import QUEUE, arn_of, name_in, service

_ACTIONS: Final = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}
_OF_TASKS: Final = frozenset({"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask"})


def _asks(operation: str) -> Asks:
    action = f"sqs:{_ACTIONS.get(operation, operation)}"

    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        name = req["QueueName"] if "QueueName" in req else _name(req.get("QueueUrl", ""))
        arn = arn_of(ctx, name or "*")
        tags: Mapping[str, str] | None = req.get("tags") or req.get("Tags")
        if tags is None and "TagKeys" in req:
            tags = dict.fromkeys(req["TagKeys"], "")
        found = [Ask(action, arn, {}, tags, lambda: _tags(ctx, name))]
        if operation == "CreateQueue" and tags:
            found.append(Ask("sqs:TagQueue", arn, {}, tags, lambda: _tags(ctx, name)))
        return found

    return asks


def _name(url: str) -> str:
    try:
        return name_in(url) or "*"
    except ValueError:
        return "*"


def _tags(ctx: Context, name: str) -> Mapping[str, str]:
    try:
        return dict(ctx.store.get(ctx.account, ctx.region, QUEUE, name).status["Tags"])
    except Missing:
        return {}


def _of_source(operation: str) -> Asks:
    return lambda ctx, req: [Ask(f"sqs:{operation}", req.get("SourceArn", "*"))]


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        if operation == "ListQueues":
            service.access(operation)
        elif operation in _OF_TASKS:
            service.access(operation, _of_source(operation))
        else:
            service.access(operation, _asks(operation))
