"""Which components belong to which trials, and lists of components by that."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.page import decode, digest, encode, position
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.sagemaker import listing
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceNotFound, require
from clary.services.sagemaker.experiments import lists
from clary.services.sagemaker.experiments.components import described
from clary.services.sagemaker.experiments.names import ASSOCIATION, COMPONENT, EXPERIMENT, TRIAL, find

_STEP: Final = 200
_SUMMARY: Final = (
    *("TrialComponentName", "TrialComponentArn", "DisplayName", "Status", "StartTime", "EndTime", "CreationTime"),
    *("CreatedBy", "LastModifiedTime", "LastModifiedBy"),
)


@service.operation("AssociateTrialComponent")
@heard.everything
async def associate_trial_component(ctx: Context, req: Doc) -> Doc:
    """The component belongs to the trial; a second time changes nothing. Errors: ResourceNotFound."""
    trial, component = find(ctx, TRIAL, req["TrialName"]), find(ctx, COMPONENT, req["TrialComponentName"])
    associate(ctx.store, trial, component)
    return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}


@service.operation("DisassociateTrialComponent")
@heard.everything
async def disassociate_trial_component(ctx: Context, req: Doc) -> Doc:
    """The component does not belong to the trial. Errors: ResourceNotFound, also when it never did."""
    trial, component = find(ctx, TRIAL, req["TrialName"]), find(ctx, COMPONENT, req["TrialComponentName"])
    try:
        ctx.store.delete(ctx.store.get(ctx.account, ctx.region, ASSOCIATION, _name(trial, component)))
    except Stale:
        pass  # somebody else did it
    except Missing:
        raise ResourceNotFound(
            f"Trial component '{component.name}' is not associated with the trial '{trial.name}'."
        ) from None
    return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}


@service.operation("ListTrialComponents")
@heard.everything
async def list_trial_components(ctx: Context, req: Doc) -> Doc:
    """A page of the components of an experiment, of a trial, of a source, or of all; newest first unless asked
    otherwise, where those of an experiment or a trial are as old as their association with it. Errors:
    ValidationException for two filters; ResourceNotFound for an experiment or a trial that is not there."""
    given = [one for one in ("ExperimentName", "TrialName", "SourceArn") if one in req]
    require(len(given) <= 1, f"Only one of ExperimentName, TrialName and SourceArn can be given, not {given}")
    if "SourceArn" in req:
        source = req["SourceArn"].lower()
        few = ctx.store.referring(ctx.account, ctx.region, COMPONENT, source)
        found, more = lists.page_of(few, req, COMPONENT, source)
    elif given:
        found, more = _associated(ctx, req)
    else:
        found, more = lists.page(ctx, COMPONENT, req)
    return {"TrialComponentSummaries": [_summary(one) for one in found], **more}


def associate(store: Store, trial: Resource, component: Resource) -> None:
    """The component belongs to the trial. A second time changes nothing."""
    spec = {name: trial.spec[name] for name in ("TrialName", "ExperimentName")}
    row = Resource(
        ASSOCIATION,
        _name(trial, component),
        trial.account,
        trial.region,
        ids.new(),
        phase=trial.name,
        parent=trial.parent,
        spec=spec,
        status={"_refers": [component.name]},
    )
    try:
        store.create(row)
    except Exists:
        return


def component_name(association: Resource) -> str:
    """The name of the component's row."""
    return association.name.partition("/")[2]


def _name(trial: Resource, component: Resource) -> str:
    return f"{trial.name}/{component.name}"


def _associated(ctx: Context, req: Doc) -> tuple[list[Resource], Doc]:
    """One page of the components of a trial or an experiment: a walk along their associations."""
    order, descending = lists.order_of(req)
    where = Where(account=ctx.account, region=ctx.region)
    if "TrialName" in req:
        where = replace(where, phase=find(ctx, TRIAL, req["TrialName"]).name)
    else:
        where = replace(where, parent=find(ctx, EXPERIMENT, req["ExperimentName"]).name)
        if order == "name":
            few = [one for _, one in _components(ctx, where, "created", False, None)]
            return lists.page_of(few, req, COMPONENT, str(where.parent))
    filters = digest(ASSOCIATION, where.phase, where.parent, order, descending, _bounds(req))
    after = None
    if req.get("NextToken"):
        try:
            after = decode(req["NextToken"], filters, float if order == "created" else str, str, str, str)
        except BadToken as error:
            raise lists.invalid(error) from None
    limit = lists.limit_of(req)
    found: list[Resource] = []
    last: Resource | None = None
    for association, component in _components(ctx, where, order, descending, after):
        if not lists.in_time(component, req):
            continue
        if len(found) == limit and last is not None:
            return found, {"NextToken": encode(position(last, order), filters)}
        found.append(component)
        last = association
    return found, {}


def _components(
    ctx: Context, where: Where, order: Any, descending: bool, after: list[Any] | None
) -> Iterator[tuple[Resource, Resource]]:
    """(association, component), each component of an experiment once: with the first of its trials there."""
    while True:
        rows = ctx.store.page(ASSOCIATION, where, order=order, descending=descending, after=after, limit=_STEP)
        for row in rows:
            try:
                component = ctx.store.get(ctx.account, ctx.region, COMPONENT, component_name(row))
            except Missing:
                continue
            if where.parent is None or _is_first(ctx, row):
                yield row, component
        if len(rows) < _STEP:
            return
        after = position(rows[-1], order)


def _is_first(ctx: Context, row: Resource) -> bool:
    others = ctx.store.referring(row.account, row.region, ASSOCIATION, component_name(row))
    return row.name == next(one.name for one in others if one.parent == row.parent)


def _bounds(req: Doc) -> list[Any]:
    return [req.get("CreatedAfter"), req.get("CreatedBefore")]


def _summary(one: Resource) -> Doc:
    said = described(one)
    return {**listing.pick(said, *_SUMMARY), **({"TrialComponentSource": said["Source"]} if "Source" in said else {})}
