"""MLeap bundles as Spark jobs save them, made by hand."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Node = tuple[str, dict[str, Any], Sequence[str], Sequence[str]]
"""(operation, attributes as a bundle writes them, columns in, columns out)"""


def strings(values: Sequence[str]) -> dict[str, Any]:
    return {"type": "list", "string": list(values)}


def indexer(column: str, out: str, labels: Sequence[str], invalid: str = "error") -> Node:
    return "string_indexer", {"labels": strings(labels), "handle_invalid": {"string": invalid}}, [column], [out]


def hot(
    columns: Sequence[str], outs: Sequence[str], sizes: Sequence[int], *, drop: bool, invalid: str = "error"
) -> Node:
    attributes = {
        "category_sizes": {"type": "list", "int": list(sizes)},
        "handle_invalid": {"string": invalid},
        "drop_last": {"boolean": drop},
    }
    return "one_hot_encoder", attributes, columns, outs


def assembler(columns: Sequence[str], out: str = "features") -> Node:
    return "vector_assembler", {}, columns, [out]


def names(labels: Sequence[str], column: str = "prediction", out: str = "label") -> Node:
    return "reverse_string_indexer", {"labels": strings(labels)}, [column], [out]


def save(folder: Path, nodes: Sequence[Node], *, zipped: bool = False) -> Path:
    """The bundle stands in `folder`, as files or as one zip."""
    files: dict[str, Any] = {
        "bundle.json": {"uid": "1", "name": "pipeline", "format": "ml.combust.mleap.json", "version": "0.23.0"},
        "root/model.json": {"op": "pipeline", "attributes": {"nodes": strings([f"n{at}" for at in range(len(nodes))])}},
        "root/node.json": {"name": "pipeline", "shape": {"inputs": [], "outputs": []}},
    }
    for at, (op, attributes, inputs, outputs) in enumerate(nodes):
        sides = {
            side: [
                {"name": name, "port": f"{port}{place}" if len(columns) > 1 else port}
                for place, name in enumerate(columns)
            ]
            for side, port, columns in (("inputs", "input", inputs), ("outputs", "output", outputs))
        }
        files[f"root/n{at}.node/model.json"] = {"op": op, "attributes": attributes}
        files[f"root/n{at}.node/node.json"] = {"name": f"n{at}", "shape": sides}
    folder.mkdir(parents=True, exist_ok=True)
    if zipped:
        with zipfile.ZipFile(folder / "model.zip", "w") as held:
            for name, content in files.items():
                held.writestr(name, json.dumps(content))
        return folder
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def schema(
    inputs: Sequence[tuple[str, str]], output: str, kind: str = "double", struct: str = "basic"
) -> dict[str, str]:
    """The environment of a container that says so."""
    asked = {
        "input": [{"name": name, "type": of} for name, of in inputs],
        "output": {"name": output, "type": kind, "struct": struct},
    }
    return {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(asked)}
