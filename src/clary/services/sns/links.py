"""What can be followed without a signature: links to confirm and to end a subscription, and the signing certificate."""

from typing import Final

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.services.sns.api import region_in, service
from clary.services.sns.notices import CERTIFICATE_PATH, Notices

_ACTIONS: Final = ("ConfirmSubscription", "Unsubscribe")
_PATH: Final = CERTIFICATE_PATH.encode()


def _is_link(request: Request) -> bool:
    if request.method != "GET" or b"Action=" not in request.query or "authorization" in request.headers:
        return False
    return request.args.get("Action", [""])[0] in _ACTIONS and "X-Amz-Signature" not in request.args


async def _follow(porch: Porch) -> Answer:
    """As the operation, for whoever holds the token or the subscription's ARN."""
    args = porch.request.args
    call = porch.served("sns", args["Action"][0])
    region = region_in(args.get("TopicArn", args.get("SubscriptionArn", [""]))[0])
    try:
        doc = call.codec.decode(porch.request)
        return call.codec.encode(await call.handler(porch.context(ANONYMOUS, region), doc), porch.request_id)
    except ServiceError as error:
        answer = call.codec.encode_error(error, porch.request, porch.request_id)
        answer.code = error.error_code
        return answer


def _is_certificate(request: Request) -> bool:
    return request.method == "GET" and request.path.startswith(_PATH)


async def _certificate(porch: Porch) -> Answer:
    notices = porch.context(ANONYMOUS, "").port(Notices)
    pem = await notices.certificate(porch.request.path.decode("latin-1"))
    if pem is None:
        return Answer(404, [(b"content-type", b"text/plain")], b"There is no such certificate.\n")
    return Answer(200, [(b"content-type", b"application/x-pem-file")], pem)


service.door(Door("SubscriptionLink", _is_link, _follow))
service.door(Door("SigningCertificate", _is_certificate, _certificate))
