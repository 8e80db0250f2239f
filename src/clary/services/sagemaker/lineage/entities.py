"""What lineage is about: artifacts (data, models, images, code), contexts (endpoints, groups, executions) and actions
(deployments, approvals). Their rows, and what the three families share.

    name    of an artifact what it is known by, hashed; else its name
    phase   its type: an entity has no life of its own, and lists are asked by type
    parent  its SourceUri: lists are asked by it
    spec    the Create request
    status  {"CreatedBy", "LastModifiedBy", "_refers": ["lineage/name/<ArtifactName>"]}

Trial components are entities, too; they are rows of the experiments, and known here by their ARN alone.
"""

from hashlib import sha256
from typing import Any, Final

import orjson

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Store, Where
from clary.services.sagemaker import listing, tags
from clary.services.sagemaker.errors import ResourceNotFound, require
from clary.services.sagemaker.registry.names import created_by

ARTIFACT: Final = "artifact"
CONTEXT: Final = "context"
ACTION: Final = "action"
COMPONENT: Final = "experiment-trial-component"
KINDS: Final = (ARTIFACT, CONTEXT, ACTION)
LINEAGE_TYPES: Final = {ARTIFACT: "Artifact", CONTEXT: "Context", ACTION: "Action", COMPONENT: "TrialComponent"}
"""LineageType by what an ARN says of its resource."""
TYPE: Final = {ARTIFACT: "ArtifactType", CONTEXT: "ContextType", ACTION: "ActionType"}
NAME: Final = {ARTIFACT: "ArtifactName", CONTEXT: "ContextName", ACTION: "ActionName"}
ARN: Final = {ARTIFACT: "ArtifactArn", CONTEXT: "ContextArn", ACTION: "ActionArn"}
MOST_PROPERTIES: Final = 30
DEFAULT_GROUP: Final = "sagemaker-default-lineage-group"
_ORDERS: Final[dict[str, Order]] = {"Name": "name", "CreationTime": "created"}


class ConflictException(ServiceError):
    """Another entity has the name, or somebody changed this one at the same time."""


def artifact_name(kind: str, source: Doc) -> str:
    """What an artifact is known by: its type, the URI of its source and the source's ids, in any order of these."""
    types = sorted((one["SourceIdType"], one["Value"]) for one in source.get("SourceTypes") or ())
    return sha256(orjson.dumps([kind, source["SourceUri"], types])).hexdigest()[:32]


