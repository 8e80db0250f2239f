"""Trials: the components that together try one thing, within one experiment."""

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import listing, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.experiments import lists
from clary.services.sagemaker.experiments.names import (
    ASSOCIATION,
    COMPONENT,
    EXPERIMENT,
    TRIAL,
    arn,
    associations_of,
    by,
    find,
    key,
    taken,
)


# MetadataProperties are kept and shown again: nothing here acts on a commit or a project.
@service.operation("CreateTrial", ignores=("MetadataProperties",))
async def create_trial(ctx: Context, req: Doc) -> Doc:
    """The trial is there, without components. Errors: ResourceNotFound (the experiment), ValidationException "...
    already exists"."""
    tags.check(req.get("Tags"))
    experiment = find(ctx, EXPERIMENT, req["ExperimentName"])
    name = req["TrialName"]
    try:
        made = ctx.store.create(
            Resource(
                TRIAL,
                key(name),
                ctx.account,
                ctx.region,
                ids.new(),
                arn(ctx.account, ctx.region, TRIAL, name),
                parent=experiment.name,
                spec={**req, "ExperimentName": experiment.spec["ExperimentName"]},
                status={"CreatedBy": by(ctx)},
            )
        )
    except Exists:
        raise ValidationException(taken(TRIAL, name)) from None
    return {"TrialArn": made.arn}


@service.operation("DescribeTrial")
@heard.everything
async def describe_trial(ctx: Context, req: Doc) -> Doc:
    """The Create request, who made and changed it, and when. Errors: ResourceNotFound."""
    return described(find(ctx, TRIAL, req["TrialName"]))


@service.operation("UpdateTrial")
@heard.everything
async def update_trial(ctx: Context, req: Doc) -> Doc:
    """The display name holds. Errors: ResourceNotFound."""
    while True:
        one = find(ctx, TRIAL, req["TrialName"])
        changed = listing.pick(req, "DisplayName")
        try:
            ctx.store.update(one, spec={**one.spec, **changed}, LastModifiedBy=by(ctx))
        except Stale:
            continue  # it was written meanwhile: look again
        return {"TrialArn": one.arn}


@service.operation("DeleteTrial")
@heard.everything
async def delete_trial(ctx: Context, req: Doc) -> Doc:
    """The trial is gone. Errors: ValidationException while components are associated with it; ResourceNotFound."""
    while True:
        one = find(ctx, TRIAL, req["TrialName"])
        count = ctx.store.count(ASSOCIATION, Where(account=ctx.account, region=ctx.region, phase=one.name))
        require(
            count == 0,
            f"Trial '{one.name}' cannot be deleted since {count} trial components are associated with it: disassociate "
            "them first (DisassociateTrialComponent)",
        )
        try:
            ctx.store.delete(one)
        except Stale:
            continue  # it was written meanwhile: look again
        tags.forget(ctx.store, one)
        return {"TrialArn": one.arn}


@service.operation("ListTrials")
@heard.everything
async def list_trials(ctx: Context, req: Doc) -> Doc:
    """A page of the trials of an experiment, of those that a component belongs to, or of all; newest first unless asked
    otherwise. Errors: ResourceNotFound for an experiment or a component that is not there."""
    experiment = find(ctx, EXPERIMENT, req["ExperimentName"]).name if "ExperimentName" in req else None
    if "TrialComponentName" in req:
        component = find(ctx, COMPONENT, req["TrialComponentName"])
        of_it = [one for one in _trials_of(ctx, component) if experiment in (None, one.parent)]
        found, more = lists.page_of(of_it, req, TRIAL, component.uid, experiment or "")
    else:
        found, more = lists.page(ctx, TRIAL, req, experiment)
    return {"TrialSummaries": [_summary(described(one)) for one in found], **more}


def described(one: Resource) -> Doc:
    """DescribeTrial's answer."""
    said = one.public()
    said.pop("Tags", None)
    said.setdefault("DisplayName", said["TrialName"])
    said = {name: value for name, value in said.items() if value != {}}
    return {**said, "TrialArn": one.arn, "CreationTime": one.created, "LastModifiedTime": one.modified}


def _trials_of(ctx: Context, component: Resource) -> list[Resource]:
    found = []
    for one in associations_of(ctx.store, component):
        try:
            found.append(ctx.store.get(ctx.account, ctx.region, TRIAL, one.phase))
        except Missing:  # deleted since
            continue
    return found


def _summary(said: Doc) -> Doc:
    members = ("TrialArn", "TrialName", "DisplayName", "CreationTime", "LastModifiedTime")
    return {**listing.pick(said, *members), **({"TrialSource": said["Source"]} if "Source" in said else {})}
