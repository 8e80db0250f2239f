"""Associations: what contributed to, produced or belongs to what. An edge is one row, and found from both of its ends:

    name    "<tail of the source's ARN>><tail of the destination's>": one edge between two entities
    uid     the name, and a letter for the type: a walk reads references and no row (Store.linked). An edge that is made
            again has its uid again; nothing is kept by it.
    parent  the source
    status  {"_refers": ["lineage/from/<source>", "lineage/to/<destination>"], "CreatedBy"}

Names and types of the ends are copied into the row: they never change.
"""

from dataclasses import dataclass
from typing import Any, Final

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.sagemaker import listing
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceNotFound, require
from clary.services.sagemaker.lineage import entities
from clary.services.sagemaker.lineage.entities import ARTIFACT, COMPONENT, LINEAGE_TYPES, TYPE, tail
from clary.services.sagemaker.registry.names import created_by

KIND: Final = "lineage-association"
FROM: Final = "lineage/from/"
TO: Final = "lineage/to/"
LETTERS: Final = {
    "ContributedTo": "c",
    "AssociatedWith": "a",
    "DerivedFrom": "d",
    "Produced": "p",
    "SameAs": "s",
    None: "-",
}
TYPES: Final = {letter: name for name, letter in LETTERS.items()}
_STEP: Final = 1000


@dataclass(frozen=True, slots=True)
class End:
    """One entity of an edge."""

    arn: str
    type: str
    """As lists show it: "DataSet", "SageMakerTrainingJob"."""
    name: str | None


@service.operation("AddAssociation")
@heard.everything
async def add_association(ctx: Context, req: Doc) -> Doc:
    """The edge is there, of the type that is asked; an older one of another type between the two is replaced. Errors:
    ResourceNotFound for an end that is not there."""
    ends = [_end(ctx, req[member]) for member in ("SourceArn", "DestinationArn")]
    require(ends[0].arn != ends[1].arn, "SourceArn and DestinationArn name the same entity")
    associate(ctx.store, ctx.account, ctx.region, ends[0], ends[1], req.get("AssociationType"), created_by(ctx))
    return {"SourceArn": ends[0].arn, "DestinationArn": ends[1].arn}


@service.operation("DeleteAssociation")
@heard.everything
async def delete_association(ctx: Context, req: Doc) -> Doc:
    """The edge is gone. Errors: ResourceNotFound."""
    source, destination = req["SourceArn"], req["DestinationArn"]
    if not dissociate(ctx.store, ctx.account, ctx.region, source, destination):
        raise ResourceNotFound(f"Association of {source} with {destination} does not exist.")
    return {"SourceArn": source, "DestinationArn": destination}


@service.operation("ListAssociations")
@heard.everything
async def list_associations(ctx: Context, req: Doc) -> Doc:
    """A page of the edges that pass the filters, newest first unless asked otherwise. A type may be that of the entity
    ("DataSet") or say what it is ("Artifact"). Errors: ValidationException for a token of another list."""
    found = [one for one in _candidates(ctx, req) if _passes(one, req)]
    by, descending = req.get("SortBy", "CreationTime"), req.get("SortOrder", "Descending") == "Descending"
    keyed = sorted(((_place(one, by), one) for one in found), key=lambda pair: pair[0], reverse=descending)
    filters = page.digest({name: req[name] for name in sorted(req) if name not in ("NextToken", "MaxResults")})
    if req.get("NextToken"):
        try:
            after = page.decode(req["NextToken"], filters, float if by == "CreationTime" else str, str)
        except BadToken as error:
            raise ValidationException(f"Invalid NextToken: {error}") from None
        keyed = [pair for pair in keyed if (pair[0] < after if descending else pair[0] > after)]
    limit = req.get("MaxResults", listing.DEFAULT_PAGE)
    more = {"NextToken": page.encode(keyed[limit - 1][0], filters)} if len(keyed) > limit else {}
    return {"AssociationSummaries": [_summary(one) for _, one in keyed[:limit]], **more}