def arn_of(account: str, region: str, kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{region}:{account}:{kind}/{name}"


def tail(arn: str) -> str:
    """What is left of an ARN where account and region are known: `artifact/0f3a...`."""
    return arn.split(":", 5)[5]


def naming(name: str) -> str:
    """The reference by which an artifact of that ArtifactName is found."""
    return f"lineage/name/{name}"


def made(ctx: Context, kind: str, name: str, req: Doc) -> Resource:
    """The row that a Create request asks for, not stored yet. Raises ValidationException."""
    tags.check(req.get("Tags"))
    arn = arn_of(ctx.account, ctx.region, kind, name)
    spec = {key: value for key, value in req.items() if value not in ({}, [])}
    return Resource(
        *(kind, name, ctx.account, ctx.region, ids.new(), arn),
        phase=req[TYPE[kind]],
        parent=req["Source"]["SourceUri"],
        spec=spec,
        status={"CreatedBy": created_by(ctx)},
    )


def create(ctx: Context, kind: str, req: Doc) -> Doc:
    """An entity that is known by its name is there; the answer of Create. Raises ValidationException where there is
    one of its name."""
    name, what = req[NAME[kind]], LINEAGE_TYPES[kind]
    try:
        one = ctx.store.create(made(ctx, kind, name, req))
    except Exists:
        raise ValidationException(
            f"{what} names must be unique within an AWS account and region. {what} with name ({name}) already exists."
        ) from None
    return {ARN[kind]: one.arn}


def find(ctx: Context, kind: str, said: str) -> Resource:
    """The entity of that name or ARN. Raises ResourceNotFound."""
    name = said.rpartition("/")[2]
    expected = arn_of(ctx.account, ctx.region, kind, name)
    try:
        if said.startswith("arn:") and said != expected:
            raise Missing(said)
        return ctx.store.get(ctx.account, ctx.region, kind, name)
    except Missing:
        raise ResourceNotFound(f"{LINEAGE_TYPES[kind]} '{said}' does not exist.") from None


def described(one: Resource) -> Doc:
    """The answer of Describe."""
    said = one.public()
    said.pop("Tags", None)
    return {
        **said,
        **({} if one.kind == ARTIFACT else {NAME[one.kind]: one.name}),
        ARN[one.kind]: one.arn,
        "CreationTime": one.created,
        "LastModifiedTime": one.modified,
        "LineageGroupArn": arn_of(one.account, one.region, "lineage-group", DEFAULT_GROUP),
    }


def update(ctx: Context, kind: str, said: str, req: Doc, *members: str) -> Doc:
    """What the request gives of `members`, and its changes of the properties, hold. Raises ResourceNotFound,
    ValidationException for too many properties."""
    while True:
        one = find(ctx, kind, said)
        spec = {**one.spec, **listing.pick(req, *members), "Properties": properties(one.spec, req)}
        try:
            ctx.store.update(one, spec=_filled(spec), LastModifiedBy=created_by(ctx))
        except Stale:
            continue  # it was written meanwhile: look again
        return {ARN[kind]: one.arn}


def properties(spec: Doc, req: Doc) -> Doc:
    """The properties after an update. Raises ValidationException for more than AWS keeps."""
    gone = set(req.get("PropertiesToRemove") or ())
    kept = {key: value for key, value in (spec.get("Properties") or {}).items() if key not in gone}
    found = {**kept, **(req.get("Properties") or {})}
    require(
        len(found) <= MOST_PROPERTIES,
        f"An entity has at most {MOST_PROPERTIES} properties; this request would make {len(found)}. Name some in "
        "PropertiesToRemove",
    )
    return found


def delete(ctx: Context, one: Resource) -> Doc:
    """It is gone, with its tags. Raises ResourceNotFound when somebody else was first."""
    while True:
        try:
            ctx.store.delete(one)
        except Stale:
            one = find(ctx, one.kind, one.arn)  # it was written meanwhile: look again
            continue
        tags.forget(ctx.store, one)
        return {ARN[one.kind]: one.arn}


def listed(ctx: Context, kind: str, req: Doc) -> tuple[list[Resource], Doc]:
    """One page of the entities that pass the filters, newest first unless asked otherwise, and the NextToken member.
    Raises ValidationException for a token of another list."""
    where = Where(
        account=ctx.account,
        region=ctx.region,
        phase=req.get(TYPE[kind]),
        parent=req.get("SourceUri"),
        created_after=req.get("CreatedAfter"),
        created_before=req.get("CreatedBefore"),
    )
    try:
        found, token = paginate(
            *(ctx.store, kind, where),
            order=_ORDERS[req.get("SortBy", "CreationTime")],
            descending=req.get("SortOrder", "Descending") == "Descending",
            limit=req.get("MaxResults", listing.DEFAULT_PAGE),
            token=req.get("NextToken"),
        )
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}") from None
    return found, {} if token is None else {"NextToken": token}


def summary(one: Resource) -> Doc:
    """One of a list's answer."""
    name = one.spec.get("ArtifactName") if one.kind == ARTIFACT else one.name
    return {
        ARN[one.kind]: one.arn,
        **({NAME[one.kind]: name} if name else {}),
        "Source": one.spec["Source"],
        **listing.pick(one.spec, TYPE[one.kind], *(("Status",) if one.kind == ACTION else ())),
        "CreationTime": one.created,
        "LastModifiedTime": one.modified,
    }


def component_type(name: str) -> str:
    """What a trial component tells of, as QueryLineage calls it: components of jobs are named by their jobs."""
    for suffix, what in (
        ("-aws-training-job", "TrainingJob"),
        ("-aws-processing-job", "ProcessingJob"),
        ("-aws-transform-job", "TransformJob"),
    ):
        if name.endswith(suffix):
            return what
    return "ExperimentTrialComponent"


def several(store: Store, account: str, region: str, tails: list[str]) -> dict[str, Resource]:
    """Those of the entities that are there, by the tail of their ARN."""
    found = store.several([f"arn:aws:sagemaker:{region}:{account}:{one}" for one in tails])
    return {tail(one.arn): one for one in found}


def glances(store: Store, account: str, region: str, tails: list[str]) -> dict[str, tuple[str, float, float]]:
    """As `several`, but (type, created, modified) of each."""
    found = store.glances([f"arn:aws:sagemaker:{region}:{account}:{one}" for one in tails])
    return {tail(arn): (phase, created, modified) for arn, phase, created, modified in found}


def _filled(spec: Doc) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if value not in ({}, [])}
