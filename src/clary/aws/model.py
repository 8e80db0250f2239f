"""AWS's service models as botocore ships them, read lazily and patched by `patches.json`.

Only the JSON files are used, never botocore itself: a server must not depend on what its user keeps in ~/.aws/models,
and importing botocore would cost more CPU than reading every model that Clary serves.
"""

import gzip
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import orjson

from clary.kernel.resource import Doc


class NoSuchModel(LookupError):
    """AWS has no service of that name, as far as the installed botocore knows."""


class Shape:
    """A type of the model, overlaid with the traits of the member that refers to it."""

    __slots__ = ("_members", "kind", "model", "name", "traits")

    def __init__(self, model: "Model", ref: Doc) -> None:
        self.model = model
        self.name: str = ref["shape"]
        self.traits: Doc = {**model.raw_shapes[self.name], **ref}
        self.kind: str = self.traits["type"]
        self._members: dict[str, Shape] | None = None

    @property
    def members(self) -> dict[str, "Shape"]:
        """Of a structure, in the model's order."""
        if self._members is None:
            self._members = {name: Shape(self.model, ref) for name, ref in self.traits.get("members", {}).items()}
        return self._members

    @property
    def member(self) -> "Shape":
        """Of a list."""
        return Shape(self.model, self.traits["member"])

    @property
    def key(self) -> "Shape":
        return Shape(self.model, self.traits["key"])

    @property
    def value(self) -> "Shape":
        return Shape(self.model, self.traits["value"])

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.traits.get("required", ()))

    @property
    def location(self) -> str | None:
        """Where a rest protocol puts it: "uri", "querystring", "header", "headers", "statusCode"; None: in the body."""
        found: str | None = self.traits.get("location")
        return found

    @property
    def payload(self) -> str | None:
        """The member of a structure that is the whole body."""
        found: str | None = self.traits.get("payload")
        return found

    @property
    def streaming(self) -> bool:
        return bool(self.traits.get("streaming"))

    def wire(self, default: str) -> str:
        """Its name on the wire."""
        name: str = self.traits.get("locationName", default)
        return name

    def __repr__(self) -> str:
        return f"<Shape {self.name} {self.kind}>"


class Operation:
    """One operation of the model."""

    def __init__(self, model: "Model", name: str, raw: Doc) -> None:
        self.model = model
        self.name = name
        self.raw = raw
        http = raw.get("http", {})
        self.method: str = http.get("method", "POST")
        self.uri: str = http.get("requestUri", "/")
        self.status: int = int(http.get("responseCode", 200))

    @cached_property
    def input(self) -> Shape | None:
        return Shape(self.model, self.raw["input"]) if "input" in self.raw else None

    @cached_property
    def output(self) -> Shape | None:
        return Shape(self.model, self.raw["output"]) if "output" in self.raw else None

    @cached_property
    def errors(self) -> list[Shape]:
        return [Shape(self.model, ref) for ref in self.raw.get("errors", ())]

    @cached_property
    def unsigned(self) -> bool:
        """AWS wants no signature: whoever asks proves himself in the request's own words."""
        return self.raw.get("authtype") == "none"

    @cached_property
    def streams_in(self) -> bool:
        """The request's body is handed to the handler as it arrives."""
        shape = self.input
        return bool(shape and shape.payload and shape.members[shape.payload].streaming)

    @cached_property
    def body_is_blob(self) -> bool:
        """The request's body is opaque bytes, not a document."""
        shape = self.input
        return bool(shape and shape.payload and shape.members[shape.payload].kind in ("blob", "string"))

    @cached_property
    def checksum(self) -> Doc | None:
        """The httpChecksum trait: the body may carry checksums in headers or trailers."""
        found: Doc | None = self.raw.get("httpChecksum")
        return found


class Model:
    """One service. `raw_shapes` may be changed only by `load`."""

    def __init__(self, name: str, raw: Doc, patch: Doc) -> None:
        self.name = name
        self.patch = patch
        self.metadata: Doc = raw["metadata"]
        self.raw_operations: dict[str, Doc] = raw["operations"]
        self.raw_shapes: dict[str, Doc] = raw["shapes"]
        self._operations: dict[str, Operation] = {}
        self.compiled: dict[tuple[object, ...], Any] = {}
        """What has been compiled from these shapes, shared by all operations of the service."""

    def __contains__(self, operation: str) -> bool:
        return operation in self.raw_operations

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw_operations)

    def operation(self, name: str) -> Operation:
        """Raises KeyError."""
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = Operation(self, name, self.raw_operations[name])
        return found

    @cached_property
    def signing_name(self) -> str:
        name: str = self.metadata.get("signingName") or self.metadata["endpointPrefix"]
        return name

    @property
    def target_prefix(self) -> str | None:
        found: str | None = self.metadata.get("targetPrefix")
        return found

    @property
    def protocols(self) -> tuple[str, ...]:
        return tuple(self.metadata.get("protocols") or [self.metadata["protocol"]])

    @property
    def json_version(self) -> str:
        version: str = self.metadata.get("jsonVersion", "1.0")
        return version

    @property
    def query_compatible(self) -> bool:
        return "awsQueryCompatible" in self.metadata


@cache
def load(name: str) -> Model:
    """The model of one service, by botocore's name for it. Raises NoSuchModel. Takes up to 0.1 s the first time."""
    folder = _data() / name
    versions = sorted(one.name for one in folder.iterdir() if one.is_dir()) if _plain(name) and folder.is_dir() else []
    if not versions:
        raise NoSuchModel(name)
    raw = _read(folder / versions[-1])
    patch = _patches().get(name, {})
    for shape in patch.get("relaxed_enums", ()):
        # A newer botocore may have dropped a name that we relax; nothing is lost then.
        one = raw["shapes"].get(shape, {})
        one.pop("enum", None)
        if "relaxed_form" in patch and one:
            one["pattern"] = patch["relaxed_form"]
    for shape, longest in patch.get("longest", {}).items():  # a bound that AWS has raised since the model was written
        raw["shapes"].get(shape, {})["max"] = longest
    for shape in patch.get("sensitive", ()):  # what no log may hold, though the model does not say so
        raw["shapes"].get(shape, {})["sensitive"] = True
    return Model(name, raw, patch)


def _plain(name: str) -> bool:
    return name.replace("-", "").isalnum() and name.isascii()


@cache
def _data() -> Path:
    found = importlib.util.find_spec("botocore")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("botocore is not installed; Clary reads AWS's service models from it")
    return Path(found.submodule_search_locations[0]) / "data"


@cache
def _patches() -> Mapping[str, Doc]:
    found: dict[str, Doc] = orjson.loads((Path(__file__).parent / "patches.json").read_bytes())
    return found


def _read(folder: Path) -> Doc:
    packed, plain = folder / "service-2.json.gz", folder / "service-2.json"
    raw: Doc = orjson.loads(gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes())
    extras = folder / "service-2.sdk-extras.json"
    if extras.exists():
        _merge(raw, orjson.loads(extras.read_bytes()).get("merge", {}))
    _drop_documentation(raw)
    return raw


def _merge(into: Doc, more: Doc) -> None:
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _drop_documentation(raw: Doc) -> None:
    """Half of a model is prose, which would stay in memory for as long as the server lives."""
    parts: list[Any] = [*raw["operations"].values(), *raw["shapes"].values()]
    for part in parts:
        part.pop("documentation", None)
        for member in part.get("members", {}).values():
            member.pop("documentation", None)
