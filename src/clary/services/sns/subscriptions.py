"""Subscriptions: asked for, confirmed, listed, ended."""

import secrets
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.clock import Clock
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.reconcile import Step, gone, rest
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Where
from clary.services.sns import confirming, endpoints, subscription_attributes
from clary.services.sns.api import (
    CONFIRMED,
    DEFAULT_SIZE,
    ENDED,
    PENDING,
    SUBSCRIPTION,
    TOPIC,
    most_bytes,
    service,
    subscription_at,
    topic_at,
)
from clary.services.sns.errors import (
    AuthorizationErrorException,
    InvalidParameterException,
    NotFoundException,
    SubscriptionLimitExceededException,
)

MACHINE: Final = StateMachine(
    "PendingConfirmation", PENDING, {PENDING: {CONFIRMED}, CONFIRMED: {ENDED}, ENDED: {CONFIRMED}}
)
TOKEN_SECONDS: Final = 2 * 86_400.0
"""So long has an address time to say that it wants messages."""
_PAGE: Final = 100
_MOST: Final = 100_000


@service.operation("Subscribe")
async def subscribe(ctx: Context, req: Doc) -> Doc:
    """Messages go to the endpoint from now on; addresses on the web and of mail are asked first, again each time.
    Errors: NotFound, InvalidParameter."""
    topic, protocol, endpoint = topic_at(ctx, req["TopicArn"]), req["Protocol"], req.get("Endpoint", "")
    await endpoints.check(ctx, protocol, endpoint)
    if protocol != "sqs" and most_bytes(topic) > DEFAULT_SIZE:
        raise InvalidParameterException(
            f"Protocol Reason: a topic with a MaximumMessageSize above {DEFAULT_SIZE} can only have subscriptions"
            " of queues"
        )
    attributes = subscription_attributes.checked(ctx, protocol, req.get("Attributes", {}))
    at_once = protocol == "sqs"
    token = "" if at_once else secrets.token_hex(64)
    new = Resource(
        kind=SUBSCRIPTION,
        # One of each endpoint: who asks twice, even at the same time, gets the same subscription.
        name=f"{topic.name}:{endpoints.digest(protocol, endpoint)}",
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=f"{topic.arn}:{ids.request_id()}",
        phase=CONFIRMED if at_once else PENDING,
        parent=topic.uid,
        spec={"TopicArn": topic.arn, "Protocol": protocol, "Endpoint": endpoint, "Attributes": attributes},
        status={"_authenticated": at_once} if at_once else {"_token": token},
        due=None if at_once else ctx.clock.now() + TOKEN_SECONDS,
    )
    made = _created(ctx, topic, new)
    if made.phase == PENDING:
        await confirming.ask(ctx, made)
    if made.phase == PENDING and not req.get("ReturnSubscriptionArn", False):
        return {"SubscriptionArn": "pending confirmation"}
    return {"SubscriptionArn": made.arn}


def _created(ctx: Context, topic: Resource, new: Resource) -> Resource:
    where = Where(account=ctx.account, region=ctx.region, parent=topic.uid)
    while True:
        try:
            old = ctx.store.get(ctx.account, ctx.region, SUBSCRIPTION, new.name)
        except Missing:
            if ctx.store.count(SUBSCRIPTION, where) >= _MOST:
                raise SubscriptionLimitExceededException(f"A topic can have {_MOST} subscriptions.") from None
            try:
                return ctx.store.create(new)
            except Exists:
                continue
        if old.parent != topic.uid or old.phase == ENDED:
            # Of a topic of this name that is gone, or ended itself: what is left of it has no claim.
            _forget(ctx, old)
            continue
        if any(old.spec["Attributes"].get(name) != value for name, value in new.spec["Attributes"].items()):
            raise InvalidParameterException("Attributes Reason: Subscription already exists with different attributes")
        return old


def _forget(ctx: Context, one: Resource) -> None:
    try:
        ctx.store.delete(one)
    except Stale:
        return


