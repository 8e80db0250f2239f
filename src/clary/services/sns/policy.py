"""Policies of topics: set as an attribute or by AddPermission, and handed to whoever decides."""

import re
from typing import Any, Final

import orjson

from clary.aws import policy
from clary.aws.access import Ask
from clary.aws.service import Context
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sns.api import TOPIC, service, topic_at
from clary.services.sns.errors import InvalidParameterException, NotFoundException

_ARN: Final = re.compile(r"arn:aws:sns:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]+)(?::[0-9a-f-]{36})?")
_ACTIONS: Final = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)


def check(text: str) -> None:
    """Raises InvalidParameterException unless it is a policy that a topic can carry."""
    try:
        policy.parse(text, "resource")
    except policy.Malformed as error:
        raise InvalidParameterException(f"Policy Error: {error}") from None


def default(topic: Resource) -> str:
    """As AWS gives it to every topic: the account's own services, and nobody else by it alone."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{name}" for name in _ACTIONS],
        "Resource": topic.arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.account}},
    }
    return orjson.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}).decode()


def policy_of(topic: Resource) -> str:
    found: str | None = topic.spec["Attributes"].get("Policy")
    return default(topic) if found is None else found


class TopicPolicies:
    """The port `aws.authorize.ResourcePolicies` over the topics of one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def of(self, ask: Ask) -> str | None:
        match = _ARN.fullmatch(ask.resource)
        if match is None or match[2] != self._account:
            return None
        try:
            return policy_of(self._store.get(self._account, match[1], TOPIC, match[3]))
        except Missing:
            return None


@service.operation("AddPermission")
async def add_permission(ctx: Context, req: Doc) -> Doc:
    """The topic's policy has one more statement, of that label. Errors: NotFound, InvalidParameter."""
    label = req["Label"]
    while True:
        topic = topic_at(ctx, req["TopicArn"])
        whole = _policy(topic)
        if any(one.get("Sid") == label for one in whole["Statement"]):
            raise InvalidParameterException("Statement already exists")
        whole["Statement"].append(_statement(topic, label, req))
        if _write(ctx, topic, whole):
            return {}


@service.operation("RemovePermission")
async def remove_permission(ctx: Context, req: Doc) -> Doc:
    """The topic's policy has no statement of that label. Errors: NotFound."""
    while True:
        topic = topic_at(ctx, req["TopicArn"])
        whole = _policy(topic)
        left = [one for one in whole["Statement"] if one.get("Sid") != req["Label"]]
        if len(left) == len(whole["Statement"]):
            raise NotFoundException(f"Statement {req['Label']} does not exist")
        if _write(ctx, topic, {**whole, "Statement": left}):
            return {}


def _policy(topic: Resource) -> Doc:
    found: Doc = orjson.loads(policy_of(topic))
    statements: Any = found["Statement"]
    return {**found, "Statement": list(statements) if isinstance(statements, list) else [statements]}


def _statement(topic: Resource, label: str, req: Doc) -> Doc:
    for one in req["ActionName"]:
        if one not in _ACTIONS:
            raise InvalidParameterException("Policy statement action out of service scope!")
    for one in req["AWSAccountId"]:
        if not re.fullmatch(r"\d{12}", one):
            raise InvalidParameterException(f"AWSAccountId: {one} is not an account")
    if not req["ActionName"] or not req["AWSAccountId"]:
        raise InvalidParameterException("AWSAccountId and ActionName must not be empty")
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{one}:root" for one in req["AWSAccountId"]]},
        "Action": [f"SNS:{one}" for one in req["ActionName"]],
        "Resource": topic.arn,
    }


def _write(ctx: Context, topic: Resource, whole: Doc) -> bool:
    attributes = dict(topic.spec["Attributes"])
    attributes.pop("Policy", None)
    if whole["Statement"]:
        attributes["Policy"] = orjson.dumps(whole).decode()
    try:
        ctx.store.update(topic, spec={**topic.spec, "Attributes": attributes})
    except Stale:
        return False
    return True
