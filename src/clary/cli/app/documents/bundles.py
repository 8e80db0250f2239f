"""The words in a bundle of Spark ML (docs/sparkml.md): what an indexer was fitted to, what an answer is turned into.

Reads the JSON files of a `model.tar.gz` that holds a bundle, or one zip of it. Nothing is unpacked to the disk.
"""

import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

LARGEST: Final = 64 * 2**20
"""Bytes of an archive that are looked at."""
_LARGEST_FILE: Final = 8 * 2**20
_NODE_FILES: Final = ("model.json", "node.json")


@dataclass(slots=True)
class Words:
    """What a bundle tells."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    """The categories of each column that is indexed."""
    answers: list[str] = field(default_factory=list)
    """The labels that the bundle turns numbers into, in their order; []: it does not."""


def words(archive: bytes) -> Words:
    """What the bundle in the archive tells; nothing where there is no bundle in it."""
    found = Words()
    for node in _nodes(archive).values():
        model, about = node.get("model.json"), node.get("node.json")
        shape = about.get("shape") if isinstance(about, dict) else None
        if not isinstance(model, dict) or not isinstance(shape, dict):
            continue
        attributes = _attributes(model.get("attributes"))
        columns = _columns(shape.get("inputs"))
        match model.get("op"):
            case "string_indexer":
                lists = attributes.get("labels_array") or [attributes.get("labels", [])]
                if len(lists) == len(columns):
                    found.columns |= {
                        name: [str(one) for one in said] for name, said in zip(columns, lists, strict=True)
                    }
            case "reverse_string_indexer":
                found.answers = [str(one) for one in attributes.get("labels", [])]
    return found


def _nodes(archive: bytes) -> dict[PurePosixPath, dict[str, Any]]:
    """Each node's files by their names."""
    nodes: dict[PurePosixPath, dict[str, Any]] = {}
    for path, content in _files(archive):
        try:
            read = json.loads(content)
        except ValueError:
            continue
        nodes.setdefault(path.parent, {})[path.name] = read
    return nodes


def _files(archive: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:*") as packed:
            for member in packed:
                if not member.isfile() or member.size > LARGEST:
                    continue
                path, opened = PurePosixPath(member.name), packed.extractfile(member)
                if opened is None:
                    continue
                if path.suffix == ".zip":
                    yield from _zipped(opened.read())
                elif path.name in _NODE_FILES and member.size <= _LARGEST_FILE:
                    yield path, opened.read()
    except (tarfile.TarError, zlib.error, OSError, EOFError):
        return  # no archive of a bundle: it has no words for us


def _zipped(content: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.infolist():
                path = PurePosixPath(member.filename)
                if path.name in _NODE_FILES and member.file_size <= _LARGEST_FILE:
                    yield path, packed.read(member)
    except (zipfile.BadZipFile, zlib.error, OSError):
        return


def _columns(sockets: Any) -> list[str]:
    """Columns by the numbers of their ports: input2 before input10."""
    if not isinstance(sockets, list):
        return []
    found = [(str(one.get("name")), str(one.get("port", ""))) for one in sockets if isinstance(one, dict)]
    return [name for name, _ in sorted(found, key=lambda one: (len(one[1]), one[1]))]


def _attributes(given: Any) -> Mapping[str, Any]:
    """Plain values, as Clary writes them; MLeap wraps each in an object that names its type."""
    if not isinstance(given, dict):
        return {}
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "type" in value:
        return next((one for name, one in value.items() if name != "type"), None)
    return value