def associate(
    store: Store, account: str, region: str, source: End, destination: End, kind: str | None, by: Doc | None = None
) -> None:
    """There is an edge of that type (a key of LETTERS) between the two, and no other. A second time changes nothing."""
    ends = tail(source.arn), tail(destination.arn)
    name = ">".join(ends)
    uid = f"{name}>{LETTERS[kind]}"
    try:
        there = store.get(account, region, KIND, name)
    except Missing:
        there = None
    if there is not None and there.uid == uid:
        return
    spec: Doc = {"SourceArn": source.arn, "DestinationArn": destination.arn, "AssociationType": kind}
    spec |= {"SourceType": source.type, "DestinationType": destination.type}
    spec |= {"SourceName": source.name, "DestinationName": destination.name}
    status: Doc = {"_refers": [f"{FROM}{ends[0]}", f"{TO}{ends[1]}"], **({"CreatedBy": by} if by else {})}
    spec = {key: value for key, value in spec.items() if value is not None}
    row = Resource(KIND, name, account, region, uid, parent=ends[0], spec=spec, status=status)
    try:
        store.create(row, replace=there is not None)
    except Exists:
        return  # another process made it between the look and the write


def dissociate(store: Store, account: str, region: str, source: str, destination: str) -> bool:
    """No edge leads from the one ARN to the other; False: none did."""
    while True:
        try:
            store.delete(store.get(account, region, KIND, f"{tail(source)}>{tail(destination)}"))
        except Stale:
            continue  # it was replaced meanwhile: look again
        except Missing:
            return False
        return True


def check_none(ctx: Context, one: Resource) -> None:
    """Raises ValidationException while the entity is an end of something: an edge must not lead to nothing."""
    here = tail(one.arn)
    count = len(ctx.store.linked(ctx.account, ctx.region, KIND, [f"{FROM}{here}", f"{TO}{here}"]))
    require(
        not count, f"Cannot delete {one.arn}: it has {count} associations. Delete them first, by DeleteAssociation."
    )


def end_of(one: Resource) -> End:
    """The entity as an end of an edge."""
    if one.kind in TYPE:
        name = one.spec.get("ArtifactName") if one.kind == ARTIFACT else one.name
        return End(one.arn, one.phase, name)
    return component(one.arn)


def component(arn: str) -> End:
    """A trial component (or experiment) as an end; it need not be there yet."""
    kind, _, name = tail(arn).partition("/")
    what = entities.component_type(name) if kind == COMPONENT else "Experiment"
    return End(arn, f"SageMaker{what}", name)


def _end(ctx: Context, arn: str) -> End:
    try:
        one = ctx.store.by_arn(arn)
    except Missing:
        one = None
    if one is None or (one.account, one.region) != (ctx.account, ctx.region):
        raise ResourceNotFound(f"Entity '{arn}' does not exist.") from None
    return end_of(one)


def _candidates(ctx: Context, req: Doc) -> list[Resource]:
    """The edges among which the answer is: those of an end that the request names, else all."""
    if req.get("DestinationArn") and not req.get("SourceArn"):
        here = f"{TO}{tail(req['DestinationArn'])}"
        return [ctx.store.find(KIND, uid) for _, uid in ctx.store.linked(ctx.account, ctx.region, KIND, [here])]
    parent = tail(req["SourceArn"]) if req.get("SourceArn") else None
    where = Where(account=ctx.account, region=ctx.region, parent=parent)
    found: list[Resource] = []
    after: list[Any] | None = None
    while True:
        rows = ctx.store.page(KIND, where, after=after, limit=_STEP)
        found += rows
        if len(rows) < _STEP:
            return found
        after = page.position(rows[-1], "name")


def _passes(one: Resource, req: Doc) -> bool:
    spec = one.spec
    for member in ("SourceArn", "DestinationArn", "AssociationType"):
        if req.get(member) is not None and spec.get(member) != req[member]:
            return False
    for arn, member in (("SourceArn", "SourceType"), ("DestinationArn", "DestinationType")):
        if req.get(member) is not None and req[member] not in _called(spec[arn], spec[member]):
            return False
    # AWS documents both bounds as inclusive here.
    return bool(req.get("CreatedAfter", 0.0) <= one.created <= req.get("CreatedBefore", one.created))


def _called(arn: str, kind: str) -> tuple[str, ...]:
    """What the type of an end may be called in a filter."""
    lineage_type = LINEAGE_TYPES.get(tail(arn).partition("/")[0], "Experiment")
    return kind, kind.removeprefix("SageMaker"), lineage_type


def _place(one: Resource, by: str) -> list[Any]:
    return [one.created if by == "CreationTime" else one.spec[by], one.name]


def _summary(one: Resource) -> Doc:
    return {**one.public(), "CreationTime": one.created}
