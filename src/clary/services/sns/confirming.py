"""Addresses are asked whether they want messages, and told when somebody without a signature has ended that."""

from typing import Final

from clary.aws.delivery import WEB, Acting, Deliverer, Delivery, Retry
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sns import mail, retries
from clary.services.sns.api import TOPIC
from clary.services.sns.deliveries import PRINCIPAL, web_headers, web_params
from clary.services.sns.notices import Kind, Notices

WEB_PROTOCOLS: Final = ("http", "https")


async def ask(ctx: Context, subscription: Resource) -> None:
    """The address is sent its token; durably queued, when it does not listen now."""
    id_, token = ids.request_id(), subscription.status["_token"]
    if subscription.spec["Protocol"] in WEB_PROTOCOLS:
        await _post(ctx, subscription, "SubscriptionConfirmation", token, id_)
        return
    params = await mail.confirmation(ctx.port(Notices), subscription, token, id_, ctx.clock.now())
    await _deliver(ctx, subscription, id_, (mail.MAIL, "PUT", params), retries.CLARYS)


async def tell_ended(ctx: Context, subscription: Resource) -> None:
    """Whoever listens there can take it back, if it was none of its doing."""
    token = subscription.status["_token"]
    await _post(ctx, subscription, "UnsubscribeConfirmation", token, ids.request_id())


async def _post(ctx: Context, subscription: Resource, kind: Kind, token: str, id_: str) -> None:
    body = await ctx.port(Notices).confirmation(kind, subscription, token, id_, ctx.clock.now())
    arn = subscription.arn if kind == "UnsubscribeConfirmation" else ""
    headers = web_headers(kind, id_, subscription.spec["TopicArn"], arn)
    params = web_params(subscription.spec["Endpoint"], headers, body)
    policy = retries.effective(_policy(ctx, subscription), subscription.spec["Attributes"].get("DeliveryPolicy"))
    await _deliver(ctx, subscription, id_, (WEB, "POST", params), retries.retry_of(policy))


async def _deliver(ctx: Context, subscription: Resource, id_: str, what: tuple[str, str, Doc], retry: Retry) -> None:
    acting = Acting(PRINCIPAL, subscription.spec["TopicArn"])
    service, operation, params = what
    await ctx.port(Deliverer).deliver(
        Delivery(f"sns/{id_}", subscription.region, acting, service, operation, params, retry)
    )


def _policy(ctx: Context, subscription: Resource) -> str | None:
    try:
        found: str | None = ctx.store.find(TOPIC, subscription.parent).spec["Attributes"].get("DeliveryPolicy")
    except Missing:
        return None
    return found
