"""Publish and PublishBatch: a message is a line of the outbox before anybody is answered; `fanout` hears it."""

import re
from typing import Final

from clary.aws.delivery import hops, message_id
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Telling
from clary.services.sns import contents, counting
from clary.services.sns.api import most_bytes, service, topic_at
from clary.services.sns.errors import (
    BatchEntryIdsNotDistinctException,
    BatchRequestTooLongException,
    EmptyBatchRequestException,
    InvalidBatchEntryIdException,
    InvalidParameterException,
    TooManyEntriesInBatchRequestException,
)

KIND: Final = "sns-message"
_MOST: Final = 10
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_CODES: Final = {
    "InvalidParameterException": "InvalidParameter",
    "InvalidParameterValueException": "ParameterValueInvalid",
}


@service.operation("Publish")
async def publish(ctx: Context, req: Doc) -> Doc:
    """Every subscription that wants the message gets it, at least once, under the id that is answered. Errors:
    NotFound, InvalidParameter, ParameterValueInvalid."""
    topic = _topic(ctx, req)
    contents.check(req)
    size = contents.size_of(req)
    if size > most_bytes(topic):
        raise InvalidParameterException("Message too long")
    telling = _telling(ctx, topic, req)
    ctx.store.tell([telling])
    counting.published(ctx, topic, [size])
    return {"MessageId": telling.uid}


@service.operation("PublishBatch")
async def publish_batch(ctx: Context, req: Doc) -> Doc:
    """As Publish, for each entry that is good; the answer says which. Errors: NotFound, BatchRequestTooLong and the
    others of batches."""
    topic, entries = topic_at(ctx, req["TopicArn"]), req["PublishBatchRequestEntries"]
    _check_batch(entries)
    answer: Doc = {"Successful": [], "Failed": []}
    tellings, sizes = [], []
    for one in entries:
        try:
            contents.check(one)
        except ServiceError as error:
            code = _CODES.get(error.error_code, error.error_code)
            answer["Failed"].append({"Id": one["Id"], "Code": code, "Message": error.message, "SenderFault": True})
            continue
        telling = _telling(ctx, topic, one, one["Id"])
        tellings.append(telling)
        sizes.append(contents.size_of(one))
        answer["Successful"].append({"Id": one["Id"], "MessageId": telling.uid})
    if sum(sizes) > most_bytes(topic):
        raise BatchRequestTooLongException("The length of all the batch messages put together is more than the limit.")
    if tellings:
        ctx.store.tell(tellings)
        counting.published(ctx, topic, sizes)
    return answer


def _topic(ctx: Context, req: Doc) -> Resource:
    if "PhoneNumber" in req:
        raise NotImplementedHere("SMS is not served by Clary: publish to a topic.")
    named = [req[name] for name in ("TopicArn", "TargetArn") if name in req]
    if len(named) != 1:
        raise InvalidParameterException("TopicArn or TargetArn Reason: exactly one value is required")
    if ":endpoint/" in named[0]:
        raise NotImplementedHere("Mobile push (platform endpoints) is not served by Clary: publish to a topic.")
    return topic_at(ctx, named[0])


def _telling(ctx: Context, topic: Resource, one: Doc, entry: str = "") -> Telling:
    id_ = message_id("sns", topic.uid, entry)
    spec = {
        "Topic": topic.uid,
        "TopicArn": topic.arn,
        "Message": one["Message"],
        "MessageStructure": one.get("MessageStructure"),
        "Subject": one.get("Subject"),
        "MessageAttributes": contents.packed(one.get("MessageAttributes", {})),
        "MessageGroupId": one.get("MessageGroupId"),
        "At": ctx.clock.now(),
        # The line is heard by a task of its own, which must know what led to it: else loops were never seen.
        "Led": hops(),
    }
    return Telling(KIND, topic.name, id_, topic.account, topic.region, spec)


def _check_batch(entries: list[Doc]) -> None:
    if not entries:
        raise EmptyBatchRequestException("The batch request doesn't contain any entries.")
    if len(entries) > _MOST:
        raise TooManyEntriesInBatchRequestException(
            f"The batch request contains more entries than permissible: {len(entries)} of {_MOST}."
        )
    seen: set[str] = set()
    for one in entries:
        if not _ID.fullmatch(one["Id"]):
            raise InvalidBatchEntryIdException(
                "The Id of a batch entry in a batch request doesn't abide by the specification: 1 to 80 letters,"
                " digits, '-' and '_'."
            )
        if one["Id"] in seen:
            raise BatchEntryIdsNotDistinctException(f"Two entries of the batch have the same Id: {one['Id']}.")
        seen.add(one["Id"])
