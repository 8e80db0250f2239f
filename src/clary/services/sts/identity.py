"""Who am I, and whose is this key."""

from clary.aws.credentials import KeyRing
from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sts.api import InvalidAuthorizationMessageException, ValidationError, service


@service.operation("GetCallerIdentity")
async def get_caller_identity(ctx: Context, req: Doc) -> Doc:
    """Who signed this request."""
    return {"UserId": ctx.principal.user_id, "Account": ctx.principal.account, "Arn": ctx.principal.arn}


@service.operation("GetAccessKeyInfo")
async def get_access_key_info(ctx: Context, req: Doc) -> Doc:
    """The account of a long-lived key that can sign now. Errors: ValidationError for a key that is not known."""
    wanted = req["AccessKeyId"]
    if wanted.startswith("ASIA"):
        raise NotImplementedHere("Clary keeps no list of session keys: their tokens alone tell whose they are.")
    known = ctx.port(KeyRing).find(wanted, None)
    if known is None:
        raise ValidationError(f"The access key {wanted} is not known, or inactive.")
    return {"Account": known.principal.account}


@service.operation("DecodeAuthorizationMessage", ignores=("EncodedMessage",))
async def decode_authorization_message(ctx: Context, req: Doc) -> Doc:
    """Clary says in plain words why something is refused and encodes no messages, so no message is one of its own.

    Errors: InvalidAuthorizationMessageException, always."""
    raise InvalidAuthorizationMessageException(
        "The message is not one that was encoded here: Clary's refusals are in plain words already."
    )
