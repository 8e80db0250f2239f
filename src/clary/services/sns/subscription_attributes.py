"""Attributes of subscriptions: filters, raw delivery, retries, dead letters."""

from collections.abc import Mapping
from typing import Final

import orjson

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sns import endpoints, filters, retries
from clary.services.sns.api import CONFIRMED, TOPIC, service, subscription_at
from clary.services.sns.errors import InvalidParameterException

_SETTABLE: Final = frozenset(
    {"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"}
)
_RAW: Final = frozenset({"sqs", "http", "https"})
_NAMES: Final = {"ReplayPolicy": "Replay (of FIFO topics)", "SubscriptionRoleArn": "SubscriptionRoleArn (of firehose)"}


def checked(
    ctx: Context, protocol: str, asked: Mapping[str, str], had: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The attributes as they are kept: what was, and what is set over it; an empty one is taken away. RedrivePolicy
    is kept as the ARN that it names. Raises InvalidParameterException, NotImplementedHere."""
    found = dict(had or {})
    for name, value in asked.items():
        if name in _NAMES:
            raise NotImplementedHere(f"{_NAMES[name]} is not served by Clary yet.")
        if name not in _SETTABLE:
            raise InvalidParameterException("AttributeName")
        if value:
            found[name] = _checked(ctx, protocol, name, value)
        else:
            found.pop(name, None)
    if "FilterPolicy" in found:
        filters.check(found["FilterPolicy"], found.get("FilterPolicyScope", "MessageAttributes"))
    return found


def _checked(ctx: Context, protocol: str, name: str, value: str) -> str:
    if name == "FilterPolicyScope" and value not in filters.SCOPES:
        raise InvalidParameterException(f"FilterPolicyScope: Invalid value [{value}]. Please use one of"
                                        f" {', '.join(filters.SCOPES)}.")  # fmt: skip
    if name == "RawMessageDelivery":
        if value.lower() not in ("true", "false"):
            raise InvalidParameterException(f"Attributes Reason: RawMessageDelivery: Invalid value [{value}]. Must be"
                                            " true or false.")  # fmt: skip
        if value.lower() == "true" and protocol not in _RAW:
            raise InvalidParameterException(
                f"Attributes Reason: RawMessageDelivery: Delivery protocol [{protocol}] does not support raw"
                " message delivery."
            )
        return value.lower()
    if name == "DeliveryPolicy":
        retries.check_subscription(value)
        if protocol not in ("http", "https"):
            raise InvalidParameterException(
                f"DeliveryPolicy: Delivery protocol [{protocol}] does not support a delivery policy."
            )
    if name == "RedrivePolicy":
        return _dead_letters(ctx, value)
    return value


def _dead_letters(ctx: Context, text: str) -> str:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("deadLetterTargetArn"), str):
        raise InvalidParameterException("RedrivePolicy: it is a JSON object with deadLetterTargetArn")
    arn: str = said["deadLetterTargetArn"]
    endpoints.check_queue(ctx, arn, "RedrivePolicy: deadLetterTargetArn is an invalid arn")
    return arn


@service.operation("SetSubscriptionAttributes")
async def set_subscription_attributes(ctx: Context, req: Doc) -> Doc:
    """The attribute holds from the next message on; an empty one is taken away. Errors: NotFound, InvalidParameter."""
    asked = {req["AttributeName"]: req.get("AttributeValue", "")}
    while True:
        one = subscription_at(ctx, req["SubscriptionArn"])
        attributes = checked(ctx, one.spec["Protocol"], asked, one.spec["Attributes"])
        try:
            ctx.store.update(one, spec={**one.spec, "Attributes": attributes})
        except Stale:
            continue
        return {}


@service.operation("GetSubscriptionAttributes")
async def get_subscription_attributes(ctx: Context, req: Doc) -> Doc:
    """What was set, and what holds by default. Errors: NotFound, InvalidParameter."""
    one = subscription_at(ctx, req["SubscriptionArn"])
    attributes = dict(one.spec["Attributes"])
    if "RedrivePolicy" in attributes:
        attributes["RedrivePolicy"] = orjson.dumps({"deadLetterTargetArn": attributes["RedrivePolicy"]}).decode()
    if "FilterPolicy" in attributes:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    if one.spec["Protocol"] in ("http", "https"):
        attributes["EffectiveDeliveryPolicy"] = _effective(ctx, one)
    return {
        "Attributes": {
            "RawMessageDelivery": "false",
            **attributes,
            "SubscriptionArn": one.arn,
            "TopicArn": one.spec["TopicArn"],
            "Owner": one.account,
            "Protocol": one.spec["Protocol"],
            "Endpoint": one.spec["Endpoint"],
            "PendingConfirmation": "false" if one.phase == CONFIRMED else "true",
            "ConfirmationWasAuthenticated": "true" if one.status.get("_authenticated") else "false",
        }
    }


def _effective(ctx: Context, one: Resource) -> str:
    try:
        topic = ctx.store.find(TOPIC, one.parent).spec["Attributes"].get("DeliveryPolicy")
    except Missing:
        topic = None
    return orjson.dumps(retries.effective(topic, one.spec["Attributes"].get("DeliveryPolicy"))).decode()
