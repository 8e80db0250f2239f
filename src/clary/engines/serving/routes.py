"""The route table: one durable file that says what shall be served, and what it says once read."""

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from clary.engines.serving.base import CaptureRule, Route, RouteVariant

logger = logging.getLogger(__name__)

RouteKey = tuple[str, str, str]
"""(account, region, endpoint)."""


@dataclass(frozen=True, slots=True)
class Table:
    """What shall be served. `generation` rises with every change."""

    generation: int = 0
    routes: Mapping[RouteKey, Route] = field(default_factory=dict)


class BadTable(Exception):
    """The file is there but does not hold a route table."""


def key(route: Route) -> RouteKey:
    return route.account, route.region, route.endpoint


def parse_route(said: Mapping[str, Any]) -> Route:
    """The route that `asdict` made a document of. Members that an older table does not have are as they were then."""
    capture = said.get("capture")
    return Route(
        said["account"],
        said["region"],
        said["endpoint"],
        tuple(_variant(one) for one in said["variants"]),
        tuple(_variant(one) for one in said.get("shadows") or ()),
        None if capture is None else _capture(capture),
        bool(said.get("asynchronous")),
    )


def _variant(said: Mapping[str, Any]) -> RouteVariant:
    lists = {name: tuple(said.get(name) or ()) for name in ("addresses", "hosts")}
    return RouteVariant(**{**said, **lists, "weight": float(said["weight"])})


def _capture(said: Mapping[str, Any]) -> CaptureRule:
    lists = {name: tuple(said.get(name) or ()) for name in ("csv_types", "json_types")}
    return CaptureRule(**{**said, **lists, "percentage": float(said["percentage"])})


def _parse(text: bytes) -> Table:
    try:
        said = orjson.loads(text)
        routes = [parse_route(one) for one in said["routes"]]
        return Table(int(said["generation"]), {key(route): route for route in routes})
    except (ValueError, KeyError, TypeError) as error:
        raise BadTable(f"the route table does not parse: {error!r}") from error


class RouteFile:
    """The table on disk. Any process may read; writers take turns; a replacement is atomic and durable."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "routes.json"
        self._lock = directory / "routes.lock"

    def read(self) -> Table:
        """The table as it is now; empty before the first write. Raises BadTable."""
        try:
            return _parse(self.path.read_bytes())
        except FileNotFoundError:
            return Table()

    def stamp(self) -> tuple[int, int, int]:
        """Differs whenever the table does: one `stat`. A replacement is another file, so its inode differs too."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_ino, found.st_size

    def put(self, route: Route) -> Table:
        """The route is asked for, durably. Nothing is written when it stands there already."""
        with self._writing() as table:
            if table.routes.get(key(route)) == route:
                return table
            return self._replace(table, {**table.routes, key(route): route})

    def remove(self, account: str, region: str, endpoint: str) -> Table:
        """The endpoint is not asked for, durably. Nothing is written when it was not."""
        with self._writing() as table:
            gone = (account, region, endpoint)
            if gone not in table.routes:
                return table
            return self._replace(table, {name: route for name, route in table.routes.items() if name != gone})

    @contextmanager
    def _writing(self) -> Iterator[Table]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield self._read_or_set_aside()
        finally:
            os.close(descriptor)

    def _read_or_set_aside(self) -> Table:
        """A table that does not parse (a failing disk, a hand) is kept beside and begun anew: reconcilers that find
        their endpoint unserved publish it again."""
        try:
            return self.read()
        except BadTable:
            aside = self.path.with_suffix(".bad")
            logger.exception("the route table does not parse and was set aside", extra={"aside": str(aside)})
            self.path.replace(aside)
            return Table()

    def _replace(self, old: Table, routes: Mapping[RouteKey, Route]) -> Table:
        new = Table(old.generation + 1, routes)
        text = orjson.dumps({"generation": new.generation, "routes": [asdict(route) for route in routes.values()]})
        scratch = self.path.with_name(f".{self.path.name}.new")
        with scratch.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Readers see the old or the new table, whole; after a crash the scratch file is overwritten by the next writer.
        scratch.replace(self.path)
        parent = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(parent)  # the rename itself is durable only with its directory
        finally:
            os.close(parent)
        return new
