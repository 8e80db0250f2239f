"""invocations: one request to the model, by InvokeEndpoint as the page's role; and its failures in words."""

from typing import Final

from clary.aws.doors import Porch
from clary.aws.errors import AccessDenied, ServiceError
from clary.aws.http import Answer, RequestEntityTooLarge
from clary.kernel.resource import Doc
from clary.services.sagemaker_runtime.apps.answers import OPEN, Refusal, wait
from clary.services.sagemaker_runtime.apps.grants import App
from clary.services.sagemaker_runtime.apps.telling import MISSING, status

MOST_BYTES: Final = 6 * 2**20
"""The longest body, as botocore's model of InvokeEndpoint says it."""
_SHOWN: Final = 500
_SOON: Final = 5
_SERVING: Final = ("InService", "Updating", "SystemUpdating", "RollingBack")
_COMING: Final = ("Creating",)


async def ask(porch: Porch, app: App) -> Answer:
    """The model's answer as it is. Raises Refusal."""
    headers = porch.request.headers
    kind = headers.get("content-type", "")
    if not kind or kind.lower().startswith(("multipart/", "application/x-www-form-urlencoded")):
        needed = "Say what the body is in the header Content-Type, for example text/csv or application/json."
        raise Refusal(415, "UnsupportedMediaType", needed)
    try:
        body = await porch.request.read_body(MOST_BYTES)
    except RequestEntityTooLarge:
        long = f"A request must not be longer than {MOST_BYTES // 2**20} MB. Send less at once."
        raise Refusal(413, "TooLarge", long) from None
    doc: Doc = {"EndpointName": app.endpoint, "Body": body, "ContentType": kind}
    if headers.get("accept", "*/*") != "*/*":  # else the model chooses, as it does for a client that names nothing
        doc["Accept"] = headers["accept"]
    try:
        found = await porch.perform(app.actor, app.region, "sagemaker-runtime", "InvokeEndpoint", doc)
    except ServiceError as error:
        raise await _refusal(porch, app, error) from error
    return Answer(200, [(b"content-type", found["ContentType"].encode("latin-1", "replace")), *OPEN], found["Body"])


async def _refusal(porch: Porch, app: App, error: ServiceError) -> Refusal:
    match error.error_code:
        case "ModelError":
            return _of_model(error)
        case "ThrottlingException":
            busy = "The model has as many requests as it takes. Try again in a second."
            return Refusal(429, "TooManyRequests", busy, **wait(1))
        case "ServiceUnavailable":
            return Refusal(503, "EndpointBusy", "The model cannot answer at the moment. Try again.", **wait(1))
        case "ValidationError" | "ValidationException":
            return await _not_taken(porch, app, error)
        case "NotImplemented":
            return Refusal(501, "NotImplemented", error.message)
    if isinstance(error, AccessDenied):
        mend = "This page may not ask the model. Whoever made the page can mend it by making it again."
        return Refusal(403, "NotPermitted", mend)
    return Refusal(error.http_status, error.error_code, error.message)


def _of_model(error: ServiceError) -> Refusal:
    """The model took the request and failed: what it says of it is for whoever sent it."""
    code, message = error.fields.get("OriginalStatusCode", 0), str(error.fields.get("OriginalMessage", "")).strip()
    shown = message if len(message) <= _SHOWN else message[: _SHOWN - 1].rstrip() + "…"
    if code == 415:
        return Refusal(415, "UnsupportedMediaType", f"The model does not take a body of this type: {shown}")
    if not code:
        return Refusal(424, "ModelError", f"The model gave no answer. {shown}".strip())
    return Refusal(424, "ModelError", f"The model could not answer: {shown or f'status {code}, without a word'}")


async def _not_taken(porch: Porch, app: App, error: ServiceError) -> Refusal:
    """The endpoint is not there (yet), or the request is none that it takes."""
    found = await status(porch, app)
    if found in _COMING:
        return Refusal(503, "EndpointNotInService", "The model is being started. Try again soon.", **wait(_SOON))
    if found == MISSING:
        gone = "The endpoint of this page is not there: it was deleted, or is yet to be made."
        return Refusal(503, "EndpointNotInService", gone, **wait(60))
    if found is not None and found not in _SERVING:
        rests = f"The model is not in service (its endpoint is {found})."
        return Refusal(503, "EndpointNotInService", rests, **wait(60))
    if error.message.endswith("not found."):  # it names the account, which is nobody's business here
        return Refusal(503, "EndpointNotInService", "The model is not in service.", **wait(_SOON))
    return Refusal(400, "InvalidRequest", error.message)
