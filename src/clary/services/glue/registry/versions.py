"""Versions of schemas: registered when they are compatible, found by number, id or definition.

A version's row is written first, then the schema that counts it: a crash in between leaves a row that the next
registration of the same definition finds and counts.
"""

import difflib
import re
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.api import service
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException
from clary.services.glue.registry import formats
from clary.services.glue.registry.names import (
    VERSION,
    asked_version,
    find_schema,
    find_version,
    listed,
    moment,
    numbered,
    version_row,
)

_PAGE: Final = 25
_BITE: Final = 200
_MOST: Final = 10_000
"""Versions of a schema, as AWS has it for a region."""
_MOST_DELETED: Final = 25
_WHY: Final = "clary:incompatible"
"""The metadata of a version with the status FAILURE that says why."""


@service.operation("RegisterSchemaVersion")
async def register(ctx: Context, req: Doc) -> Doc:
    """The definition is a version of the schema: the one it was already, or a new one. One that is not compatible gets
    the status FAILURE, as on AWS. Errors: EntityNotFoundException, InvalidInputException (no definition)."""
    schema = find_schema(ctx, req["SchemaId"])
    formats.check(schema.spec["DataFormat"], req["SchemaDefinition"])
    version = add(ctx, schema, req["SchemaDefinition"])
    return {"SchemaVersionId": version.uid, "VersionNumber": version.spec["VersionNumber"], "Status": version.phase}


def add(ctx: Context, schema: Resource, definition: str) -> Resource:
    """The version of that definition, which is one of the schema's format. Raises EntityNotFoundException,
    InvalidInputException."""
    format_ = schema.spec["DataFormat"]
    plain = formats.canonical(format_, definition)
    while True:
        every = list(_every(ctx, schema))
        found = next((one for one in every if one.spec["_plain"] == plain and one.phase == "AVAILABLE"), None)
        if found is not None and found.spec["VersionNumber"] < schema.status["_next"]:
            return found
        if schema.status["Compatibility"] == "DISABLED" and every and found is None:
            raise InvalidInputException(f"Compatibility DISABLED: {schema.arn} takes no further versions")
        number = schema.status["_next"]
        if number > _MOST:
            raise InvalidInputException(f"A schema has no more than {_MOST} versions")
        version = found or _made(ctx, schema, definition, plain, number, every)
        good = version.phase == "AVAILABLE"
        try:
            ctx.store.update(schema, _next=number + 1, _latest=number if good else schema.status["_latest"])
        except Stale:  # another version came in between: look again
            schema = find_schema(ctx, {"SchemaArn": schema.arn})
            continue
        return version


def _made(ctx: Context, schema: Resource, definition: str, plain: str, number: int, every: list[Resource]) -> Resource:
    # What a killed registration left at this number is not counted, so nobody saw it.
    told = [one for one in every if one.phase == "AVAILABLE" and one.spec["VersionNumber"] < number]
    rule, from_ = schema.status["Compatibility"], schema.status["_checkpoint"]
    before = [one.spec["SchemaDefinition"] for one in told if one.spec["VersionNumber"] >= from_]
    why = formats.incompatible(schema.spec["DataFormat"], rule, definition, before)
    at = moment(ctx.clock.now())
    version = Resource(
        kind=VERSION,
        name=version_row(schema, number),
        account=schema.account,
        region=schema.region,
        uid=ids.request_id(),
        phase="FAILURE" if why else "AVAILABLE",
        parent=schema.uid,
        spec={"SchemaDefinition": definition, "VersionNumber": number, "_plain": plain},
        # AWS says nothing of why: here it stands where a client can ask for it.
        status={"_metadata": {_WHY: [{"MetadataValue": why[:256], "CreatedTime": at}]} if why else {}},
    )
    return ctx.store.create(version, replace=True)


