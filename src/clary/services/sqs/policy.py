"""Policies of queues: set as an attribute or by AddPermission, and handed to whoever decides."""

import re
from typing import Any, Final

import orjson

from clary.aws import policy
from clary.aws.access import Ask
from clary.aws.service import Context
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sqs.api import QUEUE, queue_of, service
from clary.services.sqs.errors import InvalidAttributeValue, InvalidParameterValue, MissingParameter, OverLimit

_ARN: Final = re.compile(r"arn:aws:sqs:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_.-]+)")
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACTIONS: Final = frozenset(
    {
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    }
)
_MOST_ACTIONS: Final = 7
_MOST_STATEMENTS: Final = 20


def check(ctx: Context, text: str, queue: str) -> None:
    """Raises InvalidAttributeValue unless it is a policy that a resource can carry."""
    try:
        policy.parse(text, "resource")
    except policy.Malformed as error:
        raise InvalidAttributeValue(f"Invalid value for the parameter Policy: {error}") from None


class QueuePolicies:
    """The port `aws.authorize.ResourcePolicies` over the queues of one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def of(self, ask: Ask) -> str | None:
        match = _ARN.fullmatch(ask.resource)
        if match is None or match[2] != self._account:
            return None
        try:
            queue = self._store.get(self._account, match[1], QUEUE, match[3])
        except Missing:
            return None
        found: str | None = queue.spec["Attributes"].get("Policy")
        return found


@service.operation("AddPermission")
async def add_permission(ctx: Context, req: Doc) -> Doc:
    """The queue's policy has one more statement, of that label. Errors: QueueDoesNotExist, InvalidParameterValue,
    MissingParameter, OverLimit."""
    label = req["Label"]
    if not _LABEL.fullmatch(label):
        raise InvalidParameterValue(
            f"Value {label} for parameter Label is invalid. Reason: Must be 1 to 80 letters, digits, '-' and '_'."
        )
    while True:
        queue = queue_of(ctx, req)
        whole = _policy(queue)
        if any(one.get("Sid") == label for one in whole["Statement"]):
            raise InvalidParameterValue(f"Value {label} for parameter Label is invalid. Reason: Already exists.")
        whole["Statement"].append(_statement(queue, label, req))
        if len(whole["Statement"]) > _MOST_STATEMENTS:
            raise OverLimit(f"{len(whole['Statement'])} statements were found, maximum allowed is {_MOST_STATEMENTS}.")
        if _write(ctx, queue, whole):
            return {}


@service.operation("RemovePermission")
async def remove_permission(ctx: Context, req: Doc) -> Doc:
    """The queue's policy has no statement of that label. Errors: QueueDoesNotExist, InvalidParameterValue."""
    label = req["Label"]
    while True:
        queue = queue_of(ctx, req)
        whole = _policy(queue)
        left = [one for one in whole["Statement"] if one.get("Sid") != label]
        if len(left) == len(whole["Statement"]):
            raise InvalidParameterValue(
                f"Value {label} for parameter Label is invalid. Reason: can't find label on existing policy."
            )
        if _write(ctx, queue, {**whole, "Statement": left}):
            return {}


def _policy(queue: Resource) -> Doc:
    text = queue.spec["Attributes"].get("Policy")
    if text is None:
        return {"Version": "2012-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}
    found: Doc = orjson.loads(text)
    statements: Any = found["Statement"]
    return {**found, "Statement": statements if isinstance(statements, list) else [statements]}


def _statement(queue: Resource, label: str, req: Doc) -> Doc:
    accounts, actions = req["AWSAccountIds"], req["Actions"]
    if not accounts:
        raise MissingParameter("The request must contain the parameter AWSAccountIds.")
    if not actions:
        raise MissingParameter("The request must contain the parameter Actions.")
    if len(actions) > _MOST_ACTIONS:
        raise OverLimit(f"{len(actions)} actions were found, maximum allowed is {_MOST_ACTIONS}.")
    for one in actions:
        if one not in _ACTIONS:
            raise InvalidParameterValue(
                f"Value SQS:{one} for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for"
                " a list of valid actions."
            )
    for one in accounts:
        if not re.fullmatch(r"\d{12}", one):
            raise InvalidParameterValue(f"Value {one} for parameter PrincipalId is invalid. Reason: Unable to verify.")
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{one}:root" for one in accounts]},
        "Action": [f"SQS:{one}" for one in actions],
        "Resource": queue.arn,
    }


def _write(ctx: Context, queue: Resource, whole: Doc) -> bool:
    attributes = dict(queue.spec["Attributes"])
    attributes.pop("Policy", None)
    if whole["Statement"]:
        attributes["Policy"] = orjson.dumps(whole).decode()
    try:
        ctx.store.update(queue, spec={**queue.spec, "Attributes": attributes})
    except Stale:
        return False
    return True
