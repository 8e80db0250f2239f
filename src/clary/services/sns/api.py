"""SNS: the service, and how a request names a topic or a subscription."""

import re
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context, Service
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.services.sns.errors import InvalidParameterException, NotFoundException

service = Service("sns")
service.data_event("Publish", "PublishBatch")

TOPIC: Final = "topic"
SUBSCRIPTION: Final = "topic-subscription"
PENDING: Final = "Pending"
CONFIRMED: Final = "Confirmed"
ENDED: Final = "Ended"
"""By somebody without a signature: who was told so may take it back, and to all others it is gone."""
DEFAULT_SIZE: Final = 262_144
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TOPIC_ARN: Final = re.compile(r"arn:aws:sns:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_.-]{1,256})")
_SUBSCRIPTION_ARN: Final = re.compile(r"(arn:aws:sns:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_.-]{1,256})):([0-9a-f-]{36})")
_FIFO: Final = ".fifo"


def check_name(name: str) -> None:
    """Raises InvalidParameterException, NotImplementedHere."""
    if name.endswith(_FIFO):
        raise NotImplementedHere(f"FIFO topics ({name}) are not served by Clary yet; standard topics are.")
    if not _NAME.fullmatch(name):
        raise InvalidParameterException("Topic Name")


def topic_at(ctx: Context, arn: str) -> Resource:
    """Raises InvalidParameterException, NotFoundException."""
    match = _TOPIC_ARN.fullmatch(arn)
    if match is None:
        raise InvalidParameterException("TopicArn")
    if (match[1], match[2]) != (ctx.region, ctx.account):
        raise InvalidParameterException(f"TopicArn Reason: {arn} is not of this account and region")
    try:
        return ctx.store.get(ctx.account, ctx.region, TOPIC, match[3])
    except Missing:
        raise NotFoundException("Topic does not exist") from None


def subscription_at(ctx: Context, arn: str) -> Resource:
    """Raises InvalidParameterException, NotFoundException."""
    if _SUBSCRIPTION_ARN.fullmatch(arn) is None:
        raise InvalidParameterException(
            "SubscriptionArn Reason: Wrong number of slashes in relative portion of the ARN."
        )
    try:
        found = ctx.store.by_arn(arn)
    except Missing:
        raise NotFoundException("Subscription does not exist") from None
    here = (found.kind, found.account, found.region) == (SUBSCRIPTION, ctx.account, ctx.region)
    if not here or found.phase == ENDED:
        raise NotFoundException("Subscription does not exist")
    return found


def topic_arn_in(arn: str) -> str:
    """The ARN of the topic in that of a subscription; "*" when it is none."""
    match = _SUBSCRIPTION_ARN.fullmatch(arn)
    return match[1] if match else "*"


def region_in(arn: str) -> str:
    """The region in the ARN of a topic or a subscription; "" when it is none."""
    match = _TOPIC_ARN.fullmatch(arn)
    if match is not None:
        return match[1]
    match = _SUBSCRIPTION_ARN.fullmatch(arn)
    return match[2] if match else ""


def most_bytes(topic: Resource) -> int:
    """How long a message of the topic may be."""
    return int(topic.spec["Attributes"].get("MaximumMessageSize", DEFAULT_SIZE))