@service.operation("GetSchemaVersion")
async def get_schema_version(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException, InvalidInputException."""
    schema, version = asked_version(ctx, req)
    return {
        **_described(schema, version),
        "SchemaDefinition": version.spec["SchemaDefinition"],
        "DataFormat": schema.spec["DataFormat"],
    }


@service.operation("GetSchemaByDefinition")
async def get_schema_by_definition(ctx: Context, req: Doc) -> Doc:
    """The version whose definition says the same, but for spaces and order of members. Errors: EntityNotFoundException,
    InvalidInputException."""
    schema = find_schema(ctx, req["SchemaId"])
    format_ = schema.spec["DataFormat"]
    formats.check(format_, req["SchemaDefinition"])
    plain = formats.canonical(format_, req["SchemaDefinition"])
    for one in _every(ctx, schema):
        if one.spec["_plain"] == plain:
            shown = _described(schema, one)
            del shown["VersionNumber"]
            return {**shown, "DataFormat": format_}
    raise EntityNotFoundException(f"Schema version is not found. SchemaArn: {schema.arn}: no version says the same")


@service.operation("ListSchemaVersions")
async def list_schema_versions(ctx: Context, req: Doc) -> Doc:
    """By number. Errors: EntityNotFoundException, InvalidInputException."""
    schema = find_schema(ctx, req["SchemaId"])
    found, more = listed(ctx, VERSION, req, _PAGE, schema.uid)
    return {"Schemas": [_described(schema, one) for one in found], **more}


@service.operation("DeleteSchemaVersions")
async def delete_schema_versions(ctx: Context, req: Doc) -> Doc:
    """These versions, such as "5-8", are gone; SchemaVersionErrors says which could not be: the first, the latest and
    the checkpoint of a schema stay. Errors: EntityNotFoundException, InvalidInputException."""
    schema = find_schema(ctx, req["SchemaId"])
    errors = []
    for number in _numbers(req["Versions"]):
        code, why = "", ""
        if number == schema.status["_checkpoint"] and schema.status["Compatibility"] not in ("NONE", "DISABLED"):
            code, why = "InvalidInputException", f"Version {number} is the checkpoint: change it by UpdateSchema first"
        elif number == schema.status["_latest"]:
            code, why = "InvalidInputException", f"Version {number} is the latest: it goes with the schema"
        else:
            try:
                ctx.store.delete(numbered(ctx, schema, number))
            except EntityNotFoundException as error:
                code, why = error.error_code, error.message
            except Stale:
                code, why = "ConcurrentModificationException", "It was changed meanwhile: try again"
        if code:
            detail = {"ErrorCode": code, "ErrorMessage": why}
            errors.append({"VersionNumber": number, "ErrorDetails": detail})
    return {"SchemaVersionErrors": errors}


@service.operation("CheckSchemaVersionValidity")
async def check_validity(ctx: Context, req: Doc) -> Doc:
    """Whether it is a definition of that format, and why not."""
    try:
        formats.check(req["DataFormat"], req["SchemaDefinition"])
    except InvalidInputException as error:
        return {"Valid": False, "Error": error.message[:5000]}
    return {"Valid": True}


@service.operation("GetSchemaVersionsDiff", ignores=("SchemaDiffType",))  # there is one type
async def get_diff(ctx: Context, req: Doc) -> Doc:
    """What changed from the first version to the second, line by line, as diff -u writes it. Errors:
    EntityNotFoundException, InvalidInputException."""
    schema = find_schema(ctx, req["SchemaId"])
    both = [
        find_version(ctx, schema, req[which]) for which in ("FirstSchemaVersionNumber", "SecondSchemaVersionNumber")
    ]
    texts = [formats.lines(schema.spec["DataFormat"], one.spec["SchemaDefinition"]) for one in both]
    names = [f"version {one.spec['VersionNumber']}" for one in both]
    found = "\n".join(difflib.unified_diff(texts[0], texts[1], names[0], names[1], lineterm=""))
    return {"Diff": found} if found else {}


def _every(ctx: Context, schema: Resource) -> list[Resource]:
    where = Where(account=schema.account, region=schema.region, parent=schema.uid)
    found: list[Resource] = []
    while True:
        after = [found[-1].name, found[-1].name] if found else None
        rows = ctx.store.page(VERSION, where, after=after, limit=_BITE)
        if not rows:
            return found
        found += rows


def _described(schema: Resource, version: Resource) -> Doc:
    return {
        "SchemaVersionId": version.uid,
        "SchemaArn": schema.arn,
        "VersionNumber": version.spec["VersionNumber"],
        "Status": version.phase,
        "CreatedTime": moment(version.created),
    }


def _numbers(text: str) -> list[int]:
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text)
    if match is None:
        raise InvalidInputException(f"Versions {text!r}: write a number, or a range such as 5-8")
    first = int(match[1])
    last = int(match[2] or first)
    if last - first >= _MOST_DELETED:
        raise InvalidInputException(f"No more than {_MOST_DELETED} versions are deleted at once")
    return list(range(first, last + 1))
