"""SendMessage and SendMessageBatch."""

from typing import Final

from clary.aws.delivery import message_id
from clary.aws.service import Context
from clary.kernel.queues import NewMessage, QueueStore
from clary.kernel.resource import Doc, Resource
from clary.services.sqs import batches, contents, counting
from clary.services.sqs.api import number, queue_of, service
from clary.services.sqs.contents import (
    check_attributes,
    check_body,
    check_system,
    md5_of_attributes,
    md5_of_body,
    size_of,
)
from clary.services.sqs.errors import BatchRequestTooLong, InvalidParameterValue

_LONGEST_DELAY: Final = 900
_MOST_BYTES: Final = 1_048_576
_GROUP_MAX: Final = 128


@service.operation("SendMessage", ignores=("MessageGroupId",))
async def send_message(ctx: Context, req: Doc) -> Doc:
    """The message is in the queue, durably. Errors: QueueDoesNotExist, InvalidMessageContents, InvalidParameterValue,
    MissingParameter."""
    queue = queue_of(ctx, req)
    message, size = _checked(ctx, queue, req)
    ctx.port(QueueStore).send(queue.uid, [message])
    counting.sent(ctx, queue, [size])
    return _answer(message, req)


@service.operation("SendMessageBatch", ignores=("Entries.MessageGroupId",))
async def send_message_batch(ctx: Context, req: Doc) -> Doc:
    """Those messages that are good are in the queue, durably; the answer says which. Errors: QueueDoesNotExist,
    BatchRequestTooLong and the others of batches."""
    queue, entries = queue_of(ctx, req), req["Entries"]
    batches.check(entries, "SendMessageBatchRequestEntry")
    good: list[tuple[NewMessage, int]] = []

    def take(one: Doc) -> Doc:
        message, size = _checked(ctx, queue, one)
        good.append((message, size))
        return _answer(message, one)

    answer = batches.each(entries, take)
    total = sum(size for _, size in good)
    if total > _MOST_BYTES:
        raise BatchRequestTooLong(
            f"Batch requests cannot be longer than {_MOST_BYTES} bytes. You have sent {total} bytes."
        )
    if good:
        ctx.port(QueueStore).send(queue.uid, [message for message, _ in good])
        counting.sent(ctx, queue, [size for _, size in good])
    return answer


def _checked(ctx: Context, queue: Resource, one: Doc) -> tuple[NewMessage, int]:
    """(the message, its size). Raises InvalidMessageContents, InvalidParameterValue, MissingParameter."""
    body, attributes = one["MessageBody"], one.get("MessageAttributes", {})
    system = one.get("MessageSystemAttributes", {})
    check_body(body)
    check_attributes(attributes)
    check_system(system)
    size, most = size_of(body, attributes), number(queue, "MaximumMessageSize")
    if size > most:
        raise InvalidParameterValue(
            f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        )
    delay = one.get("DelaySeconds", number(queue, "DelaySeconds"))
    if not 0 <= delay <= _LONGEST_DELAY:
        raise InvalidParameterValue(
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <="
            f" {_LONGEST_DELAY}."
        )
    about: Doc = {"sender": ctx.principal.user_id, "attributes": attributes}
    _check_fifo(one)
    if "MessageGroupId" in one:
        about["group"] = one["MessageGroupId"]
    if "AWSTraceHeader" in system:
        about["trace"] = system["AWSTraceHeader"]["StringValue"]
    return NewMessage(message_id(queue.uid, one.get("Id", "")), body, contents.pack(about), float(delay)), size


def _check_fifo(one: Doc) -> None:
    if "MessageDeduplicationId" in one:
        raise InvalidParameterValue(
            f"Value {one['MessageDeduplicationId']} for parameter MessageDeduplicationId is invalid. Reason: The"
            " request include parameter that is not valid for this queue type."
        )
    group = one.get("MessageGroupId")
    if group is not None and not (1 <= len(group) <= _GROUP_MAX and group.isascii() and group.isprintable()):
        raise InvalidParameterValue(
            f"Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include"
            f" alphanumeric and punctuation characters. 1 to {_GROUP_MAX} in length."
        )


def _answer(message: NewMessage, one: Doc) -> Doc:
    answer = {"MessageId": message.id, "MD5OfMessageBody": md5_of_body(message.body)}
    if one.get("MessageAttributes"):
        answer["MD5OfMessageAttributes"] = md5_of_attributes(one["MessageAttributes"])
    if one.get("MessageSystemAttributes"):
        answer["MD5OfMessageSystemAttributes"] = md5_of_attributes(one["MessageSystemAttributes"])
    return answer
