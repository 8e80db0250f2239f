"""Who may use a page: everybody, or whoever shows its token; and how often."""

from clary.aws.credentials import KeyUses
from clary.aws.doors import Porch
from clary.aws.service import Context
from clary.services.sagemaker_runtime.apps.answers import Refusal, wait
from clary.services.sagemaker_runtime.apps.grants import App
from clary.services.sagemaker_runtime.apps.rates import Gates


def admit(ctx: Context, porch: Porch, app: App, *, asks: bool) -> None:
    """The client may go on; `asks`: to the model. Raises Refusal (401, 429)."""
    gates, address = ctx.port(Gates), porch.request.client
    if not app.public:
        _prove(porch, app, gates, address)
    if asks:
        seconds, all_together = gates.asks(app.role, address, app.rate)
    else:
        seconds, all_together = gates.looks(app.role, address, app.rate), False
    if not seconds:
        return
    if all_together:
        busy = "Too many people use this page at the moment. Try again in a few seconds."
        raise Refusal(429, "TooManyRequests", busy, **wait(seconds))
    often = f"This page answers {app.rate} requests a minute. Try again in {wait(seconds)['retry_after']} s."
    raise Refusal(429, "TooManyRequests", often, **wait(seconds))


def _prove(porch: Porch, app: App, gates: Gates, address: str) -> None:
    scheme, _, token = porch.request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    if not token:
        needed = "This page needs a token. Open it with the whole link that you were given, or enter the token."
        raise Refusal(401, "TokenNeeded", needed, www_authenticate="Bearer")
    seconds = gates.may_try(app.role, address)
    if seconds:
        guessed = "Too many wrong tokens came from your address. Wait a little, then try again with the right one."
        raise Refusal(429, "TooManyTokens", guessed, **wait(seconds))
    if not app.opens(token):
        gates.guessed(app.role, address)
        wrong = "This token does not open the page: it is wrong, or a new one was made. Ask for the new link."
        raise Refusal(401, "TokenWrong", wrong, www_authenticate="Bearer")


def remember(ctx: Context, app: App) -> None:
    """The role was used, for GetRole's RoleLastUsed."""
    uses: KeyUses | None = ctx.ports.get(KeyUses)
    if uses is not None:
        uses.used(app.actor, "", "sagemaker", app.region)
