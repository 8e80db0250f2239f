"""Bundles of Spark ML in JSON: which operations a pipeline has, in order, and what they were fitted to.

A bundle is a directory, or a zip of one: `bundle.json`, and `root/` with `model.json` (operation and attributes) and
`node.json` (which columns go in and come out); the nodes of a pipeline stand below it as `<name>.node/`. MLeap's are
read, and our own (docs/sparkml.md), which have the same files with plain values."""

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from clary.algorithms.contract import AlgorithmError

_LARGEST: Final = 256 << 20
"""Bytes of one file of a bundle."""
_DEEPEST: Final = 32
"""Pipelines inside of pipelines."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation, with its columns by name."""

    op: str
    name: str
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ports: tuple[str, ...] = ()
    """What each output is to the operation: "prediction", "probability", ...; () where there is one kind."""
    held: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the operation keeps of its attributes from one request to the next."""

    def output(self, port: str) -> str | None:
        """The column that the operation writes that to; None: it is not asked for."""
        return next((name for name, one in zip(self.outputs, self.ports, strict=False) if one == port), None)


Read = Callable[[PurePosixPath], bytes]


def load(folder: Path) -> list[Node]:
    """The operations of the bundle in that folder, pipelines taken apart. Raises AlgorithmError that says what stands
    there and why it is none."""
    if not folder.is_dir():
        raise AlgorithmError(f"there is no directory {folder}")
    for place in (folder, *sorted(one for one in folder.iterdir() if one.is_dir())):
        if (place / "bundle.json").is_file():
            return _load(lambda path, place=place: _file(place / path), PurePosixPath("root"))  # type: ignore[misc]
    zips = sorted(one for one in folder.iterdir() if one.suffix == ".zip")
    if len(zips) == 1 and (found := _zipped(zips[0])) is not None:
        return found
    names = ", ".join(sorted(one.name for one in folder.iterdir())[:5]) or "nothing"
    raise AlgorithmError(
        f"{folder} holds no MLeap bundle (bundle.json and root/, or one zip of them); it holds {names}"
    )


def read(path: Path) -> list[Node]:
    """The operations of the bundle that is that zip, or that stands in that directory. Raises AlgorithmError."""
    if path.is_dir():
        return load(path)
    if not path.is_file():
        raise AlgorithmError(f"there is no bundle {path}")
    found = _zipped(path)
    if found is None:
        raise AlgorithmError(f"{path.name} holds no bundle: it has no bundle.json")
    return found


def _zipped(path: Path) -> list[Node] | None:
    """None: there is no bundle in that zip."""
    try:
        with zipfile.ZipFile(path) as held:
            top = next((PurePosixPath(one).parent for one in held.namelist() if one.endswith("bundle.json")), None)
            return None if top is None else _load(lambda file: _member(held, top / file), PurePosixPath("root"))
    except zipfile.BadZipFile as error:
        raise AlgorithmError(f"{path.name} is no zip: {error}") from None


def _load(read: Read, root: PurePosixPath) -> list[Node]:
    about = _json(read, PurePosixPath("bundle.json"))
    if "json" not in str(about.get("format", "json")):
        raise AlgorithmError(f"the bundle's format is {about['format']}; bundles are read in JSON")
    return _nodes(read, root, 0)


def _nodes(read: Read, place: PurePosixPath, depth: int) -> list[Node]:
    if depth > _DEEPEST:
        raise AlgorithmError(f"pipelines stand {depth} deep in each other")
    model = _json(read, place / "model.json")
    op, attributes = str(model.get("op")), _attributes(model.get("attributes") or {})
    if op == "pipeline":
        found = []
        for name in attributes.get("nodes") or ():
            if "/" in str(name) or str(name).startswith("."):
                raise AlgorithmError(f"the bundle has a node called {name!r}")
            found += _nodes(read, place / f"{name}.node", depth + 1)
        return found
    node = _json(read, place / "node.json")
    shape = node.get("shape") or {}
    try:
        inputs, outputs = (_sockets(shape.get(side) or []) for side in ("inputs", "outputs"))
    except (KeyError, TypeError, AttributeError):
        raise AlgorithmError(f"the bundle's {place}/node.json does not name its columns") from None
    names, ports = tuple(one for one, _ in outputs), tuple(port for _, port in outputs)
    return [Node(op, str(node.get("name", place.name)), attributes, tuple(one for one, _ in inputs), names, ports)]


def _sockets(given: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(column, port) by the numbers of their ports: input2 before input10."""
    found = [(str(one["name"]), str(one.get("port", ""))) for one in given]
    return sorted(found, key=lambda one: (len(one[1]), one[1]))


def _attributes(given: Any) -> dict[str, Any]:
    """Plain values. Older bundles hold a list of attributes, newer ones an object."""
    if isinstance(given, list):
        return {str(one["name"]): one.get("value") for one in given}
    return {str(name): _value(one) for name, one in given.items()}


_TYPES: Final = ("string", "double", "float", "long", "int", "short", "byte", "boolean", "bool")


def _value(about: Any) -> Any:
    if not isinstance(about, dict):
        return about
    for kind in _TYPES:
        if kind in about:
            return about[kind]
    # An empty list, or something that no operation here looks at.
    return [] if about.get("type") == "list" else about


def _json(read: Read, path: PurePosixPath) -> dict[str, Any]:
    try:
        found = json.loads(read(path))
    except (OSError, KeyError, ValueError, RecursionError) as error:
        raise AlgorithmError(f"the bundle's {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise AlgorithmError(f"the bundle's {path} holds no object")
    return found


def _file(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    return path.read_bytes()


def _member(held: zipfile.ZipFile, path: PurePosixPath) -> bytes:
    about = held.getinfo(str(path))
    if about.file_size > _LARGEST:
        raise ValueError("it is too large")
    return held.read(about)
