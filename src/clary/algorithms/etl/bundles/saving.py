"""A fitted pipeline becomes a bundle, once what the bundle answers is what Spark answers."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import numpy as np

from clary.algorithms.etl.bundles import reading
from clary.algorithms.etl.bundles.learnt import CannotSave
from clary.algorithms.graphs.bundles import writing as graphs
from clary.algorithms.graphs.bundles.values import Kind
from clary.algorithms.sparkml import operations, writing
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.frame import Columns

COMPARED: Final = 1000
"""Rows of the data set that Spark, the server's code and the graph answer before a bundle is written."""
CLOSE: Final = 1e-9
WHOLE: Final = ("byte", "short", "integer", "long")


def place(path: str) -> tuple[Path, bool]:
    """(the file or directory, whether it is a zip) of "jar:file:/tmp/model.zip", "file:/tmp/model". Raises
    ValueError."""
    zipped = path.startswith("jar:")
    said = urlsplit(path.removeprefix("jar:"))
    if said.scheme != "file" or said.netloc not in ("", "localhost") or not said.path.startswith("/"):
        raise ValueError(
            f"a bundle is saved to jar:file:/tmp/model.zip (a zip) or file:/tmp/model (a directory), not to {path}; "
            "copy it to S3 from there"
        )
    return Path(unquote(said.path)), zipped


def save(transformer: Any, path: str, dataset: Any = None) -> int:
    """The bundle stands at `path`; how many rows of `dataset` were answered by it as by Spark. Raises ValueError for a
    path that is none, CannotSave for a stage that a bundle cannot hold, and for answers that differ."""
    target, zipped = place(path)
    held = getattr(transformer, "bundle_nodes", None)
    nodes = list(held) if held is not None else reading.nodes(transformer, None if dataset is None else dataset.schema)
    names = reading.inputs(nodes)
    kinds = _kinds(nodes, names, dataset)
    graph: bytes = graphs.graph(nodes, kinds).SerializeToString()
    agreed = 0
    if dataset is not None and held is None:
        absent = [one for one in names if one not in dataset.columns]
        if absent:
            _say(f"not compared with Spark, since the data set has no column {', '.join(absent)}")
        else:
            agreed = _compared(transformer, nodes, kinds, graph, dataset)
    about = {"inputs": [{"name": name, "type": kinds[name]} for name in names], "compared": agreed}
    uid = str(getattr(transformer, "uid", "pipeline"))
    writing.write(target, writing.files(uid, nodes, about, graph), zipped=zipped)
    return agreed


def _say(what: str) -> None:
    print(f"mleap: the bundle is {what}.", file=sys.stderr)


def _kinds(nodes: Sequence[Node], names: Sequence[str], dataset: Any) -> dict[str, Kind]:
    types = {} if dataset is None else {one.name: one.dataType for one in dataset.schema.fields}
    found: dict[str, Kind] = {}
    for name in names:
        kind = types.get(name)
        if kind is None:
            first = next(node for node in nodes if name in node.inputs)
            found[name] = (
                "text"
                if first.op == "string_indexer"
                else "vector"
                if first.op.endswith(("_scaler", "_slicer", "_regression", "_classifier", "_svc", "normalizer"))
                else "number"
            )
        elif kind.typeName() == "string":
            found[name] = "text"
        else:
            found[name] = "vector" if "vector" in kind.typeName() else "number"
    return found


def _compared(transformer: Any, nodes: Sequence[Node], kinds: Mapping[str, Kind], graph: bytes, dataset: Any) -> int:
    """Raises CannotSave."""
    names = list(kinds)
    outputs = list(dict.fromkeys(name for node in nodes for name in node.outputs))
    types = {one.name: one.dataType.typeName() for one in dataset.schema.fields}
    sample = dataset.select(*(f"`{name}`" for name in names)).limit(COMPARED)
    try:
        rows = transformer.transform(sample).select(*(f"`{name}`" for name in [*names, *outputs])).collect()
    except Exception as error:
        # A transform is lazy: Spark itself would save a pipeline that its data set does not pass.
        _say(f"not compared with Spark, which cannot transform the data set: {_cause(error)}")
        return 0
    rows = [row for row in rows if None not in row]
    if not rows:
        return 0
    given = {name: _column([row[name] for row in rows], types[name]) for name in names}
    expected = {name: _column([row[name] for row in rows], "") for name in outputs}
    _agree("the bundle", operations.run(list(nodes), given, {}), expected)
    _agree("the bundle's graph", _ran(graph, given, outputs), expected)
    return len(rows)


def _cause(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines[::-1] if "Exception:" in line), lines[0] if lines else repr(error))[:300]


def _column(cells: list[Any], kind: str) -> Any:
    if cells and hasattr(cells[0], "toArray"):
        return np.array([one.toArray() for one in cells], np.float64)
    if cells and isinstance(cells[0], str):
        return np.array(cells, object)
    return np.array(cells, bool if kind == "boolean" else np.int64 if kind in WHOLE else np.float64)


def _ran(graph: bytes, given: Columns, outputs: Sequence[str]) -> Columns:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    asked = {one.name: given[one.name] for one in session.get_inputs()}
    fed = {name: one if one.dtype == object else one.astype(np.float64) for name, one in asked.items()}
    return dict(zip(outputs, session.run(list(outputs), fed), strict=True))


def _agree(whose: str, made: Columns, expected: Columns) -> None:
    for name, right in expected.items():
        got = made[name]
        if got.shape != right.shape:
            raise CannotSave(
                f"{name} of {whose} has the shape {got.shape}, and Spark's {right.shape}: nothing is saved."
            )
        text = right.dtype == object
        same = got == right if text else np.isclose(got, right, rtol=CLOSE, atol=1e-12, equal_nan=True)
        if not same.all():
            wrong = int((~same.reshape(len(right), -1)).any(axis=1).sum())
            first = int((~same.reshape(len(right), -1)).any(axis=1).argmax())
            raise CannotSave(
                f"{wrong:,} of {len(right):,} values of {name} differ between {whose} and Spark (first: "
                f"{got[first]} for {right[first]}): nothing is saved."
            )
