"""Who else may use a bus: PutPermission, RemovePermission, and the policies as whoever decides reads them."""

from typing import Any, Final

import orjson

from clary.aws import policy
from clary.aws.access import Ask
from clary.aws.service import Context
from clary.aws.targets import LOG_GROUPS
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.events.api import (
    DEFAULT,
    PRINCIPAL,
    PolicyLengthExceededException,
    ResourceNotFoundException,
    ValidationException,
    place_of_bus,
    service,
    stored_bus,
)
from clary.services.events.buses import change_bus

MOST_BYTES: Final = 10 * 1024
_PUT: Final = "events:PutEvents"


@service.operation("PutPermission")
async def put_permission(ctx: Context, req: Doc) -> Doc:
    """The bus's policy is the given one, or has the given statement beside its others. Errors:
    ResourceNotFoundException, ValidationException, PolicyLengthExceededException."""
    name = req.get("EventBusName", DEFAULT)

    def change(bus: Resource) -> dict[str, Any]:
        text = _whole(req) if "Policy" in req else _with_statement(bus, req)
        if len(text.encode()) > MOST_BYTES:
            raise PolicyLengthExceededException("The event bus policy is too long: at most 10 KB.")
        return {"_policy": text}

    change_bus(ctx, name, change)
    return {}


@service.operation("RemovePermission")
async def remove_permission(ctx: Context, req: Doc) -> Doc:
    """The statement is gone from the bus's policy, or all of them. Errors: ResourceNotFoundException,
    ValidationException."""
    name = req.get("EventBusName", DEFAULT)

    def change(bus: Resource) -> dict[str, Any]:
        if req.get("RemoveAllPermissions"):
            return {"_policy": None}
        if "StatementId" not in req:
            raise ValidationException("Parameter StatementId is required unless RemoveAllPermissions is true.")
        statements = _statements(bus)
        left = [one for one in statements if one.get("Sid") != req["StatementId"]]
        if "_policy" not in bus.status:
            raise ResourceNotFoundException("EventBus does not have a policy.")
        if len(left) == len(statements):
            raise ResourceNotFoundException("Statement with the provided id does not exist.")
        return {"_policy": _text(left) if left else None}

    change_bus(ctx, name, change)
    return {}


class EventPolicies:
    """aws.authorize.ResourcePolicies over the buses of one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def of(self, ask: Ask) -> str | None:
        place = place_of_bus(ask.resource)
        if place is None or place[1] != self._account:
            return None
        bus = stored_bus(self._store, self._account, place[0], place[2])
        return None if bus is None else bus.status.get("_policy")


class LogGroupPolicies:
    """aws.authorize.ResourcePolicies of log groups: those whose names begin with /aws/events/ are open to rules, as the
    console of AWS opens them when it makes one a target."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._text = _text(
            [
                {
                    "Sid": "TrustEventsToStoreLogEvents",
                    "Effect": "Allow",
                    "Principal": {"Service": [PRINCIPAL, "delivery.logs.amazonaws.com"]},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": f"arn:aws:logs:*:{account}:log-group:{LOG_GROUPS}*",
                }
            ]
        )

    def of(self, ask: Ask) -> str | None:
        parts = ask.resource.split(":", 6)
        governed = len(parts) == 7 and parts[2] == "logs" and parts[4] == self._account
        return self._text if governed and parts[6].startswith(LOG_GROUPS) else None


def _whole(req: Doc) -> str:
    """The policy of the request, checked. Raises ValidationException."""
    if any(member in req for member in ("Action", "Principal", "StatementId", "Condition")):
        raise ValidationException("Give either Policy, or Action, Principal and StatementId, and not both.")
    text: str = req["Policy"]
    try:
        policy.parse(text, "resource")
    except policy.Malformed as error:
        raise ValidationException(f"Parameter Policy is not valid. Reason: {error}") from None
    return text


def _with_statement(bus: Resource, req: Doc) -> str:
    for member in ("Action", "Principal", "StatementId"):
        if member not in req:
            raise ValidationException(f"Parameter {member} is required unless a Policy is given.")
    if req["Action"] != _PUT:
        raise ValidationException(f"Provided value in parameter 'action' is not supported: use {_PUT}.")
    who = req["Principal"]
    statement: Doc = {
        "Sid": req["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if who == "*" else {"AWS": f"arn:aws:iam::{who}:root"},
        "Action": _PUT,
        "Resource": bus.arn,
    }
    if "Condition" in req:
        given = req["Condition"]
        statement["Condition"] = {given["Type"]: {given["Key"]: given["Value"]}}
    others = [one for one in _statements(bus) if one.get("Sid") != req["StatementId"]]
    return _text([*others, statement])


def _statements(bus: Resource) -> list[Doc]:
    if "_policy" not in bus.status:
        return []
    found: Doc | list[Doc] = orjson.loads(bus.status["_policy"])["Statement"]
    return [found] if isinstance(found, dict) else found


def _text(statements: list[Doc]) -> str:
    return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()
