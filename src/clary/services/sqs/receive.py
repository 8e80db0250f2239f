"""ReceiveMessage."""

import asyncio
from collections.abc import Collection
from typing import Final

from clary.aws.http import ClientGone
from clary.aws.service import Context
from clary.kernel.queues import LONGEST_SECONDS, Message, QueueStore, Take
from clary.kernel.resource import Doc
from clary.services.sqs import counting
from clary.services.sqs.api import number, queue_of, service
from clary.services.sqs.contents import md5_of_attributes, md5_of_body, unpack
from clary.services.sqs.errors import InvalidAttributeName, InvalidParameterValue
from clary.services.sqs.redrive import dead_letters_of

_MOST: Final = 10
_LONGEST_WAIT: Final = 20
_SYSTEM: Final = frozenset(
    {
        "AWSTraceHeader",
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "DeadLetterQueueSourceArn",
        "MessageDeduplicationId",
        "MessageGroupId",
        "SenderId",
        "SentTimestamp",
        "SequenceNumber",
    }
)


@service.operation("ReceiveMessage")
async def receive_message(ctx: Context, req: Doc) -> Doc:
    """Messages that nobody else has, or those that come while it waits. Each is hidden from others until its visibility
    timeout is over. Errors: QueueDoesNotExist, InvalidParameterValue, InvalidAttributeName."""
    queue = queue_of(ctx, req)
    if "ReceiveRequestAttemptId" in req:
        raise InvalidParameterValue(
            f"Value {req['ReceiveRequestAttemptId']} for parameter ReceiveRequestAttemptId is invalid. Reason: The"
            " request include parameter that is not valid for this queue type."
        )
    names = {*req.get("AttributeNames", ()), *req.get("MessageSystemAttributeNames", ())}
    for name in sorted(names - _SYSTEM - {"All"}):
        raise InvalidAttributeName(f"Unknown Attribute {name}.")
    limit = _within(req, "MaxNumberOfMessages", 1, (1, _MOST))
    hidden = _within(req, "VisibilityTimeout", number(queue, "VisibilityTimeout"), (0, int(LONGEST_SECONDS)))
    wait = _within(req, "WaitTimeSeconds", number(queue, "ReceiveMessageWaitTimeSeconds"), (0, _LONGEST_WAIT))
    keep = number(queue, "MessageRetentionPeriod")
    take = Take(limit, float(hidden), float(keep), dead_letters_of(ctx.store, queue))
    found = await _received(ctx, queue.uid, take, float(wait))
    counting.received(ctx, queue, len(found))
    wanted = req.get("MessageAttributeNames", ())
    return {"Messages": [_described(one, names, wanted) for one in found]} if found else {}


async def _received(ctx: Context, queue: str, take: Take, wait: float) -> list[Message]:
    """What comes within `wait` seconds. Nothing is taken by a client that has hung up: raises ClientGone."""
    queues = ctx.port(QueueStore)
    found = await queues.receive(queue, take)
    if found or wait == 0 or ctx.gone is None:
        return found or (await queues.receive(queue, take, wait) if wait else found)
    receiving, gone = asyncio.ensure_future(queues.receive(queue, take, wait)), asyncio.ensure_future(ctx.gone())
    try:
        await asyncio.wait({receiving, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not gone.done():
            return receiving.result()
        if receiving.done():
            for one in receiving.result():
                queues.hide(queue, one.handle, 0.0)  # whoever asks next gets it, and need not wait for its time
        raise ClientGone
    finally:
        gone.cancel()
        receiving.cancel()


def _within(req: Doc, name: str, default: int, bounds: tuple[int, int]) -> int:
    value: int = req.get(name, default)
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidParameterValue(
            f"Value {value} for parameter {name} is invalid. Reason: Must be between {bounds[0]} and {bounds[1]}, if"
            " provided."
        )
    return value


def _described(one: Message, names: Collection[str], wanted: Collection[str]) -> Doc:
    about = unpack(one.about)
    described: Doc = {
        "MessageId": one.id,
        "ReceiptHandle": one.handle,
        "MD5OfBody": md5_of_body(one.body),
        "Body": one.body,
    }
    system = {name: value for name, value in _system(one, about).items() if "All" in names or name in names}
    if system:
        described["Attributes"] = system
    attributes = {name: value for name, value in about["attributes"].items() if _is_wanted(name, wanted)}
    if attributes:
        described["MessageAttributes"] = attributes
        described["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
    return described


def _system(one: Message, about: Doc) -> dict[str, str]:
    found = {
        "SenderId": about["sender"],
        "SentTimestamp": str(int(one.sent * 1000)),
        "ApproximateReceiveCount": str(one.receives),
        "ApproximateFirstReceiveTimestamp": str(int(one.first * 1000)),
        "DeadLetterQueueSourceArn": one.origin,
        "MessageGroupId": about.get("group", ""),
        "AWSTraceHeader": about.get("trace", ""),
    }
    return {name: value for name, value in found.items() if value}


def _is_wanted(name: str, wanted: Collection[str]) -> bool:
    """By its name, by its beginning ("bar.*"), or with all others."""
    return any(one in ("All", ".*", name) or (one.endswith(".*") and name.startswith(one[:-2])) for one in wanted)
