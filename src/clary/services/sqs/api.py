"""SQS: the service, and how a request names a queue."""

import re
from typing import Final
from urllib.parse import urlsplit

from clary.aws.endpoint import Endpoint, as_seen
from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context, Service
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sqs.errors import InvalidAddress, InvalidParameterValue, QueueDoesNotExist

service = Service("sqs")
service.data_event(
    *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch"),
    *("ReceiveMessage", "SendMessage", "SendMessageBatch"),
)

QUEUE: Final = "queue"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO: Final = ".fifo"


def check_name(name: str) -> None:
    """Raises InvalidParameterValue, NotImplementedHere."""
    if name.endswith(_FIFO):
        raise NotImplementedHere(f"FIFO queues ({name}) are not served by Clary yet; standard queues are.")
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "The name of a queue can only include alphanumeric characters, hyphens, or underscores, and is 1 to 80 in"
            " length."
        )


def name_in(url: str) -> str:
    """The queue's name in its address, or "" when there is none. Not checked further."""
    parts = urlsplit(url).path.rstrip("/").rsplit("/", 2)
    return parts[-1] if len(parts) > 1 else ""


def queue_at(ctx: Context, url: str) -> Resource:
    """The queue of that address. Only the account and the name count: behind proxies, and in another port's server on
    the same home, the rest differs. Raises InvalidAddress, QueueDoesNotExist."""
    try:
        parts = urlsplit(url).path.rstrip("/").split("/")
    except ValueError:
        parts = []
    if len(parts) < 3:
        raise InvalidAddress(f"The address {url} is not valid for this endpoint.")
    if parts[-2] != ctx.account:
        raise QueueDoesNotExist
    return queue_named(ctx, parts[-1])


def queue_named(ctx: Context, name: str) -> Resource:
    """Raises QueueDoesNotExist."""
    try:
        return ctx.store.get(ctx.account, ctx.region, QUEUE, name)
    except Missing:
        raise QueueDoesNotExist from None


def url_of(ctx: Context, name: str) -> str:
    """As the client of this request reaches it."""
    return f"{as_seen(ctx.headers, ctx.ports.get(Endpoint))}/{ctx.account}/{name}"


def arn_of(ctx: Context, name: str) -> str:
    return ctx.arn("sqs", name)


def queue_of(ctx: Context, req: Doc) -> Resource:
    return queue_at(ctx, req["QueueUrl"])


def number(queue: Resource, attribute: str) -> int:
    """An attribute of the queue, or its default."""
    return int(queue.spec["Attributes"].get(attribute, DEFAULTS[attribute]))


DEFAULTS: Final = {
    "DelaySeconds": 0,
    "MaximumMessageSize": 1_048_576,
    "MessageRetentionPeriod": 345_600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "VisibilityTimeout": 30,
}
