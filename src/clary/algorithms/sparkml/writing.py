"""A bundle is written: a zip or a directory that is there whole, or not at all."""

import json
import math
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from clary.algorithms.sparkml.bundle import Node

FORMAT: Final = "clary.sparkml.json"
VERSION: Final = "1"
GRAPH: Final = "root/model.onnx"
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")


def files(name: str, nodes: Sequence[Node], about: Mapping[str, Any], graph: bytes | None) -> dict[str, bytes]:
    """What a bundle of these operations holds, by path. `about`: more members of bundle.json."""
    folders: dict[str, Node] = {}
    for at, node in enumerate(nodes):
        plain = _ODD.sub("_", node.name) or "stage"
        folders[plain if plain not in folders else f"{plain}_{at}"] = node
    made = {
        "bundle.json": _json({"uid": name, "name": name, "format": FORMAT, "version": VERSION, **about}),
        "root/model.json": _json({"op": "pipeline", "attributes": {"nodes": list(folders)}}),
        "root/node.json": _json({"name": name, "shape": {"inputs": [], "outputs": []}}),
    }
    for folder, node in folders.items():
        made[f"root/{folder}.node/model.json"] = _json({"op": node.op, "attributes": dict(node.attributes)})
        made[f"root/{folder}.node/node.json"] = _json({"name": node.name, "shape": _shape(node)})
    return made | ({GRAPH: graph} if graph is not None else {})


def _shape(node: Node) -> dict[str, list[dict[str, str]]]:
    outputs = node.ports or _numbered("output", len(node.outputs))
    inputs = _numbered("input", len(node.inputs))
    return {
        "inputs": [{"name": name, "port": port} for name, port in zip(node.inputs, inputs, strict=True)],
        "outputs": [{"name": name, "port": port} for name, port in zip(node.outputs, outputs, strict=True)],
    }


def _numbered(port: str, count: int) -> list[str]:
    return [port] if count == 1 else [f"{port}{at}" for at in range(count)]


def number(value: float) -> float | str:
    """As JSON holds it: infinite ones and NaN are words, which float() reads."""
    return value if math.isfinite(value) else str(value)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False).encode()


def write(path: Path, held: Mapping[str, bytes], *, zipped: bool) -> None:
    """The files stand at `path`, as one zip or as a directory; what stood there before is replaced. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    _gone(part)
    try:
        if zipped:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in held.items():
                    archive.writestr(name, content)
        else:
            for name, content in held.items():
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                (part / name).write_bytes(content)
        if path.is_dir():
            _gone(path)  # a directory is not replaced by a rename
        part.replace(path)
    finally:
        _gone(part)


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
