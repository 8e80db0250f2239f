"""Model cards: what a model is for, how it was made and measured, in versions that do not change.

A change of the content makes a new version, a change of the status none. The row of a card holds its newest version
whole. The one before stands in the same row (`_before`) until it has a row of its own: so both are written in one
transaction, and a crash in between loses none.
"""

from typing import Final

import orjson

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import listing, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.cards import structure
from clary.services.sagemaker.errors import ResourceNotFound, require
from clary.services.sagemaker.registry.names import created_by

KIND: Final = "model-card"
VERSION: Final = "model-card-version"
EXPORT: Final = "model-card-export-job"
ARCHIVED: Final = "Archived"
_BEFORE: Final = "_before"
_SINCE: Final = "_since"
"""When the version came to be."""
_SUMMARY: Final = (
    "ModelCardName",
    "ModelCardArn",
    "ModelCardStatus",
    "ModelCardVersion",
    "CreationTime",
    "LastModifiedTime",
)


class ConflictException(ServiceError):
    """There is a card or an export job of that name, or it cannot be changed in the status in which it is."""


@service.operation("CreateModelCard", ignores=("SecurityConfig",))
async def create_model_card(ctx: Context, req: Doc) -> Doc:
    """The card is there, in version 1. Errors: ConflictException when there is one of that name, ValidationException
    with every path of the content that is not of the schema."""
    name, who, now = req["ModelCardName"], created_by(ctx), ctx.clock.now()
    structure.check(req["Content"])
    tags.check(req.get("Tags"))
    status = {"ModelCardVersion": 1, "CreatedBy": who, "LastModifiedBy": who, "LastModifiedTime": now, _SINCE: now}
    card = Resource(
        KIND, name, ctx.account, ctx.region, ids.new(), _arn(ctx, name), req["ModelCardStatus"], spec=req, status=status
    )
    try:
        return {"ModelCardArn": ctx.store.create(card).arn}
    except Exists:
        raise ConflictException(f"A model card with the name {name} already exists: {card.arn}") from None


@service.operation("UpdateModelCard")
async def update_model_card(ctx: Context, req: Doc) -> Doc:
    """New content is a new version; a new status is that of the newest one. Errors: ResourceNotFound,
    ConflictException for the content of an archived card, ValidationException as CreateModelCard."""
    content, wanted = req.get("Content"), req.get("ModelCardStatus")
    require(bool(content or wanted), "Nothing to update: set Content or ModelCardStatus")
    if content:
        structure.check(content)
    while True:
        card = find(ctx, req["ModelCardName"])
        changes: Doc = {"LastModifiedBy": created_by(ctx), "LastModifiedTime": ctx.clock.now()}
        spec = card.spec
        if content and content != spec["Content"]:
            if card.phase == ARCHIVED:
                raise ConflictException(f"Model card {card.name} is in Archived state: its content cannot change")
            _keep_before(ctx, card)
            spec = {**spec, "Content": content}
            changes |= {
                "ModelCardVersion": card.status["ModelCardVersion"] + 1,
                _SINCE: ctx.clock.now(),
                _BEFORE: _version_of(card),
            }
        try:
            # Version and the version before it are one row: whoever looks after a crash finds both, or the old state.
            written = ctx.store.update(card, phase=wanted or card.phase, spec=spec, emit=True, **changes)
        except Stale:
            continue  # it was written meanwhile: look again
        _keep_before(ctx, written)
        return {"ModelCardArn": card.arn}


@service.operation("DescribeModelCard")
async def describe_model_card(ctx: Context, req: Doc) -> Doc:
    """The card in the version that is asked for, else the newest. Errors: ResourceNotFound."""
    card = find(ctx, req["ModelCardName"])
    said = version(ctx, card, req.get("ModelCardVersion"))
    if req.get("IncludedData") == "MetadataOnly":
        said["Content"] = structure.metadata(said["Content"])
    return said


@service.operation("ListModelCards")
async def list_model_cards(ctx: Context, req: Doc) -> Doc:
    """A page of the cards that pass the filters, newest first unless asked otherwise."""
    wanted = {**req, **({"StatusEquals": req["ModelCardStatus"]} if "ModelCardStatus" in req else {})}
    found, more = listing.page(ctx, KIND, wanted, descending=True)
    members = ("ModelCardName", "ModelCardArn", "ModelCardStatus", "CreationTime", "LastModifiedTime")
    return {"ModelCardSummaries": [listing.pick(described(one), *members) for one in found], **more}


