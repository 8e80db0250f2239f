"""Targets of rules: PutTargets, RemoveTargets, ListTargetsByRule."""

from typing import Any, Final

from clary.aws import targets as reach
from clary.aws.authorize import IdentityPolicies, service_may_assume
from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.aws.targets import KINDS
from clary.kernel.errors import BadToken
from clary.kernel.page import decode, digest, encode
from clary.kernel.resource import Doc, Resource
from clary.services.events import parameters
from clary.services.events.api import (
    PRINCIPAL,
    LimitExceededException,
    ValidationException,
    asked_bus,
    find_bus,
    find_rule,
    service,
)
from clary.services.events.inputs import compile_input
from clary.services.events.rules import change_rule

MOST_OF_RULE: Final = 5
"""Targets of one rule, as AWS documents."""
MOST_AT_ONCE: Final = 10
_MEMBERS: Final = {kind.member: kind.name for kind in KINDS.values() if kind.member}
_REFUSED: Final = (
    "KinesisParameters",
    "RunCommandParameters",
    "EcsParameters",
    "BatchParameters",
    "HttpParameters",
    "RedshiftDataParameters",
    "AppSyncParameters",
)


@service.operation("PutTargets")
async def put_targets(ctx: Context, req: Doc) -> Doc:
    """The rule has these targets beside its others; one of an Id that is there is replaced. All are taken, or none.
    Errors: ResourceNotFoundException, ValidationException, LimitExceededException."""
    bus, wanted = asked_bus(ctx, req), req["Targets"]
    find_bus(ctx, bus)
    rule = find_rule(ctx, bus, req["Rule"])
    if len(wanted) > MOST_AT_ONCE:
        raise ValidationException(f"At most {MOST_AT_ONCE} targets can be put in one request.")
    names = [one["Id"] for one in wanted]
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(f"The target Id {name!r} is given twice in one request.")
    for one in wanted:
        _check(ctx, one, rule)

    def put(rule: Resource) -> dict[str, Any]:
        kept = {one["Id"]: one for one in rule.status["_targets"]} | {one["Id"]: one for one in wanted}
        if len(kept) > MOST_OF_RULE:
            raise LimitExceededException("The requested resource exceeds the maximum number allowed.")
        return {"_targets": list(kept.values())}

    change_rule(ctx, bus, req["Rule"], put)
    return {"FailedEntryCount": 0, "FailedEntries": []}


@service.operation("RemoveTargets", ignores=("Force",))
async def remove_targets(ctx: Context, req: Doc) -> Doc:
    """The rule has no targets of these Ids; Ids that it has not are told as failed. Errors:
    ResourceNotFoundException."""
    bus, gone = asked_bus(ctx, req), req["Ids"]
    find_bus(ctx, bus)
    missing: list[str] = []

    def remove(rule: Resource) -> dict[str, Any]:
        there = {one["Id"] for one in rule.status["_targets"]}
        missing[:] = [name for name in gone if name not in there]
        return {"_targets": [one for one in rule.status["_targets"] if one["Id"] not in gone]}

    change_rule(ctx, bus, req["Rule"], remove)
    failed = [
        {
            "TargetId": name,
            "ErrorCode": "ResourceNotFoundException",
            "ErrorMessage": f"Rule {req['Rule']} does not have a target with the Id {name}.",
        }
        for name in missing
    ]
    return {"FailedEntryCount": len(failed), "FailedEntries": failed}


@service.operation("ListTargetsByRule")
async def list_targets_by_rule(ctx: Context, req: Doc) -> Doc:
    """The rule's targets in the order in which they came. Errors: ResourceNotFoundException, ValidationException."""
    bus, limit = asked_bus(ctx, req), req.get("Limit", 100)
    find_bus(ctx, bus)
    rule = find_rule(ctx, bus, req["Rule"])
    filters = digest("targets", rule.arn)
    try:
        start = int(decode(req["NextToken"], filters, int, str)[0]) if "NextToken" in req else 0
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}.") from None
    targets = rule.status["_targets"]
    more = {"NextToken": encode([start + limit, ""], filters)} if len(targets) > start + limit else {}
    return {"Targets": targets[max(start, 0) : start + limit], **more}


def _check(ctx: Context, target: Doc, rule: Resource) -> None:
    kind = reach.check(ctx, target["Arn"])
    if kind.role and "RoleArn" not in target:
        raise ValidationException(f"RoleArn is required for target {target['Arn']}.")
    compile_input(target)
    parameters.check(target, kind)
    for member in _REFUSED:
        if member in target:
            raise NotImplementedHere(f"{member} of target {target['Id']} is not served by Clary: no target needs it.")
    for member, name in _MEMBERS.items():
        if member in target and member != kind.member:
            raise ValidationException(f"Parameter(s) {member} are for {name} only: target {target['Id']} is another.")
    if "MessageGroupId" in target.get("SqsParameters", {}):
        raise ValidationException(
            f"Parameter(s) MessageGroupId not valid for target {target['Id']}: it is for FIFO queues."
        )
    if kind.service == "events":
        _check_bus(target, rule)
    if "RoleArn" in target:
        _check_role(ctx, target["RoleArn"], rule)
    dead = target.get("DeadLetterConfig", {}).get("Arn")
    if dead is not None and (dead.split(":")[2:3] != ["sqs"] or dead.endswith(".fifo")):
        raise ValidationException(
            f"DeadLetterConfig of target {target['Id']} must name a standard SQS queue by its ARN, not {dead}."
        )


def _check_bus(target: Doc, rule: Resource) -> None:
    for member in ("Input", "InputPath", "InputTransformer"):
        if member in target:
            raise ValidationException(f"{member} cannot be used with an event bus as target: it gets the whole event.")
    if target["Arn"].endswith(f":event-bus/{rule.parent}") and target["Arn"].split(":")[3] == rule.region:
        raise ValidationException(f"A rule cannot send the events of the bus {rule.parent} to the same bus.")


def _check_role(ctx: Context, arn: str, rule: Resource) -> None:
    """The role is there, and EventBridge may act as it: what fails here would fail for every event."""
    role = ctx.port(IdentityPolicies).role(arn) if f"::{ctx.account}:role/" in arn else None
    keys = {"aws:sourceaccount": ctx.account, "aws:sourcearn": rule.arn}
    if role is None or not service_may_assume(role, PRINCIPAL, keys):
        raise ValidationException(
            f"Provided role '{arn}' cannot be assumed by principal '{PRINCIPAL}': it must exist and its trust policy "
            "must allow it."
        )
