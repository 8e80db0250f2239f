"""Dead letters: which queue takes what cannot be processed, and from whom."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.queues import DeadLetters
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.sqs.api import QUEUE, queue_of, service, url_of
from clary.services.sqs.errors import InvalidParameterValue

_MOST_RECEIVES: Final = 1000
_MOST_SOURCES: Final = 10
_PAGE: Final = 1000
_ARN: Final = re.compile(r"arn:aws:sqs:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]{1,80})")


def check_policy(ctx: Context, text: str, queue: str) -> None:
    """Raises InvalidParameterValue unless the queue of that ARN can send its dead letters there."""
    said = _document(text, "RedrivePolicy")
    for unknown in said.keys() - {"deadLetterTargetArn", "maxReceiveCount"}:
        raise _bad("RedrivePolicy", text, f"Only following attributes are supported: [deadLetterTargetArn,"
                   f" maxReceiveCount], and not {unknown}.")  # fmt: skip
    for name in ("deadLetterTargetArn", "maxReceiveCount"):
        if name not in said:
            raise _bad("RedrivePolicy", text, f"Redrive policy does not contain mandatory attribute: {name}.")
    if not 1 <= _whole(said["maxReceiveCount"]) <= _MOST_RECEIVES:
        raise _bad("RedrivePolicy", text, f"Invalid value for maxReceiveCount: {said['maxReceiveCount']}, valid values"
                   f" are from 1 to {_MOST_RECEIVES} both inclusive.")  # fmt: skip
    target = queue_of_arn(ctx.store, ctx.account, ctx.region, str(said["deadLetterTargetArn"]))
    if target is None:
        raise _bad("RedrivePolicy", text, "Dead letter target does not exist.")
    if not _allows(target, queue):
        raise _bad("RedrivePolicy", text, f"Queue {target.arn} does not allow {queue} to use it for dead letters.")


def check_allow_policy(ctx: Context, text: str, queue: str) -> None:
    """Raises InvalidParameterValue."""
    said = _document(text, "RedriveAllowPolicy")
    permission, sources = said.get("redrivePermission"), said.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        raise _bad("RedriveAllowPolicy", text, "redrivePermission is one of allowAll, denyAll and byQueue.")
    if (permission == "byQueue") != (sources is not None):
        raise _bad("RedriveAllowPolicy", text, "sourceQueueArns goes with byQueue, and only with that.")
    if sources is not None and not (isinstance(sources, list) and 1 <= len(sources) <= _MOST_SOURCES):
        raise _bad("RedriveAllowPolicy", text, f"sourceQueueArns is a list of 1 to {_MOST_SOURCES} ARNs.")
    for one in sources or ():
        if not (isinstance(one, str) and _ARN.fullmatch(one)):
            raise _bad("RedriveAllowPolicy", text, f"{one} is not the ARN of a queue.")


def dead_letters_of(store: Store, queue: Resource) -> DeadLetters | None:
    """Where the queue's dead letters go; None: nowhere, or to a queue that is gone."""
    text = queue.spec["Attributes"].get("RedrivePolicy")
    if text is None:
        return None
    said = orjson.loads(text)
    target = queue_of_arn(store, queue.account, queue.region, str(said["deadLetterTargetArn"]))
    return None if target is None else DeadLetters(target.uid, int(said["maxReceiveCount"]), queue.arn)


def queue_of_arn(store: Store, account: str, region: str, arn: str) -> Resource | None:
    """The queue of that ARN, of this account and region; None: there is none."""
    match = _ARN.fullmatch(arn)
    if match is None or (match[1], match[2]) != (region, account):
        return None
    try:
        return store.get(account, region, QUEUE, match[3])
    except Missing:
        return None


@service.operation("ListDeadLetterSourceQueues")
async def list_dead_letter_source_queues(ctx: Context, req: Doc) -> Doc:
    """The queues whose dead letters come here, by name. Errors: QueueDoesNotExist."""
    target = queue_of(ctx, req)
    limit = req.get("MaxResults", _PAGE)
    if not 1 <= limit <= _PAGE:
        raise InvalidParameterValue(
            f"Value {limit} for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and"
            f" {_PAGE}."
        )
    filters = page.digest("dead-letter-sources", target.uid)
    try:
        after = page.decode(req["NextToken"], filters, str, str)[0] if "NextToken" in req else ""
    except (BadToken, IndexError):
        raise InvalidParameterValue("Invalid or expired next token.") from None
    found = [one.name for one in sources_of(ctx, target) if one.name > after]
    answer: Doc = {"queueUrls": [url_of(ctx, name) for name in found[:limit]]}
    if len(found) > limit and "MaxResults" in req:
        answer["NextToken"] = page.encode([found[limit - 1]] * 2, filters)
    return answer


def sources_of(ctx: Context, target: Resource) -> Iterator[Resource]:
    """The queues of which `target` takes the dead letters, by name."""
    where = Where(account=ctx.account, region=ctx.region)
    after: list[str] | None = None
    while found := ctx.store.page(QUEUE, where, after=after, limit=_PAGE):
        for one in found:
            text = one.spec["Attributes"].get("RedrivePolicy")
            if text is not None and orjson.loads(text)["deadLetterTargetArn"] == target.arn:
                yield one
        after = [found[-1].name, found[-1].name]


def _allows(target: Resource, source: str) -> bool:
    text = target.spec["Attributes"].get("RedriveAllowPolicy")
    if text is None:
        return True
    said = orjson.loads(text)
    return said["redrivePermission"] == "allowAll" or source in said.get("sourceQueueArns", ())


def _document(text: str, name: str) -> Doc:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad(name, text, f"Amazon SQS can't process it: {error}.") from None
    if not isinstance(said, dict):
        raise _bad(name, text, f"{name} must be a JSON object.")
    return said


def _whole(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _bad(name: str, text: str, why: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {text} for parameter {name} is invalid. Reason: {why}")
