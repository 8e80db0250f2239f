"""What can go wrong with an inference, and how AWS says it. Shared by the front and the ordinary operation.

InferenceError
  UnknownVariant   the request names a production variant that the endpoint has not
  BadTarget        the request names a model or a container that there is not, or none where it must
  NoTraffic        every variant has weight 0 and the request names none
  Overloaded       every instance has as many requests waiting as it may
  Throttled        a serverless variant has as many requests in progress as its MaxConcurrency
  OnlyAsynchronous the endpoint takes InvokeEndpointAsync only
  NoAnswer         the model took the request and gave no answer (it ended, broke off, or spoke no HTTP)
  ModelTimeout     the model did not answer in time
base.NoRoute, base.NoInstance
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clary.engines.serving.base import NoInstance, NoRoute, Reply

RETRY_AFTER_SECONDS = 1
FAULT = "x-clary-fault"
"""The header of an answer that is none of the model's, but of the door before a multi-model container."""
MESSAGE_BYTES = 4096
"""How much of a model's own error text goes into a ModelError."""


class InferenceError(Exception):
    """An inference that has no answer; the message says why."""

    container = "primary"
    """Which container of several was to answer."""


class UnknownVariant(InferenceError):
    """The request names a production variant that the endpoint has not."""


class BadTarget(InferenceError):
    """The request names a model or a container that there is not, or none where it must."""


class NoTraffic(InferenceError):
    """Every variant has weight 0 and the request names none."""


class Overloaded(InferenceError):
    """Every instance has as many requests waiting as it may."""


class Throttled(InferenceError):
    """A serverless variant has as many requests in progress as its MaxConcurrency."""


class OnlyAsynchronous(InferenceError):
    """The endpoint takes InvokeEndpointAsync only."""


class NoAnswer(InferenceError):
    """The model took the request and gave no answer. It may have worked on it: the request is not sent again."""


class ModelTimeout(InferenceError):
    """The model did not answer in time."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom the request was for."""

    account: str
    region: str
    endpoint: str

    @property
    def log_group(self) -> str:
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    @property
    def log_arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.log_group}"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of the operation InvokeEndpoint as it goes over the wire."""

    status: int
    code: str
    """AWS's error code; "" where AWS names none."""
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the error shape, by wire name."""
    retry_after: int | None = None


def fault_of(error: Exception, target: Target) -> Fault:
    """The wire's word for what `Serving.invoke` raised. An exception that is not of this family is raised again."""
    match error:
        case NoRoute():
            return Fault(400, "ValidationError", f"Endpoint {target.endpoint} of account {target.account} not found.")
        case UnknownVariant() | BadTarget() | NoTraffic() | OnlyAsynchronous():
            return Fault(400, "ValidationError", str(error))
        case NoInstance():
            message = str(error) or f"No instance of endpoint {target.endpoint} could be reached; try again."
            return Fault(503, "ServiceUnavailable", message, retry_after=RETRY_AFTER_SECONDS)
        case Throttled():
            return Fault(429, "ThrottlingException", str(error), retry_after=RETRY_AFTER_SECONDS)
        case Overloaded():
            return Fault(503, "ServiceUnavailable", str(error), retry_after=RETRY_AFTER_SECONDS)
        case NoAnswer() | ModelTimeout():
            return _model_error(0, str(error), target, error.container)
        case _:
            raise error


def fault_in(reply: Reply, target: Target) -> Fault | None:
    """The ModelError that AWS makes of a model's 4xx or 5xx; None when the model answered well."""
    if 200 <= reply.status < 300:
        return None
    if reply.headers.get(FAULT) == "validation":
        return Fault(400, "ValidationError", reply.body[:MESSAGE_BYTES].decode("utf-8", "replace"))
    return _model_error(reply.status, reply.body[:MESSAGE_BYTES].decode("utf-8", "replace"), target, reply.container)


def stream_fault(error: Exception) -> Fault:
    """The ModelStreamError that ends an answer which has begun. An exception of another family is raised again."""
    match error:
        case ModelTimeout():
            code = "ModelInvocationTimeExceeded"
        case InferenceError() | NoInstance():
            code = "StreamBroken"
        case _:
            raise error
    return Fault(424, "ModelStreamError", str(error), {"ErrorCode": code})


def timed_out(container: str) -> ModelTimeout:
    """In AWS's words."""
    error = ModelTimeout(
        f"Your invocation timed out while waiting for a response from container {container}. Review the latency "
        "metrics for each container, resolve the issue, and try again."
    )
    error.container = container
    return error


def _model_error(status: int, said: str, target: Target, container: str) -> Fault:
    side = "client" if 400 <= status < 500 else "server"
    message = (
        f'Received {side} error ({status}) from {container} with message "{said}". '
        f"See {target.log_group} in account {target.account} for more information."
    )
    fields = {"OriginalStatusCode": status, "OriginalMessage": said, "LogStreamArn": target.log_arn}
    return Fault(424, "ModelError", message, fields)


NOT_SERVED: Mapping[str, tuple[str, str]] = {
    "InferenceComponentName": ("x-amzn-sagemaker-inference-component", "inference components"),
    "SessionId": ("x-amzn-sagemaker-session-id", "stateful sessions"),
    "EnableExplanations": ("x-amzn-sagemaker-enable-explanations", "Clarify online explainability"),
    "PrefixAwareId": ("x-amzn-sagemaker-prefix-aware-id", "prefix-aware routing"),
}
"""Members of InvokeEndpoint that change who answers or how, and that Clary does not serve: (header, what it is of)."""


def not_served(what: str) -> Fault:
    """501 with a sentence that names it."""
    return Fault(501, "NotImplemented", f"Clary does not implement {what} yet.")
