"""What an alarm can do when its state changes: the kind of the action's ARN, and the public operation that does it.

A kind that comes later is one line in KINDS. What is not there is refused when an alarm is given it, by name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clary.aws.delivery import Acting, Delivery, Retry
from clary.aws.errors import NotImplementedHere
from clary.aws.route import Router
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.cloudwatch import alarm_messages as messages
from clary.services.cloudwatch.alarm_messages import Change
from clary.services.cloudwatch.alarm_rows import ACTIONS, COMPOSITE
from clary.services.cloudwatch.api import ValidationError

PRINCIPAL: Final = "cloudwatch.amazonaws.com"
_RETRY: Final = Retry(attempts=100, seconds=3600.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of action."""

    name: str
    arn: re.Pattern[str]
    service: str
    """botocore's name."""
    operation: str
    params: Callable[[Change, str], Doc]
    principal: str = PRINCIPAL
    carried: bool = False
    """It is no public operation: the deliverer has a carrier for that service."""


def _publish(change: Change, arn: str) -> Doc:
    return {"TopicArn": arn, "Subject": messages.subject(change), "Message": messages.notification(change)}


def _invoke(change: Change, arn: str) -> Doc:
    return {"FunctionName": arn, "InvocationType": "Event", "Payload": messages.payload(change)}


def _call(change: Change, arn: str) -> Doc:
    return {"PolicyARN": arn}


SCALING: Final = "scaling-policy"
"""The service of deliveries that call a scaling policy: params PolicyARN."""
KINDS: Final[Sequence[Kind]] = (
    Kind("an SNS topic", re.compile(r"arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"), "sns", "Publish", _publish),
    Kind(
        "a Lambda function",
        re.compile(r"arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?"),
        "lambda",
        "Invoke",
        _invoke,
        principal="lambda.alarms.cloudwatch.amazonaws.com",
    ),
    Kind(
        "a scaling policy",
        re.compile(r"arn:aws:autoscaling:[a-z0-9-]+:\d{12}:scalingPolicy:[0-9a-f-]{36}:resource/sagemaker/.+"),
        SCALING,
        "Call",
        _call,
        carried=True,
    ),
)
_OTHERS: Final[Mapping[str, str]] = {
    "automate": "EC2 actions",
    "swf": "EC2 actions",
    "autoscaling": "scaling policies of Amazon EC2",
    "ssm": "OpsItems of Systems Manager",
    "ssm-incidents": "response plans of Incident Manager",
    "aiops": "investigations",
}


def check(ctx: Context, req: Doc, type_: str) -> None:
    """Every action of the request can be done. Raises ValidationError, NotImplementedHere."""
    for member in ACTIONS.values():
        given = req.get(member, [])
        for arn in given:
            _check(ctx, arn, member, type_)
        if len(set(given)) < len(given):
            raise ValidationError(f"The parameter {member} names an action twice.")


def _check(ctx: Context, arn: str, member: str, type_: str) -> None:
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ValidationError(f"Invalid {member}: {arn!r} is not an ARN.")
    kind = kind_of(arn)
    if kind is None:
        if any(parts[2] == one.service for one in KINDS):
            named = "FIFO topics" if arn.endswith(".fifo") else ""
            if named:
                raise NotImplementedHere(f"Actions of alarms cannot be {named}: {arn} is not served by Clary.")
            raise ValidationError(f"Invalid {member}: {arn!r} is not the ARN of something that an alarm can act on.")
        named = _OTHERS.get(parts[2], f"resources of the service {parts[2]!r}")
        if type_ == COMPOSITE and parts[2] in ("automate", "swf", "autoscaling"):
            raise ValidationError(f"Invalid {member}: composite alarms cannot have {named} ({arn}).")
        raise NotImplementedHere(f"Actions of alarms cannot be {named} yet: {arn} is not served by Clary.")
    if type_ == COMPOSITE and kind.carried:
        raise ValidationError(f"Invalid {member}: composite alarms cannot have scaling policies ({arn}).")
    if parts[4] != ctx.account:
        raise NotImplementedHere(f"{arn} is of another account: Clary has one account.")
    if parts[3] != ctx.region:
        raise ValidationError(f"Invalid {member}: {arn!r} is of another region than the alarm, which is {ctx.region}.")
    if kind.carried:
        return
    try:
        ctx.port(Router).served(kind.service, kind.operation)
    except NotImplementedHere:
        raise NotImplementedHere(
            f"An action cannot be {kind.name} yet: {kind.service} {kind.operation} is not served by Clary."
        ) from None


def kind_of(arn: str) -> Kind | None:
    return next((one for one in KINDS if one.arn.fullmatch(arn)), None)


def deliveries(change: Change) -> Sequence[tuple[str, Delivery]]:
    """(ARN, delivery) of every action that this change of state asks for. The ids are those of the change: a
    repetition brings the same again."""
    found = []
    spec = change.spec
    if not spec.get("ActionsEnabled", True):
        return ()
    for arn in spec.get(ACTIONS[change.state["value"]], ()):
        kind = kind_of(arn)
        if kind is not None:
            found.append((arn, _delivery(change, arn, kind)))
    return found


def _delivery(change: Change, arn: str, kind: Kind) -> Delivery:
    return Delivery(
        id=f"{change.uid}:{change.number}:{arn}",
        region=arn.split(":")[3],
        acting=Acting(kind.principal, change.arn),
        service=kind.service,
        operation=kind.operation,
        params=kind.params(change, arn),
        retry=_RETRY,
    )
