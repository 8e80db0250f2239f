"""Topics: made, listed, deleted, and their attributes."""

from collections.abc import Mapping
from typing import Final

import orjson

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sns import policy, retries, tags
from clary.services.sns.api import CONFIRMED, DEFAULT_SIZE, PENDING, SUBSCRIPTION, TOPIC, check_name, service, topic_at
from clary.services.sns.errors import InvalidParameterException, NotFoundException

PAGE: Final = 100
_LARGEST: Final = 1_048_576
_MOST_LARGE: Final = 100
_SETTABLE: Final = frozenset(
    {
        *("DeliveryPolicy", "DisplayName", "KmsMasterKeyId", "MaximumMessageSize", "Policy", "SignatureVersion"),
        "TracingConfig",
    }
)
_OF_FIFO: Final = frozenset({"FifoTopic", "ContentBasedDeduplication", "ArchivePolicy", "FifoThroughputScope"})
_NAME_MAX: Final = 100


def checked(asked: Mapping[str, str]) -> dict[str, str]:
    """Raises InvalidParameterException, NotImplementedHere."""
    return {name: _checked(name, value) for name, value in asked.items() if not _is_plain_fifo(name, value)}


def _is_plain_fifo(name: str, value: str) -> bool:
    return name in _OF_FIFO and value.lower() in ("false", "")


def _checked(name: str, value: str) -> str:
    if name in _OF_FIFO:
        raise NotImplementedHere(
            f"FIFO topics (the attribute {name}) are not served by Clary yet; standard topics are."
        )
    if name.endswith(("FeedbackRoleArn", "FeedbackSampleRate")):
        raise NotImplementedHere(f"Delivery status logging ({name}) is not served by Clary yet; metrics tell the same.")
    if name not in _SETTABLE:
        raise InvalidParameterException("AttributeName")
    if name == "Policy" and value:
        policy.check(value)
    elif name == "DeliveryPolicy" and value:
        retries.check_topic(value)
    elif name == "SignatureVersion" and value not in ("1", "2"):
        raise InvalidParameterException("SignatureVersion Reason: it is 1 or 2")
    elif name == "TracingConfig" and value not in ("PassThrough", "Active"):
        raise InvalidParameterException("TracingConfig Reason: it is PassThrough or Active")
    elif name == "DisplayName" and len(value) > _NAME_MAX:
        raise InvalidParameterException(f"DisplayName Reason: it is longer than {_NAME_MAX} characters")
    elif name == "MaximumMessageSize":
        number = int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else 0
        if not 1024 <= number <= _LARGEST:
            raise InvalidParameterException(f"MaximumMessageSize Reason: it is a whole number, 1024 to {_LARGEST}")
    return value


@service.operation("CreateTopic")
async def create_topic(ctx: Context, req: Doc) -> Doc:
    """The topic is there. Asked again with the same attributes and tags: the same answer. Errors: InvalidParameter."""
    name = req["Name"]
    check_name(name)
    if "DataProtectionPolicy" in req:
        raise NotImplementedHere("A DataProtectionPolicy is not served by Clary: nothing would be protected by it.")
    attributes, tagged = checked(req.get("Attributes", {})), tags.checked(req.get("Tags", []))
    new = Resource(
        kind=TOPIC,
        name=name,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=ctx.arn("sns", name),
        spec={"Name": name, "Attributes": {key: value for key, value in attributes.items() if value}},
        status={"Tags": tagged},
    )
    try:
        return {"TopicArn": ctx.store.create(new).arn}
    except Exists:
        old = topic_at(ctx, new.arn)
    if any(old.spec["Attributes"].get(key, "") != value for key, value in attributes.items()):
        raise InvalidParameterException("Attributes Reason: Topic already exists with different attributes")
    if "Tags" in req and old.status["Tags"] != tagged:
        raise InvalidParameterException("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": old.arn}


