"""Schema registries: what schemas stand in."""

from typing import Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.errors import AlreadyExistsException
from clary.services.glue.registry.names import (
    REGISTRY,
    REMOVAL,
    SCHEMA,
    VERSION,
    find_registry,
    listed,
    moment,
    registry_arn,
    registry_name,
)
from clary.services.glue.removals import Removals

_PAGE: Final = 25
REMOVALS: Final = Removals(REMOVAL, {REGISTRY: (SCHEMA,), SCHEMA: (VERSION,)})

tags.holds(REGISTRY, "glue:registry")


@service.operation("CreateRegistry")
async def create_registry(ctx: Context, req: Doc) -> Doc:
    """The registry is there, empty. Errors: AlreadyExistsException, InvalidInputException."""
    name = req["RegistryName"]
    made = Resource(
        kind=REGISTRY,
        name=name,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=registry_arn(ctx, name),
        spec={"Description": req["Description"]} if "Description" in req else {},
        status={"_tags": tags.checked(req.get("Tags"))},
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Registry already exists. RegistryName: {name}") from None
    return {"RegistryName": name, "RegistryArn": made.arn, **made.spec, "Tags": kept_tags.of(made)}


@service.operation("GetRegistry")
async def get_registry(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException, InvalidInputException."""
    return described(find_registry(ctx, registry_name(ctx, req["RegistryId"])))


@service.operation("ListRegistries")
async def list_registries(ctx: Context, req: Doc) -> Doc:
    """By name. Errors: InvalidInputException (a foreign token)."""
    found, more = listed(ctx, REGISTRY, req, _PAGE)
    return {"Registries": [described(one) for one in found], **more}


@service.operation("UpdateRegistry")
async def update_registry(ctx: Context, req: Doc) -> Doc:
    """The registry has that description. Errors: EntityNotFoundException."""
    while True:
        registry = find_registry(ctx, registry_name(ctx, req["RegistryId"]))
        try:
            ctx.store.update(registry, spec={**registry.spec, "Description": req["Description"]})
        except Stale:
            continue
        return {"RegistryName": registry.name, "RegistryArn": registry.arn}


@service.operation("DeleteRegistry")
async def delete_registry(ctx: Context, req: Doc) -> Doc:
    """The registry is gone at once; its schemas are removed meanwhile. Errors: EntityNotFoundException."""
    while True:
        registry = find_registry(ctx, registry_name(ctx, req["RegistryId"]))
        try:
            REMOVALS.remove(ctx.store, registry)
        except Stale:
            continue
        return {"RegistryName": registry.name, "RegistryArn": registry.arn, "Status": "DELETING"}


def described(registry: Resource) -> Doc:
    return {
        "RegistryName": registry.name,
        "RegistryArn": registry.arn,
        **registry.public(),
        "Status": "AVAILABLE",
        "CreatedTime": moment(registry.created),
        "UpdatedTime": moment(registry.modified),
    }
