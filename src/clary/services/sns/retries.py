"""Delivery policies: how often, and with which pauses, a notification is tried again."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from clary.aws.delivery import Retry
from clary.aws.errors import NotImplementedHere
from clary.kernel.resource import Doc
from clary.services.sns.errors import InvalidParameterException

DEFAULT: Final[Mapping[str, Any]] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_BOUNDS: Final = {
    "minDelayTarget": (1, 3600),
    "maxDelayTarget": (1, 3600),
    "numRetries": (0, 100),
    "numMaxDelayRetries": (0, 100),
    "numNoDelayRetries": (0, 100),
    "numMinDelayRetries": (0, 100),
}
_SHAPES: Final = {"linear": 1.0, "arithmetic": 2.0, "geometric": 3.0, "exponential": 4.0}
"""The power by which pauses grow from the smallest to the largest: the steeper, the later they are long."""
_LONGEST_SECONDS: Final = 3600
_TYPE: Final = "headerContentType"

CLARYS: Final = Retry(attempts=50, seconds=23 * 86_400.0, pauses=(0.0, 0.0, 0.0, 1.0, 1.0), longest=1200.0)
"""For queues and mail, which are Clary's own: as for AWS's own endpoints, for 23 days."""


def check_subscription(text: str) -> None:
    """Raises InvalidParameterException, NotImplementedHere."""
    said = _document(text)
    for name, value in said.items():
        if name == "healthyRetryPolicy":
            _check_healthy(value)
        elif name == "requestPolicy":
            _check_request(value)
        elif name == "throttlePolicy":
            _check_throttle(value)
        elif name != "sicklyRetryPolicy" or value is not None:
            raise InvalidParameterException(f"DeliveryPolicy: Unexpected field {name}")


def check_topic(text: str) -> None:
    """Raises InvalidParameterException, NotImplementedHere."""
    said = _document(text)
    for unknown in said.keys() - {"http"}:
        raise InvalidParameterException(f"DeliveryPolicy: Unexpected field {unknown}")
    for name, value in _object(said.get("http", {}), "http").items():
        if name == "defaultHealthyRetryPolicy":
            _check_healthy(value)
        elif name == "defaultRequestPolicy":
            _check_request(value)
        elif name == "defaultThrottlePolicy":
            _check_throttle(value)
        elif name == "disableSubscriptionOverrides":
            if not isinstance(value, bool):
                raise InvalidParameterException("DeliveryPolicy: http.disableSubscriptionOverrides must be a boolean")
        else:
            raise InvalidParameterException(f"DeliveryPolicy: Unexpected field http.{name}")


def effective_of_topic(topic: str | None) -> Doc:
    """What holds for its subscriptions that say nothing."""
    http = orjson.loads(topic).get("http", {}) if topic else {}
    found: Doc = {
        "defaultHealthyRetryPolicy": {**DEFAULT, **(http.get("defaultHealthyRetryPolicy") or {})},
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
    }
    if http.get("defaultRequestPolicy"):
        found["defaultRequestPolicy"] = http["defaultRequestPolicy"]
    return {"http": found}


def effective(topic: str | None, subscription: str | None) -> Doc:
    """What holds for a subscription: its own policy over its topic's over the default."""
    base = effective_of_topic(topic)["http"]
    own = orjson.loads(subscription) if subscription and not base["disableSubscriptionOverrides"] else {}
    found: Doc = {
        "healthyRetryPolicy": {**base["defaultHealthyRetryPolicy"], **(own.get("healthyRetryPolicy") or {})},
        "sicklyRetryPolicy": None,
        "throttlePolicy": None,
        "guaranteed": False,
    }
    if request := own.get("requestPolicy") or base.get("defaultRequestPolicy"):
        found["requestPolicy"] = request
    return found


def retry_of(policy: Doc) -> Retry:
    """The tries that the policy asks for."""
    healthy = policy["healthyRetryPolicy"]
    low, high = float(healthy["minDelayTarget"]), float(healthy["maxDelayTarget"])
    total, at_once = int(healthy["numRetries"]), int(healthy["numNoDelayRetries"])
    before, after = int(healthy["numMinDelayRetries"]), int(healthy["numMaxDelayRetries"])
    growing = total - at_once - before - after
    power = _SHAPES[healthy["backoffFunction"]]
    steps = [low + (high - low) * (step / (growing - 1)) ** power if growing > 1 else low for step in range(growing)]
    pauses = [*[0.0] * at_once, *[low] * before, *steps, *[high] * after]
    return Retry(attempts=total, seconds=2.0 * _LONGEST_SECONDS, pauses=tuple(pauses), longest=high)


def content_type_of(policy: Doc) -> str | None:
    found: str | None = (policy.get("requestPolicy") or {}).get(_TYPE)
    return found


def _check_healthy(value: Any) -> None:
    said = _object(value, "healthyRetryPolicy")
    for name, number in said.items():
        if name == "backoffFunction":
            if number not in _SHAPES:
                raise InvalidParameterException(f"DeliveryPolicy: backoffFunction must be one of {', '.join(_SHAPES)}")
            continue
        if name not in _BOUNDS:
            raise InvalidParameterException(f"DeliveryPolicy: Unexpected field healthyRetryPolicy.{name}")
        low, high = _BOUNDS[name]
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise InvalidParameterException(f"DeliveryPolicy: healthyRetryPolicy.{name} must be {low} to {high}")
    whole = {**DEFAULT, **said}
    if whole["minDelayTarget"] > whole["maxDelayTarget"]:
        raise InvalidParameterException(
            "DeliveryPolicy: healthyRetryPolicy.maxDelayTarget must be at least minDelayTarget"
        )
    parts = sum(whole[name] for name in ("numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries"))
    if parts > whole["numRetries"]:
        raise InvalidParameterException(
            "DeliveryPolicy: healthyRetryPolicy.numRetries must be at least the sum of its phases"
        )
    if sum(retry_of({"healthyRetryPolicy": whole}).pauses) > _LONGEST_SECONDS:
        raise InvalidParameterException(f"DeliveryPolicy: the policy takes longer than {_LONGEST_SECONDS} seconds")


def _check_request(value: Any) -> None:
    said = _object(value, "requestPolicy")
    for unknown in said.keys() - {_TYPE}:
        raise InvalidParameterException(f"DeliveryPolicy: Unexpected field requestPolicy.{unknown}")
    kind = said.get(_TYPE, "text/plain")
    if not isinstance(kind, str) or not kind.isprintable() or not kind.startswith(("text/", "application/")):
        raise InvalidParameterException(f"DeliveryPolicy: requestPolicy.{_TYPE} must be a type of text or application")


def _check_throttle(value: Any) -> None:
    if value is not None:
        raise NotImplementedHere("A throttlePolicy in a DeliveryPolicy is not served by Clary yet: leave it out.")


def _document(text: str) -> Doc:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidParameterException(f"DeliveryPolicy: failed to parse JSON: {error}") from None
    return _object(said, "DeliveryPolicy")


def _object(value: Any, name: str) -> Doc:
    if not isinstance(value, dict):
        raise InvalidParameterException(f"DeliveryPolicy: {name} must be a JSON object")
    return value
