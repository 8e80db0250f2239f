"""Universal targets, `arn:aws:scheduler:::aws-sdk:SERVICE:operation`: any public operation that Clary serves."""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clary.aws import model
from clary.aws.errors import NotImplementedHere
from clary.aws.route import Router
from clary.aws.service import Context
from clary.aws.targets import token_of
from clary.kernel.resource import Doc
from clary.services.scheduler.api import ValidationException

PREFIX: Final = "arn:aws:scheduler:::aws-sdk:"
_ARN: Final = re.compile(r"arn:aws:scheduler:::aws-sdk:([a-z0-9]+):([A-Za-z0-9]+)")
_SERVICES: Final = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sagemakermetrics": "sagemaker-metrics",
    "sagemakerruntime": "sagemaker-runtime",
}
"""What the SDK that AWS counts by calls them, and what botocore does, where that differs."""
_READING: Final = re.compile(
    r"(get|describe|list|poll|receive|search|scan|query|select|read|lookup|discover|validate|batchGet|batchDescribe|"
    r"batchRead|transactGet|adminGet|adminList|testMigration|retrieve|testConnection|translateDocument|isAuthorized|"
    r"invokeModel)(?![a-z])"
)
"""Operations that only read are no targets, as AWS documents."""


@dataclass(frozen=True, slots=True)
class Universal:
    """The operation that a universal target names."""

    service: str
    """botocore's name."""
    operation: str


def read(arn: str) -> Universal:
    """Raises ValidationException: it names no operation, or one that only reads."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise ValidationException(f"Provided Arn is not in correct format. Target ARN: {arn}")
    if _READING.match(match[2]):
        raise ValidationException(f"The operation {match[2]} only reads: it cannot be a target. Target ARN: {arn}")
    return Universal(_SERVICES.get(match[1], match[1]), match[2][:1].upper() + match[2][1:])


def check(ctx: Context, target: Doc) -> None:
    """The operation is served and its input is an object. Raises ValidationException, NotImplementedHere."""
    wanted = read(target["Arn"])
    try:
        ctx.port(Router).served(wanted.service, wanted.operation)
    except NotImplementedHere:
        raise NotImplementedHere(
            f"The target {target['Arn']} is not served by Clary: there is no {wanted.service} {wanted.operation}."
        ) from None
    _object(target.get("Input", "{}"))


def params(arn: str, text: str, delivery: str) -> Doc:
    """The request, of an Input with its keywords filled in. Where the operation knows a token that makes it idempotent
    and the Input has none, a repetition of this delivery does nothing a second time."""
    found = _object(text)
    wanted = read(arn)
    shape = model.load(wanted.service).operation(wanted.operation).input
    for name, member in {} if shape is None else shape.members.items():
        if member.traits.get("idempotencyToken") and name not in found:
            found[name] = token_of(delivery)[: member.traits.get("max", 64)]
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValidationException(f"The Input of a universal target must be a JSON object: {error}.") from None
    if not isinstance(found, dict):
        raise ValidationException("The Input of a universal target must be a JSON object: the operation's request.")
    return found