@service.operation("DeleteTopic")
async def delete_topic(ctx: Context, req: Doc) -> Doc:
    """The topic is gone, and its subscriptions. No complaint when it was not there. Errors: InvalidParameter."""
    while True:
        try:
            topic = topic_at(ctx, req["TopicArn"])
            ctx.store.delete(topic)
        except NotFoundException:
            return {}
        except Stale:
            continue
        break
    # They hang on the topic's uid: killed here, nothing ever reaches those that are left, and `tidy` finds them.
    where = Where(account=ctx.account, region=ctx.region, parent=topic.uid)
    while found := ctx.store.page(SUBSCRIPTION, where, limit=PAGE):
        for one in found:
            try:
                ctx.store.delete(one)
            except Stale:  # confirmed or changed just now: it comes again on the next page
                continue
    return {}


@service.operation("ListTopics")
async def list_topics(ctx: Context, req: Doc) -> Doc:
    """By name, a hundred a page. Errors: InvalidParameter."""
    where = Where(account=ctx.account, region=ctx.region)
    try:
        found, token = page.paginate(ctx.store, TOPIC, where, limit=PAGE, token=req.get("NextToken"))
    except BadToken:
        raise InvalidParameterException("NextToken Reason: it was not returned by this list") from None
    answer: Doc = {"Topics": [{"TopicArn": one.arn} for one in found]}
    if token:
        answer["NextToken"] = token
    return answer


@service.operation("GetTopicAttributes")
async def get_topic_attributes(ctx: Context, req: Doc) -> Doc:
    """What was set, what holds by default, and how many subscriptions there are. Errors: NotFound, InvalidParameter."""
    topic = topic_at(ctx, req["TopicArn"])
    attributes = topic.spec["Attributes"]

    def count(phase: str) -> str:
        where = Where(account=ctx.account, region=ctx.region, parent=topic.uid, phase=phase)
        return str(ctx.store.count(SUBSCRIPTION, where))

    return {
        "Attributes": {
            "DisplayName": "",
            **attributes,
            "TopicArn": topic.arn,
            "Owner": topic.account,
            "Policy": policy.policy_of(topic),
            "EffectiveDeliveryPolicy": orjson.dumps(
                retries.effective_of_topic(attributes.get("DeliveryPolicy"))
            ).decode(),
            "SubscriptionsConfirmed": count(CONFIRMED),
            "SubscriptionsPending": count(PENDING),
            "SubscriptionsDeleted": str(topic.status.get("_deleted", 0)),
        }
    }


@service.operation("SetTopicAttributes")
async def set_topic_attributes(ctx: Context, req: Doc) -> Doc:
    """The attribute holds from the next message on; an empty one is taken away. Errors: NotFound, InvalidParameter."""
    name, value = req["AttributeName"], req.get("AttributeValue", "")
    asked = checked({name: value})
    while True:
        topic = topic_at(ctx, req["TopicArn"])
        if name == "MaximumMessageSize" and int(value) > DEFAULT_SIZE:
            _check_large(ctx, topic)
        attributes = {key: one for key, one in {**topic.spec["Attributes"], **asked}.items() if one}
        try:
            ctx.store.update(topic, spec={**topic.spec, "Attributes": attributes})
        except Stale:
            continue
        return {}


def _check_large(ctx: Context, topic: Resource) -> None:
    """Large messages go to few queues, and to nobody else."""
    where = Where(account=ctx.account, region=ctx.region, parent=topic.uid)
    found = ctx.store.page(SUBSCRIPTION, where, limit=_MOST_LARGE + 1)
    if len(found) > _MOST_LARGE or any(one.spec["Protocol"] != "sqs" for one in found):
        raise InvalidParameterException(
            f"MaximumMessageSize Reason: above {DEFAULT_SIZE} bytes the topic must have {_MOST_LARGE} or fewer"
            " subscriptions, all of them of queues"
        )
