"""What SNS asks of the policies. Subscriptions are asked for by their topic."""

from collections.abc import Mapping, Sequence

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.sns.api import TOPIC, service, topic_arn_in

_LISTS = frozenset({"ListTopics", "ListSubscriptions"})


def _asks(operation: str) -> Asks:
    action = "sns:Publish" if operation == "PublishBatch" else f"sns:{operation}"

    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = _arn(ctx, operation, req)
        keys = {"sns:Protocol": req.get("Protocol"), "sns:Endpoint": req.get("Endpoint")}
        tags = {one["Key"]: one["Value"] for one in req.get("Tags", ())} or None
        if "TagKeys" in req:
            tags = dict.fromkeys(req["TagKeys"], "")
        found = [Ask(action, arn, keys if operation == "Subscribe" else {}, tags, lambda: _tags(ctx, arn))]
        if operation == "CreateTopic" and tags:
            found.append(Ask("sns:TagResource", arn, {}, tags, lambda: _tags(ctx, arn)))
        return found

    return asks


def _arn(ctx: Context, operation: str, req: Doc) -> str:
    if operation == "CreateTopic":
        return ctx.arn("sns", req.get("Name") or "*")
    if "SubscriptionArn" in req:
        return topic_arn_in(req["SubscriptionArn"])
    for name in ("TopicArn", "TargetArn", "ResourceArn"):
        if name in req:
            found: str = req[name]
            return found if found.startswith("arn:") and found.count(":") >= 5 else "*"
    return "*"


def _tags(ctx: Context, arn: str) -> Mapping[str, str]:
    try:
        found = ctx.store.by_arn(arn)
    except Missing:
        return {}
    return dict(found.status["Tags"]) if found.kind == TOPIC else {}


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation, None if operation in _LISTS else _asks(operation))
