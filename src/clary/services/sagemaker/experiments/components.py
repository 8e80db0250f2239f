"""Trial components: one stage of a trial. A job has one of its own (see tracking); a run of the SDK is one, too."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.experiments import points
from clary.services.sagemaker.experiments.measures import summaries
from clary.services.sagemaker.experiments.names import COMPONENT, arn, associations_of, by, find, key, taken

MOST_PARAMETERS: Final = 300
MOST_ARTIFACTS: Final = 60
_MOST: Final = {"Parameters": MOST_PARAMETERS, "InputArtifacts": MOST_ARTIFACTS, "OutputArtifacts": MOST_ARTIFACTS}
_MAPS: Final = ("Parameters", "InputArtifacts", "OutputArtifacts")
_PLAIN: Final = ("DisplayName", "Status", "StartTime", "EndTime")


_KEPT: Final = ("Status", "InputArtifacts.MediaType", "OutputArtifacts.MediaType")
"""Kept, shown and searched, as they are said; nothing here acts on them."""


@service.operation("CreateTrialComponent", ignores=("MetadataProperties", *_KEPT))
async def create_trial_component(ctx: Context, req: Doc) -> Doc:
    """The component is there, and belongs to no trial yet. Errors: ValidationException "... already exists"."""
    tags.check(req.get("Tags"))
    _check(req)
    name = req["TrialComponentName"]
    try:
        made = ctx.store.create(
            Resource(
                COMPONENT,
                key(name),
                ctx.account,
                ctx.region,
                ids.new(),
                arn(ctx.account, ctx.region, COMPONENT, name),
                spec=req,
                status={"CreatedBy": by(ctx)},
            )
        )
    except Exists:
        raise ValidationException(taken(COMPONENT, name)) from None
    return {"TrialComponentArn": made.arn}


@service.operation("DescribeTrialComponent")
@heard.everything
async def describe_trial_component(ctx: Context, req: Doc) -> Doc:
    """All that is known of the component, with its metrics summed up, by name or ARN. Errors: ResourceNotFound."""
    return described(find(ctx, COMPONENT, req["TrialComponentName"]))


@service.operation("UpdateTrialComponent", ignores=_KEPT)
@heard.everything
async def update_trial_component(ctx: Context, req: Doc) -> Doc:
    """The members that are given hold; parameters and artifacts are added to those that are there, over those of the
    same names, and those that are to be removed are gone. Errors: ResourceNotFound, ValidationException."""
    _check(req)
    while True:
        one = find(ctx, COMPONENT, req["TrialComponentName"])
        try:
            ctx.store.update(one, spec=_updated(one.spec, req), LastModifiedBy=by(ctx))
        except Stale:
            continue  # it was written meanwhile: look again
        return {"TrialComponentArn": one.arn}


@service.operation("DeleteTrialComponent")
@heard.everything
async def delete_trial_component(ctx: Context, req: Doc) -> Doc:
    """The component is gone, with its metrics. Errors: ValidationException while it belongs to a trial;
    ResourceNotFound."""
    while True:
        one = find(ctx, COMPONENT, req["TrialComponentName"])
        trials = [part.spec["TrialName"] for part in associations_of(ctx.store, one)]
        require(
            not trials,
            f"Trial component '{one.name}' cannot be deleted since it is associated with the trials "
            f"{', '.join(trials)}: disassociate it first (DisassociateTrialComponent)",
        )
        try:
            ctx.store.delete(one)
        except Stale:
            continue  # it was written meanwhile: look again
        tags.forget(ctx.store, one)
        points.forget(ctx.store, one)
        return {"TrialComponentArn": one.arn}


def described(one: Resource) -> Doc:
    """DescribeTrialComponent's answer."""
    said = one.public()
    said.pop("Tags", None)
    said.setdefault("DisplayName", said["TrialComponentName"])
    said["Metrics"] = summaries(one)
    if said.get("MetadataProperties") == {}:
        del said["MetadataProperties"]
    # Empty ones are there, too: the SDK's tables go through them without a look whether they are.
    said = {**{name: {} for name in _MAPS}, **said}
    return {**said, "TrialComponentArn": one.arn, "CreationTime": one.created, "LastModifiedTime": one.modified}


def partly(one: Resource, members: Iterable[str]) -> Doc:
    """Of DescribeTrialComponent's answer, these members: for who looks at very many components."""
    found: Doc = {}
    for name in members:
        if name in one.spec:
            found[name] = one.spec[name]
        elif name in one.status:
            found[name] = one.status[name]
        elif name in _TOLD:
            found[name] = _TOLD[name](one)
    return found


_TOLD: Final[Mapping[str, Callable[[Resource], Any]]] = {
    "DisplayName": lambda one: one.spec["TrialComponentName"],
    "TrialComponentArn": lambda one: one.arn,
    "CreationTime": lambda one: one.created,
    "LastModifiedTime": lambda one: one.modified,
    "Metrics": summaries,
}


def _check(req: Doc) -> None:
    for name, value in (req.get("Parameters") or {}).items():
        given = [member for member in ("StringValue", "NumberValue") if member in value]
        require(len(given) == 1, f"The parameter {name!r} needs either a StringValue or a NumberValue")


def _updated(spec: Doc, req: Doc) -> Doc:
    """Raises ValidationException when there would be too many of something."""
    found: Doc = {**spec, **{member: req[member] for member in _PLAIN if member in req}}
    for member, removed in (
        ("Parameters", "ParametersToRemove"),
        ("InputArtifacts", "InputArtifactsToRemove"),
        ("OutputArtifacts", "OutputArtifactsToRemove"),
    ):
        merged = {**(spec.get(member) or {}), **(req.get(member) or {})}
        for name in req.get(removed) or ():
            merged.pop(name, None)
        require(len(merged) <= _MOST[member], f"A trial component has at most {_MOST[member]} {member}")
        found[member] = merged
    return found