@service.operation("ListModelCardVersions")
async def list_model_card_versions(ctx: Context, req: Doc) -> Doc:
    """A page of the card's versions that pass the filters, the newest first unless asked otherwise. Errors:
    ResourceNotFound, ValidationException for a token of another list."""
    card = find(ctx, req["ModelCardName"])
    newest = card.status["ModelCardVersion"]
    up = req.get("SortOrder", "Descending") == "Ascending"
    asked = {key: value for key, value in req.items() if key not in ("NextToken", "MaxResults")}
    filters = page.digest(VERSION, card.uid, *sorted(asked.items()))
    number = 1 if up else newest
    if req.get("NextToken"):
        try:
            number, _ = page.decode(req["NextToken"], filters, int, str)
        except BadToken as error:
            raise ValidationException(f"Invalid NextToken: {error}") from None
    found: list[Doc] = []
    limit = req.get("MaxResults", listing.DEFAULT_PAGE)
    while 1 <= number <= newest:
        if len(found) == limit:
            return {"ModelCardVersionSummaryList": found, "NextToken": page.encode([number, card.uid], filters)}
        one = _whole(ctx, card, number)
        if _passes(one, req):
            summary = {**one, "CreationTime": one[_SINCE]}
            found.append(listing.pick(summary, *_SUMMARY))
        number += 1 if up else -1
    return {"ModelCardVersionSummaryList": found}


@service.operation("DeleteModelCard")
async def delete_model_card(ctx: Context, req: Doc) -> Doc:
    """The card is gone, with all versions and records of exports; exported files stay. Errors: ResourceNotFound."""
    while True:
        card = find(ctx, req["ModelCardName"])
        try:
            ctx.store.delete(card)
        except Stale:
            continue  # it was written meanwhile: look again
        break
    tags.forget(ctx.store, card)
    here = Where(account=ctx.account, region=ctx.region, parent=card.uid)
    for kind in (VERSION, EXPORT):
        while rows := ctx.store.page(kind, here):
            for row in rows:
                _drop(ctx, row)
    return {}


def find(ctx: Context, said: str) -> Resource:
    """The card of that name or ARN. Raises ResourceNotFound."""
    name = said.removeprefix(_arn(ctx, ""))
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise ResourceNotFound(f"Model card {said} does not exist in this account and region.") from None


def described(card: Resource) -> Doc:
    """DescribeModelCard's answer for the newest version."""
    found = _newest(card)
    del found[_SINCE]
    return found


def _newest(card: Resource) -> Doc:
    return {
        **_version_of(card),
        "ModelCardName": card.name,
        "ModelCardArn": card.arn,
        "CreationTime": card.created,
        "CreatedBy": card.status["CreatedBy"],
        **({"SecurityConfig": card.spec["SecurityConfig"]} if card.spec.get("SecurityConfig") else {}),
    }


def version(ctx: Context, card: Resource, number: int | None) -> Doc:
    """DescribeModelCard's answer for a version; None: the newest. Raises ResourceNotFound."""
    found = _whole(ctx, card, number)
    del found[_SINCE]
    return found


def _whole(ctx: Context, card: Resource, number: int | None) -> Doc:
    newest = _newest(card)
    if number in (None, newest["ModelCardVersion"]):
        return newest
    before: Doc = card.status.get(_BEFORE) or {}
    if before.get("ModelCardVersion") == number:
        return {**newest, **before}
    try:
        return {**newest, **ctx.store.get(ctx.account, ctx.region, VERSION, f"{card.uid}/{number}").spec}
    except Missing:
        raise ResourceNotFound(f"Model card {card.arn} has no version {number}.") from None


def searched(card: Resource) -> Doc:
    """A record of Search: with what the content says of the model, as AWS has it."""
    content = orjson.loads(card.spec["Content"])
    overview, package = content.get("model_overview") or {}, content.get("model_package_details") or {}
    told = {
        "ModelId": overview.get("model_id") or package.get("model_package_arn"),
        "ModelPackageGroupName": package.get("model_package_group_name"),
        "RiskRating": (content.get("intended_uses") or {}).get("risk_rating"),
    }
    return {**described(card), **{name: value for name, value in told.items() if value}}


def _arn(ctx: Context, name: str) -> str:
    return ctx.arn("sagemaker", f"{KIND}/{name}")


def _version_of(card: Resource) -> Doc:
    """What belongs to the newest version alone."""
    return {
        "ModelCardVersion": card.status["ModelCardVersion"],
        "Content": card.spec["Content"],
        "ModelCardStatus": card.phase,
        "LastModifiedTime": card.status["LastModifiedTime"],
        "LastModifiedBy": card.status["LastModifiedBy"],
        _SINCE: card.status[_SINCE],
    }


def _keep_before(ctx: Context, card: Resource) -> None:
    """The version before the newest has a row of its own. May be repeated: what it says never changes again."""
    before: Doc | None = card.status.get(_BEFORE)
    if before is None:
        return
    name = f"{card.uid}/{before['ModelCardVersion']}"
    try:
        ctx.store.create(Resource(VERSION, name, card.account, card.region, ids.new(), parent=card.uid, spec=before))
    except Exists:
        return


def _passes(one: Doc, req: Doc) -> bool:
    after, before = req.get("CreationTimeAfter"), req.get("CreationTimeBefore")
    if (after is not None and one[_SINCE] <= after) or (before is not None and one[_SINCE] >= before):
        return False
    return req.get("ModelCardStatus") in (None, one["ModelCardStatus"])


def _drop(ctx: Context, row: Resource) -> None:
    try:
        ctx.store.delete(row)
    except Stale:
        return  # somebody else deleted it, or wrote it once more: the next look finds that
