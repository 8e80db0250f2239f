"""Event buses: CreateEventBus, DescribeEventBus, ListEventBuses, UpdateEventBus, DeleteEventBus."""

from collections.abc import Callable
from typing import Any

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.events import listing, tagged
from clary.services.events.api import (
    BUS,
    DEFAULT,
    RULE,
    ResourceAlreadyExistsException,
    ValidationException,
    bus_arn,
    bus_named,
    find_bus,
    service,
)

_SAID = ("Description", "KmsKeyIdentifier", "LogConfig")


@service.operation("CreateEventBus", ignores=("KmsKeyIdentifier", "LogConfig.IncludeDetail"))
async def create_event_bus(ctx: Context, req: Doc) -> Doc:
    """The bus is there, with no rules. Errors: ResourceAlreadyExistsException, ValidationException."""
    name = req["Name"]
    _check(req)
    if "EventSourceName" in req or name.startswith("aws.partner/"):
        raise NotImplementedHere("Partner event buses are not served by Clary: there are no partners here.")
    if "/" in name:
        raise ValidationException(f"Event bus name {name!r} must not contain '/'.")
    tags = tagged.checked(req.get("Tags", ()))
    if name == DEFAULT:
        raise ResourceAlreadyExistsException(f"Event bus {name} already exists.")
    spec = {"Name": name, **{member: req[member] for member in _SAID if member in req}}
    bus = Resource(
        BUS, name, ctx.account, ctx.region, uid=ids.new(), arn=bus_arn(ctx, name), spec=spec, status={"_tags": tags}
    )
    try:
        ctx.store.create(bus)
    except Exists:
        raise ResourceAlreadyExistsException(f"Event bus {name} already exists.") from None
    return {"EventBusArn": bus.arn, **{member: spec[member] for member in _SAID if member in spec}}


@service.operation("DescribeEventBus")
async def describe_event_bus(ctx: Context, req: Doc) -> Doc:
    """What is set, and the policy. The default bus is always there. Errors: ResourceNotFoundException."""
    bus = find_bus(ctx, bus_named(ctx, req.get("Name", DEFAULT)))
    return {**bus.spec, **_listed(bus)}


@service.operation("ListEventBuses")
async def list_event_buses(ctx: Context, req: Doc) -> Doc:
    """By name, the default bus in its place. Errors: ValidationException (a foreign token)."""
    prefix = req.get("NamePrefix", "")
    if DEFAULT.startswith(prefix):
        change_bus(ctx, DEFAULT, lambda bus: {})
    found, more = listing.page(ctx, BUS, req, prefix)
    return {"EventBuses": [_listed(one) for one in found], **more}


@service.operation("UpdateEventBus", ignores=("KmsKeyIdentifier", "LogConfig.IncludeDetail"))
async def update_event_bus(ctx: Context, req: Doc) -> Doc:
    """What the request names is set; a member that it leaves out is unset, as on AWS. Errors:
    ResourceNotFoundException."""
    _check(req)
    name = bus_named(ctx, req.get("Name", DEFAULT))
    spec = {"Name": name, **{member: req[member] for member in _SAID if member in req}}
    bus = change_bus(ctx, name, lambda bus: {"spec": spec})
    return {"Arn": bus.arn, **bus.spec}


@service.operation("DeleteEventBus")
async def delete_event_bus(ctx: Context, req: Doc) -> Doc:
    """The bus is gone; one that is not there is no error. Errors: ValidationException (the default bus, or one that
    has rules)."""
    name = req["Name"]
    if name == DEFAULT:
        raise ValidationException("Cannot delete event bus default.")
    while True:
        try:
            bus = ctx.store.get(ctx.account, ctx.region, BUS, name)
        except Missing:
            return {}
        if ctx.store.count(RULE, Where(ctx.account, ctx.region, parent=name)):
            raise ValidationException(f"Cannot delete event bus {name} because it still has rules: delete them first.")
        try:
            ctx.store.delete(bus)
        except Stale:
            continue
        return {}


def change_bus(ctx: Context, name: str, change: Callable[[Resource], dict[str, Any]]) -> Resource:
    """The bus as `change` says: arguments of Store.update. The default one gets its row. Raises
    ResourceNotFoundException."""
    while True:
        bus = find_bus(ctx, name)
        if not bus.version:
            try:
                bus = ctx.store.create(bus)
            except Exists:
                continue
        wanted = change(bus)
        if not wanted:
            return bus
        try:
            return ctx.store.update(bus, **wanted)
        except Stale:  # Written since it was read: look again.
            continue


def _listed(bus: Resource) -> Doc:
    said: Doc = {"Name": bus.name, "Arn": bus.arn}
    if "Description" in bus.spec:
        said["Description"] = bus.spec["Description"]
    if bus.version:
        said |= {"CreationTime": bus.created, "LastModifiedTime": bus.modified}
    if "_policy" in bus.status:
        said["Policy"] = bus.status["_policy"]
    return said


def _check(req: Doc) -> None:
    if "DeadLetterConfig" in req:
        raise NotImplementedHere(
            "DeadLetterConfig of a bus is not served by Clary: no event of a bus is lost before it reaches its rules. "
            "Set it on targets."
        )
    if req.get("LogConfig", {}).get("Level", "OFF") != "OFF":
        raise NotImplementedHere("LogConfig is not served by Clary: a bus writes no log of its own. Leave it out.")
