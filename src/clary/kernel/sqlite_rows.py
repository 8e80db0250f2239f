"""Between rows of SQLite and the values of the kernel."""

from collections.abc import Sequence
from typing import Any

import orjson

from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite_pages import Spot
from clary.kernel.store import Event

COLUMNS = (
    "kind, name, account, region, uid, arn, phase, parent, spec, status, version, created, modified, due, attempts"
)


def dump(value: Any) -> bytes:
    # A datetime has no place in a document (times are epoch seconds): orjson refuses it with a TypeError.
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME)


def body(arn: str, spec: bytes, status: bytes, created: float = 0.0) -> bytes:
    """The column `resource` of an outbox line."""
    return b'{"arn":%b,"spec":%b,"status":%b,"created":%b}' % (dump(arn), spec, status, dump(created))


def told(spec: Doc) -> bytes:
    return body("", dump(spec), b"{}")


def resource(row: tuple[Any, ...]) -> Resource:
    kind, name, account, region, uid, arn, phase, parent, spec, status, version, created, modified, due, attempts = row
    return Resource(
        *(kind, name, account, region, uid, arn, phase, parent, orjson.loads(spec), orjson.loads(status)),
        *(version, created, modified, due, attempts),
    )


def event(row: tuple[Any, ...]) -> Event:
    resource = orjson.loads(row[10])
    created = resource.pop("created", 0.0)  # lines of older versions have none
    return Event(*(*row[:10], resource, created))


def made(new: Resource, now: float) -> Resource:
    return Resource(
        *(new.kind, new.name, new.account, new.region, new.uid, new.arn, new.phase, new.parent, new.spec, new.status),
        version=1,
        created=now,
        modified=now,
        due=new.due,
    )


def next_version(old: Resource, phase: str, spec: Doc, status: Doc, modified: float, due: float | None) -> Resource:
    return Resource(
        *(old.kind, old.name, old.account, old.region, old.uid, old.arn, phase, old.parent, spec, status),
        version=old.version + 1,
        created=old.created,
        modified=modified,
        due=due,
    )


def identity(one: Resource) -> tuple[str, ...]:
    return (one.kind, one.name, one.account, one.region, one.uid, one.arn, one.phase, one.parent)


def held_by(one: Resource) -> tuple[str, str, int]:
    return (one.uid, one.kind, one.version)


def merge(old: Doc, changes: dict[str, Any]) -> Doc:
    if not changes:
        return old
    return {name: value for name, value in {**old, **changes}.items() if name not in changes or value is not None}


def public(status: Doc) -> Doc:
    return {name: value for name, value in status.items() if not name.startswith("_")}


def spot_in(after: Sequence[Any] | None, account: str, region: str, descending: bool) -> Spot | None:
    if after is None:
        return None
    value, name, *rest = after
    if not rest:
        return Spot(value, name)
    # Of equal (value, name), the spaces behind the one last seen are still to come.
    seen = (account, region) >= tuple(rest) if descending else (account, region) <= tuple(rest)
    return Spot(value, name, including=not seen)
