"""What is done with a receipt handle: DeleteMessage, ChangeMessageVisibility, and their batches."""

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.queues import LONGEST_SECONDS, ForeignHandle, NotInFlight, QueueStore, TooLong
from clary.kernel.resource import Doc, Resource
from clary.services.sqs import batches, counting
from clary.services.sqs.api import queue_of, service
from clary.services.sqs.errors import (
    InvalidParameterValue,
    MessageNotInflight,
    MissingParameter,
    ReceiptHandleIsInvalid,
)


@service.operation("DeleteMessage")
async def delete_message(ctx: Context, req: Doc) -> Doc:
    """The message is gone, unless somebody has received it since. Errors: QueueDoesNotExist, ReceiptHandleIsInvalid."""
    _delete(ctx, queue_of(ctx, req), req)
    return {}


@service.operation("DeleteMessageBatch")
async def delete_message_batch(ctx: Context, req: Doc) -> Doc:
    queue, entries = queue_of(ctx, req), req["Entries"]
    batches.check(entries, "DeleteMessageBatchRequestEntry")
    return batches.each(entries, lambda one: _delete(ctx, queue, one))


@service.operation("ChangeMessageVisibility")
async def change_message_visibility(ctx: Context, req: Doc) -> Doc:
    """The message is visible again after so many seconds from now. Errors: QueueDoesNotExist, ReceiptHandleIsInvalid,
    MessageNotInflight, InvalidParameterValue."""
    _hide(ctx, queue_of(ctx, req), req)
    return {}


@service.operation("ChangeMessageVisibilityBatch")
async def change_message_visibility_batch(ctx: Context, req: Doc) -> Doc:
    queue, entries = queue_of(ctx, req), req["Entries"]
    batches.check(entries, "ChangeMessageVisibilityBatchRequestEntry")
    return batches.each(entries, lambda one: _hide(ctx, queue, one))


def _delete(ctx: Context, queue: Resource, one: Doc) -> Doc:
    try:
        gone = ctx.port(QueueStore).delete(queue.uid, [one["ReceiptHandle"]])
    except ForeignHandle:
        raise _foreign(one) from None
    counting.deleted(ctx, queue, gone)
    return {}


def _hide(ctx: Context, queue: Resource, one: Doc) -> Doc:
    if "VisibilityTimeout" not in one:
        raise MissingParameter("The request must contain the parameter VisibilityTimeout.")
    seconds = one["VisibilityTimeout"]
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise InvalidParameterValue(
            f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer"
            f" between 0 and {LONGEST_SECONDS:.0f}."
        )
    try:
        ctx.port(QueueStore).hide(queue.uid, one["ReceiptHandle"], float(seconds))
    except ForeignHandle:
        raise _foreign(one) from None
    except NotInFlight:
        raise MessageNotInflight("The specified message isn't in flight.") from None
    except Missing:
        raise InvalidParameterValue(
            f"Value {one['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is"
            " not available for visibility timeout change."
        ) from None
    except TooLong:
        raise InvalidParameterValue(
            f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the"
            f" message is beyond the limit [{LONGEST_SECONDS:.0f} seconds]."
        ) from None
    return {}


def _foreign(one: Doc) -> ReceiptHandleIsInvalid:
    return ReceiptHandleIsInvalid(f'The input receipt handle "{one["ReceiptHandle"]}" is not a valid receipt handle.')
