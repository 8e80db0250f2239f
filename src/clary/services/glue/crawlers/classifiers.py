"""Classifiers: what users say of formats that the built-in rules do not know, asked before those."""

from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.crawlers.operations import page
from clary.services.glue.crawlers.rows import CLASSIFIER
from clary.services.glue.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException

KINDS: Final = {"CsvClassifier": "csv", "JsonClassifier": "json", "GrokClassifier": "grok"}
_DATATYPES: Final = (
    *("BINARY", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INT", "LONG", "SHORT", "STRING", "TIMESTAMP"),
)


@service.operation("CreateClassifier")
async def create_classifier(ctx: Context, req: Doc) -> Doc:
    """The classifier is there. Errors: AlreadyExistsException, InvalidInputException."""
    member, said = _given(req)
    if member == "CsvClassifier":
        said = {"ContainsHeader": "UNKNOWN", **said}
    _check(member, said)
    row = Resource(
        CLASSIFIER,
        said["Name"],
        ctx.account,
        ctx.region,
        uid=ids.new(),
        spec=said,
        status={"_member": member, "_version": 1, "_updated": ctx.clock.now()},
    )
    try:
        ctx.store.create(row)
    except Exists:
        raise AlreadyExistsException(f"Classifier with name {said['Name']} already exists") from None
    return {}


@service.operation("UpdateClassifier")
async def update_classifier(ctx: Context, req: Doc) -> Doc:
    """What the request names is as it says. Errors: EntityNotFoundException, InvalidInputException."""
    member, said = _given(req)
    while True:
        row = _find(ctx, said["Name"])
        if row.status["_member"] != member:
            raise InvalidInputException(f"{row.name} is a {row.status['_member']}: its kind cannot be changed")
        spec = {**row.spec, **said}
        _check(member, spec)
        try:
            ctx.store.update(row, spec=spec, _version=row.status["_version"] + 1, _updated=ctx.clock.now())
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("GetClassifier")
async def get_classifier(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    return {"Classifier": _described(_find(ctx, req["Name"]))}


@service.operation("GetClassifiers")
async def get_classifiers(ctx: Context, req: Doc) -> Doc:
    """All of them, by name."""
    found, more = page(ctx, CLASSIFIER, req)
    return {"Classifiers": [_described(one) for one in found], **more}


@service.operation("DeleteClassifier")
async def delete_classifier(ctx: Context, req: Doc) -> Doc:
    """It is gone; crawlers that name it go on without it. Errors: EntityNotFoundException."""
    while True:
        try:
            ctx.store.delete(_find(ctx, req["Name"]))
        except Stale:
            continue
        return {}


def asked(ctx: Context, names: list[str]) -> list[Doc]:
    """What surveys are told of these classifiers, in their order; those that are gone are left out."""
    found = []
    for name in names:
        try:
            row = ctx.store.get(ctx.account, ctx.region, CLASSIFIER, name)
        except Missing:
            continue
        found.append({"kind": KINDS[row.status["_member"]], **row.spec})
    return found


def _given(req: Doc) -> tuple[str, Doc]:
    if "XMLClassifier" in req:
        raise NotImplementedHere("XMLClassifier is not served by Clary: convert XML to JSON lines first.")
    given = [(member, req[member]) for member in KINDS if member in req]
    if len(given) != 1:
        raise InvalidInputException("Name exactly one of CsvClassifier, JsonClassifier and GrokClassifier")
    return given[0]


def _check(member: str, said: Doc) -> None:
    if member == "CsvClassifier":
        _check_csv(said)
        return
    # Only here, and late: the server does not start with what few ask for.
    from clary.engines.schemas import documents, grok

    try:
        if member == "JsonClassifier":
            documents.parsed(said["JsonPath"])
        else:
            grok.compiled(said["GrokPattern"], said.get("CustomPatterns", ""))
    except ValueError as error:
        raise InvalidInputException(str(error)) from None


def _check_csv(said: Doc) -> None:
    if said.get("Delimiter") is not None and said.get("Delimiter") == said.get("QuoteSymbol"):
        raise InvalidInputException("The Delimiter and the QuoteSymbol of a classifier must differ")
    if said["ContainsHeader"] == "ABSENT" and said.get("CustomDatatypes") and not said.get("Header"):
        raise InvalidInputException("CustomDatatypes for files without a header need Header, the columns' names")
    wrong = [one for one in said.get("CustomDatatypes") or () if one.upper() not in _DATATYPES]
    if wrong:
        raise InvalidInputException(f"CustomDatatypes: {', '.join(wrong)} is none of {', '.join(_DATATYPES)}")
    names = [one.lower() for one in said.get("Header") or ()]
    if len(names) != len(set(names)):
        raise InvalidInputException("The Header of a classifier names a column twice")


def _find(ctx: Context, name: str) -> Resource:
    try:
        return ctx.store.get(ctx.account, ctx.region, CLASSIFIER, name)
    except Missing:
        raise EntityNotFoundException(f"Classifier with name {name} does not exist") from None


def _described(row: Resource) -> Doc:
    said: dict[str, Any] = {
        **row.spec,
        "CreationTime": row.created,
        "LastUpdated": row.status["_updated"],
        "Version": row.status["_version"],
    }
    return {row.status["_member"]: said}
