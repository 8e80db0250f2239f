"""Attributes of queues: what they may be, and what they are."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.errors import Stale
from clary.kernel.queues import QueueStore
from clary.kernel.resource import Doc, Resource
from clary.services.sqs import policy, redrive
from clary.services.sqs.api import DEFAULTS, number, queue_of, service
from clary.services.sqs.errors import InvalidAttributeName, InvalidAttributeValue
from clary.services.sqs.tidying import to_its_end

_BOUNDS: Final = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_OF_FIFO: Final = frozenset({"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
_KEPT: Final = frozenset({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"})
"""Remembered; Clary encrypts nothing by itself."""
_OBSERVED: Final = frozenset(
    {
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
    }
)
SETTABLE: Final = frozenset({*DEFAULTS, *_KEPT, "Policy", "RedrivePolicy", "RedriveAllowPolicy"})


def checked(ctx: Context, asked: Mapping[str, str], queue: str) -> dict[str, str]:
    """The attributes as they are kept; a policy that is set to "" is none. Raises InvalidAttributeName,
    InvalidAttributeValue, InvalidParameterValue, NotImplementedHere."""
    found = {}
    for name, value in asked.items():
        if name in _OF_FIFO:
            _check_fifo(name, value)
            continue
        if name not in SETTABLE:
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
        if name in _BOUNDS:
            _check_number(name, value)
        elif name == "SqsManagedSseEnabled" and value not in ("true", "false"):
            raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
        elif value and name in _CHECKS:
            _CHECKS[name](ctx, value, queue)
        found[name] = value
    return found


_CHECKS: Final[Mapping[str, Callable[[Context, str, str], None]]] = {
    "Policy": policy.check,
    "RedrivePolicy": redrive.check_policy,
    "RedriveAllowPolicy": redrive.check_allow_policy,
}


def _check_fifo(name: str, value: str) -> None:
    if value.lower() != "false":
        raise NotImplementedHere(
            f"FIFO queues (the attribute {name}) are not served by Clary yet; standard queues are."
        )


def _check_number(name: str, value: str) -> None:
    low, high = _BOUNDS[name]
    if not (value.isascii() and value.isdecimal() and low <= int(value[:9]) <= high and len(value) < 9):
        raise InvalidAttributeValue(f"Invalid value for the parameter {name}: it is a whole number, {low} to {high}.")


def merged(old: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    """What is set over what was; a policy that is "" is taken away."""
    return {name: value for name, value in {**old, **asked}.items() if value != ""}


@service.operation("SetQueueAttributes")
async def set_queue_attributes(ctx: Context, req: Doc) -> Doc:
    """The attributes hold from the next request on. Errors: QueueDoesNotExist, InvalidAttributeName,
    InvalidAttributeValue, InvalidParameterValue."""
    while True:
        queue = queue_of(ctx, req)
        asked = checked(ctx, req["Attributes"], queue.arn)
        try:
            ctx.store.update(queue, spec={**queue.spec, "Attributes": merged(queue.spec["Attributes"], asked)})
        except Stale:
            continue
        return {}


@service.operation("GetQueueAttributes")
async def get_queue_attributes(ctx: Context, req: Doc) -> Doc:
    """The attributes that were asked for, "All" for all; those that are not set are left out. Counts are exact.
    Errors: QueueDoesNotExist, InvalidAttributeName."""
    names = set(req.get("AttributeNames", ()))
    for name in sorted(names - {"All"} - SETTABLE - _OBSERVED - _OF_FIFO):
        raise InvalidAttributeName(f"Unknown Attribute {name}.")
    queue = queue_of(ctx, req)
    if "All" in names or any(name.startswith("Approximate") for name in names):
        await _expire(ctx, queue)
    known = {**{name: str(value) for name, value in DEFAULTS.items()}, **queue.spec["Attributes"]}
    known |= _observed(ctx, queue)
    found = {name: value for name, value in known.items() if "All" in names or name in names}
    return {"Attributes": found} if found else {}


async def _expire(ctx: Context, queue: Resource) -> None:
    """What is past its retention counts no more."""
    before = ctx.clock.now() - number(queue, "MessageRetentionPeriod")
    await to_its_end(partial(ctx.port(QueueStore).expire, queue.uid, before))


def _observed(ctx: Context, queue: Resource) -> dict[str, str]:
    counts = ctx.port(QueueStore).counts(queue.uid)
    return {
        "ApproximateNumberOfMessages": str(counts.visible),
        "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
        "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
        "CreatedTimestamp": str(int(queue.created)),
        "LastModifiedTimestamp": str(int(queue.modified)),
        "QueueArn": queue.arn,
    }
