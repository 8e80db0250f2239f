"""Tags of queues."""

from collections.abc import Mapping

from clary.aws.service import Context
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc
from clary.services.sqs.api import queue_of, service
from clary.services.sqs.errors import InvalidParameterValue, OverLimit

_MOST = 50
_KEY_MAX, _VALUE_MAX = 128, 256


def checked(tags: Mapping[str, str]) -> dict[str, str]:
    """Raises InvalidParameterValue, OverLimit."""
    for key, value in tags.items():
        if not 1 <= len(key) <= _KEY_MAX or key.lower().startswith("aws:"):
            raise InvalidParameterValue(
                f"Tag keys must be between 1 and {_KEY_MAX} characters in length, and must not start with aws:."
            )
        if len(value) > _VALUE_MAX:
            raise InvalidParameterValue(f"Tag values must be between 0 and {_VALUE_MAX} characters in length.")
    if len(tags) > _MOST:
        raise OverLimit(f"Too many tags added for queue: a queue can have {_MOST}.")
    return dict(tags)


@service.operation("TagQueue")
async def tag_queue(ctx: Context, req: Doc) -> Doc:
    """The queue has these tags beside its others. Errors: QueueDoesNotExist, InvalidParameterValue, OverLimit."""
    while True:
        queue = queue_of(ctx, req)
        try:
            ctx.store.update(queue, Tags=checked({**queue.status["Tags"], **req["Tags"]}))
        except Stale:
            continue
        return {}


@service.operation("UntagQueue")
async def untag_queue(ctx: Context, req: Doc) -> Doc:
    """The queue has none of these tags. Errors: QueueDoesNotExist."""
    while True:
        queue = queue_of(ctx, req)
        left = {key: value for key, value in queue.status["Tags"].items() if key not in req["TagKeys"]}
        try:
            ctx.store.update(queue, Tags=left)
        except Stale:
            continue
        return {}


@service.operation("ListQueueTags")
async def list_queue_tags(ctx: Context, req: Doc) -> Doc:
    found = queue_of(ctx, req).status["Tags"]
    return {"Tags": dict(found)} if found else {}