@service.operation("ConfirmSubscription")
async def confirm_subscription(ctx: Context, req: Doc) -> Doc:
    """Messages go to the endpoint from now on. Confirmed twice: the same answer. Errors: NotFound, InvalidParameter
    (the token is none, or too old)."""
    topic = topic_at(ctx, req["TopicArn"])
    strict = str(req.get("AuthenticateOnUnsubscribe", "false")).lower() == "true"
    signed = ctx.principal.kind != "anonymous"
    while True:
        one = _of_token(ctx, topic, req["Token"])
        if one.phase == CONFIRMED:
            return {"SubscriptionArn": one.arn}
        try:
            ctx.store.update(one, phase=CONFIRMED, due=None, _authenticated=signed, _signed_end=strict and signed)
        except Stale:
            continue
        return {"SubscriptionArn": one.arn}


def _of_token(ctx: Context, topic: Resource, token: str) -> Resource:
    where = Where(account=ctx.account, region=ctx.region, parent=topic.uid)
    after: list[str] | None = None
    while found := ctx.store.page(SUBSCRIPTION, where, after=after, limit=_PAGE):
        for one in found:
            kept = one.status.get("_token", "")
            if kept and secrets.compare_digest(kept.encode(), token.encode()):
                return one
        after = [found[-1].name, found[-1].name]
    raise InvalidParameterException("Token")


@service.operation("Unsubscribe")
async def unsubscribe(ctx: Context, req: Doc) -> Doc:
    """Nothing more goes to the endpoint. No complaint when it was not there. Errors: InvalidParameter,
    AuthorizationError."""
    while True:
        try:
            one = subscription_at(ctx, req["SubscriptionArn"])
        except NotFoundException:
            return {}
        signed = ctx.principal.kind != "anonymous"
        if not signed and one.status.get("_signed_end"):
            raise AuthorizationErrorException("This subscription can only be ended by a signed request.")
        if one.phase == PENDING and signed:
            raise InvalidParameterException("SubscriptionArn Reason: the subscription is pending confirmation")
        try:
            if signed or one.spec["Protocol"] not in confirming.WEB_PROTOCOLS:
                ctx.store.delete(one)
            else:
                one = ctx.store.update(
                    one, phase=ENDED, due=ctx.clock.now() + TOKEN_SECONDS, _token=secrets.token_hex(64)
                )
        except Stale:
            continue
        _count_deleted(ctx, one)
        if one.phase == ENDED:
            await confirming.tell_ended(ctx, one)
        return {}


def _count_deleted(ctx: Context, one: Resource) -> None:
    """The topic knows how many it had."""
    while True:
        try:
            topic = ctx.store.find(TOPIC, one.parent)
            ctx.store.update(topic, _deleted=int(topic.status.get("_deleted", 0)) + 1)
        except Stale:
            continue
        except Missing:
            return
        return


@service.operation("ListSubscriptions")
async def list_subscriptions(ctx: Context, req: Doc) -> Doc:
    """By topic, a hundred a page. Errors: InvalidParameter."""
    return _page(ctx, req, Where(account=ctx.account, region=ctx.region))


@service.operation("ListSubscriptionsByTopic")
async def list_subscriptions_by_topic(ctx: Context, req: Doc) -> Doc:
    """Errors: NotFound, InvalidParameter."""
    topic = topic_at(ctx, req["TopicArn"])
    return _page(ctx, req, Where(account=ctx.account, region=ctx.region, parent=topic.uid))


def _page(ctx: Context, req: Doc, where: Where) -> Doc:
    try:
        found, token = page.paginate(ctx.store, SUBSCRIPTION, where, limit=_PAGE, token=req.get("NextToken"))
    except BadToken:
        raise InvalidParameterException("NextToken Reason: it was not returned by this list") from None
    answer: Doc = {"Subscriptions": [_described(one) for one in found if one.phase != ENDED]}
    if token:
        answer["NextToken"] = token
    return answer


def _described(one: Resource) -> Doc:
    return {
        "SubscriptionArn": one.arn if one.phase == CONFIRMED else "PendingConfirmation",
        "Owner": one.account,
        "Protocol": one.spec["Protocol"],
        "Endpoint": one.spec["Endpoint"],
        "TopicArn": one.spec["TopicArn"],
    }


class SubscriptionReconciler:
    """Desired: a token that was never used is good for no longer than TOKEN_SECONDS."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, one: Resource) -> Step:
        return rest() if one.phase == CONFIRMED else gone()

    def give_up(self, one: Resource, error: Exception) -> Step:
        return rest()
