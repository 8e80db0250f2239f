"""Schemas: a name, a format, a rule of compatibility, and versions (see versions.py)."""

from typing import Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from clary.services.glue.registry import formats
from clary.services.glue.registry.names import (
    DEFAULT,
    SCHEMA,
    default_registry,
    find_registry,
    find_schema,
    find_version,
    listed,
    moment,
    registry_name,
    schema_arn,
    schema_at,
)
from clary.services.glue.registry.registries import REMOVALS
from clary.services.glue.registry.versions import add

_PAGE: Final = 25

tags.holds(SCHEMA, "glue:schema", schema_at)


@service.operation("CreateSchema")
async def create_schema(ctx: Context, req: Doc) -> Doc:
    """The schema is there, with its first version where SchemaDefinition is given. Errors: AlreadyExists,
    EntityNotFound (no registry), InvalidInput (no definition of that format)."""
    format_, name = req["DataFormat"], req["SchemaName"]
    compatibility = req.get("Compatibility", "NONE")
    formats.check_rule(format_, compatibility)
    if "SchemaDefinition" in req:
        formats.check(format_, req["SchemaDefinition"])
    wanted = registry_name(ctx, req.get("RegistryId"))
    registry = default_registry(ctx) if wanted == DEFAULT else find_registry(ctx, wanted)
    made = Resource(
        kind=SCHEMA,
        name=f"{registry.uid}/{name}",
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=schema_arn(ctx, registry.name, name),
        parent=registry.uid,
        spec={
            "RegistryName": registry.name,
            "RegistryArn": registry.arn,
            "SchemaName": name,
            "DataFormat": format_,
            **({"Description": req["Description"]} if "Description" in req else {}),
        },
        status={
            "Compatibility": compatibility,
            "_tags": tags.checked(req.get("Tags")),
            "_latest": 0,
            "_next": 1,
            "_checkpoint": 1,
        },
    )
    try:
        schema = ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Schema already exists. SchemaName: {name}, SchemaArn: {made.arn}") from None
    answer: Doc = {}
    if "SchemaDefinition" in req:
        version = add(ctx, schema, req["SchemaDefinition"])
        answer = {"SchemaVersionId": version.uid, "SchemaVersionStatus": version.phase}
        schema = find_schema(ctx, {"SchemaArn": made.arn})
    shown = described(schema)
    shown = {member: value for member, value in shown.items() if member not in ("CreatedTime", "UpdatedTime")}
    return {**shown, **answer, "Tags": kept_tags.of(schema)}


@service.operation("GetSchema")
async def get_schema(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException, InvalidInputException."""
    return described(find_schema(ctx, req["SchemaId"]))


@service.operation("ListSchemas")
async def list_schemas(ctx: Context, req: Doc) -> Doc:
    """Of one registry, or of all, by name. Errors: EntityNotFoundException, InvalidInputException."""
    parent = None
    if "RegistryId" in req:
        parent = find_registry(ctx, registry_name(ctx, req["RegistryId"])).uid
    found, more = listed(ctx, SCHEMA, req, _PAGE, parent)
    kept = ("RegistryName", "SchemaName", "SchemaArn", "Description", "SchemaStatus", "CreatedTime", "UpdatedTime")
    shown = [described(one) for one in found if parent is not None or _stands(ctx, one)]
    return {"Schemas": [{member: one[member] for member in kept if member in one} for one in shown], **more}


@service.operation("UpdateSchema")
async def update_schema(ctx: Context, req: Doc) -> Doc:
    """The schema has that description, or that compatibility from now on, and that version as its checkpoint. Errors:
    EntityNotFoundException, InvalidInputException."""
    while True:
        schema = find_schema(ctx, req["SchemaId"])
        status: Doc = {}
        if "Compatibility" in req:
            formats.check_rule(schema.spec["DataFormat"], req["Compatibility"])
            if "SchemaVersionNumber" not in req:
                raise InvalidInputException(
                    "A change of compatibility needs SchemaVersionNumber: the version from which it is checked"
                )
            status["Compatibility"] = req["Compatibility"]
        if "SchemaVersionNumber" in req:
            version = find_version(ctx, schema, req["SchemaVersionNumber"])
            status["_checkpoint"] = version.spec["VersionNumber"]
        said = {**schema.spec, "Description": req["Description"]} if "Description" in req else schema.spec
        try:
            ctx.store.update(schema, spec=said, **status)
        except Stale:
            continue
        return {member: described(schema)[member] for member in ("SchemaArn", "SchemaName", "RegistryName")}


@service.operation("DeleteSchema")
async def delete_schema(ctx: Context, req: Doc) -> Doc:
    """The schema is gone at once, with its versions. Errors: EntityNotFoundException."""
    while True:
        schema = find_schema(ctx, req["SchemaId"])
        try:
            REMOVALS.remove(ctx.store, schema)
        except Stale:
            continue
        return {"SchemaArn": schema.arn, "SchemaName": schema.spec["SchemaName"], "Status": "DELETING"}


def described(schema: Resource) -> Doc:
    status = schema.status
    latest = {"LatestSchemaVersion": status["_latest"]} if status["_latest"] else {}
    return {
        **schema.public(),
        "SchemaArn": schema.arn,
        "SchemaStatus": "AVAILABLE",
        "SchemaCheckpoint": status["_checkpoint"],
        "NextSchemaVersion": status["_next"],
        **latest,
        "CreatedTime": moment(schema.created),
        "UpdatedTime": moment(schema.modified),
    }


def _stands(ctx: Context, schema: Resource) -> bool:
    try:
        return find_registry(ctx, schema.spec["RegistryName"]).uid == schema.parent
    except EntityNotFoundException:
        return False
