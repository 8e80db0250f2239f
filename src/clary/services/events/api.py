"""EventBridge: the service, its errors, and how a request names a bus or a rule."""

import re
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store

service = Service("events")

PRINCIPAL: Final = "events.amazonaws.com"
"""What the service is called where it acts by itself or as a role."""
BUS: Final = "event-bus"
RULE: Final = "event-rule"
ARCHIVE: Final = "event-archive"
REPLAY: Final = "event-replay"
EVENT: Final = "bus-event"
"""What is told of an event that was put on a bus."""
DEFAULT: Final = "default"
_BUS_ARN: Final = re.compile(r"arn:aws[\w-]*:events:([a-z0-9-]+):([0-9]{12}):event-bus/([/.\-_A-Za-z0-9]+)")


class ResourceNotFoundException(ServiceError):
    """An entity that you specified does not exist."""


class ResourceAlreadyExistsException(ServiceError):
    """The resource you are trying to create already exists."""


class InvalidEventPatternException(ServiceError):
    """The event pattern is not valid."""


class LimitExceededException(ServiceError):
    """The request failed because it attempted to create resource beyond the allowed service quota."""


class ConcurrentModificationException(ServiceError):
    """There is concurrent modification on a rule, target, archive, or replay."""


class PolicyLengthExceededException(ServiceError):
    """The event bus policy is too long."""


class IllegalStatusException(ServiceError):
    """An error occurred because a replay can be canceled only when the state is Running or Starting."""


class ValidationException(ServiceError):
    """The request does not satisfy a constraint."""


def bus_named(ctx: Context, given: str) -> str:
    """The name in a name or an ARN. Raises ValidationException for a bus of another place: rules and policies are kept
    where their bus is."""
    if not given.startswith("arn:"):
        return given
    match = _BUS_ARN.fullmatch(given)
    if match is None:
        raise ValidationException(f"{given!r} is not the ARN of an event bus.")
    if (match[1], match[2]) != (ctx.region, ctx.account):
        raise ValidationException(f"{given} is a bus of another account or region: ask there.")
    return match[3]


def place_of_bus(arn: str) -> tuple[str, str, str] | None:
    """(region, account, name) of a bus; None: it is the ARN of something else."""
    match = _BUS_ARN.fullmatch(arn)
    return None if match is None else (match[1], match[2], match[3])


def bus_arn(ctx: Context, name: str) -> str:
    return ctx.arn("events", f"event-bus/{name}")


def rule_arn(ctx: Context, bus: str, name: str) -> str:
    return ctx.arn("events", f"rule/{name}" if bus == DEFAULT else f"rule/{bus}/{name}")


def find_bus(ctx: Context, name: str) -> Resource:
    """The bus; the default one is always there, and has a row once something about it was said. Raises
    ResourceNotFoundException."""
    found = stored_bus(ctx.store, ctx.account, ctx.region, name)
    if found is None:
        raise ResourceNotFoundException(f"Event bus {name} does not exist.")
    return found


def stored_bus(store: Store, account: str, region: str, name: str) -> Resource | None:
    try:
        return store.get(account, region, BUS, name)
    except Missing:
        if name != DEFAULT:
            return None
    arn = f"arn:aws:events:{region}:{account}:event-bus/{DEFAULT}"
    return Resource(BUS, DEFAULT, account, region, uid=f"default-{region}", arn=arn, spec={"Name": DEFAULT})


def find_rule(ctx: Context, bus: str, name: str) -> Resource:
    """Raises ResourceNotFoundException in AWS's words."""
    try:
        return ctx.store.get(ctx.account, ctx.region, RULE, row_name(bus, name))
    except Missing:
        raise ResourceNotFoundException(f"Rule {name} does not exist on EventBus {bus}.") from None


def row_name(bus: str, rule: str) -> str:
    """What a rule's row is called: no rule has a slash in its name."""
    return f"{bus}/{rule}"


def asked_bus(ctx: Context, req: Doc) -> str:
    """The name of the bus that the request is about; the default one where it names none."""
    return bus_named(ctx, req.get("EventBusName", DEFAULT))
