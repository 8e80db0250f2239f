"""Experiments: what several trials try to find out."""

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import listing, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.experiments import lists
from clary.services.sagemaker.experiments.names import EXPERIMENT, TRIAL, arn, by, find, key, taken


@service.operation("CreateExperiment")
async def create_experiment(ctx: Context, req: Doc) -> Doc:
    """The experiment is there, without trials. Errors: ValidationException "... already exists"."""
    tags.check(req.get("Tags"))
    name = req["ExperimentName"]
    try:
        made = ctx.store.create(
            Resource(
                EXPERIMENT,
                key(name),
                ctx.account,
                ctx.region,
                ids.new(),
                arn(ctx.account, ctx.region, EXPERIMENT, name),
                spec=req,
                status={"CreatedBy": by(ctx)},
            )
        )
    except Exists:
        raise ValidationException(taken(EXPERIMENT, name)) from None
    return {"ExperimentArn": made.arn}


@service.operation("DescribeExperiment")
@heard.everything
async def describe_experiment(ctx: Context, req: Doc) -> Doc:
    """The Create request, who made and changed it, and when. Errors: ResourceNotFound."""
    return described(find(ctx, EXPERIMENT, req["ExperimentName"]))


@service.operation("UpdateExperiment")
@heard.everything
async def update_experiment(ctx: Context, req: Doc) -> Doc:
    """The members that are given hold; an empty Description clears it. Errors: ResourceNotFound."""
    while True:
        one = find(ctx, EXPERIMENT, req["ExperimentName"])
        changed: Doc = {member: req[member] for member in ("DisplayName", "Description") if member in req}
        try:
            ctx.store.update(one, spec={**one.spec, **changed}, LastModifiedBy=by(ctx))
        except Stale:
            continue  # it was written meanwhile: look again
        return {"ExperimentArn": one.arn}


@service.operation("DeleteExperiment")
@heard.everything
async def delete_experiment(ctx: Context, req: Doc) -> Doc:
    """The experiment is gone. Errors: ValidationException while it has trials; ResourceNotFound."""
    while True:
        one = find(ctx, EXPERIMENT, req["ExperimentName"])
        trials = ctx.store.count(TRIAL, Where(account=ctx.account, region=ctx.region, parent=one.name))
        require(
            trials == 0,
            f"Experiment '{one.name}' cannot be deleted since it has {trials} trials: delete them first (ListTrials)",
        )
        try:
            ctx.store.delete(one)
        except Stale:
            continue  # it was written meanwhile: look again
        tags.forget(ctx.store, one)
        return {"ExperimentArn": one.arn}


@service.operation("ListExperiments")
@heard.everything
async def list_experiments(ctx: Context, req: Doc) -> Doc:
    """A page of the experiments that pass the filters, newest first unless asked otherwise."""
    found, more = lists.page(ctx, EXPERIMENT, req)
    return {"ExperimentSummaries": [_summary(described(one)) for one in found], **more}


def described(one: Resource) -> Doc:
    """DescribeExperiment's answer."""
    said = one.public()
    said.pop("Tags", None)
    said.setdefault("DisplayName", said["ExperimentName"])
    return {**said, "ExperimentArn": one.arn, "CreationTime": one.created, "LastModifiedTime": one.modified}


def _summary(said: Doc) -> Doc:
    members = ("ExperimentArn", "ExperimentName", "DisplayName", "CreationTime", "LastModifiedTime")
    source = {"ExperimentSource": said["Source"]} if "Source" in said else {}
    return {**listing.pick(said, *members), **source}
