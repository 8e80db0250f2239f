"""A bundle as a transformer of Spark."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from pyspark.ml import Transformer
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from clary.algorithms.etl.bundles.saving import WHOLE, place
from clary.algorithms.refused import Refused
from clary.algorithms.sparkml import bundle, operations
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.frame import Frame

_VECTORS: Final = ("one_hot_encoder", "vector_assembler", "vector_slicer", "standard_scaler", "robust_scaler",
                   "min_max_scaler", "max_abs_scaler", "normalizer")  # fmt: skip


def load(path: str) -> "BundleTransformer":
    """The bundle at `path`, as `save` takes one. Raises ValueError for a path that is none, AlgorithmError for what is
    no bundle, or one with an operation that is not known."""
    found, _ = place(path)
    nodes = bundle.read(found)
    operations.check(nodes)
    return BundleTransformer(nodes)


class BundleTransformer(Transformer):
    """Does what the pipeline did that the bundle was made of, by the code that serves bundles. The processes of a
    cluster's executors need Clary beside PySpark."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__()
        self.bundle_nodes = list(nodes)

    def _transform(self, dataset: Any) -> Any:
        from pyspark.sql import SparkSession

        given = {one.name: one.dataType.typeName() for one in dataset.schema.fields}
        fields, names = _fields(self.bundle_nodes, given), list(given)
        nodes, kinds = self.bundle_nodes, list(given.values())

        def passed(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
            return _passed(nodes, names, kinds, [one.name for one in fields], list(rows))

        schema = StructType([*dataset.schema.fields, *fields])
        return SparkSession.builder.getOrCreate().createDataFrame(dataset.rdd.mapPartitions(passed), schema)


def _fields(nodes: Sequence[Node], given: dict[str, str]) -> list[Any]:
    """The columns that the operations add."""
    found: dict[str, Any] = {}
    for node in nodes:
        for at, name in enumerate(node.outputs):
            vector = node.op in _VECTORS or node.ports[at : at + 1] in (("probability",), ("raw_prediction",))
            if node.op == "binarizer":
                before = node.inputs[at]
                vector = isinstance(found.get(before), VectorUDT) or "vector" in given.get(before, "")
            kind = StringType() if node.op == "reverse_string_indexer" else VectorUDT() if vector else DoubleType()
            found[name] = kind
    return [StructField(name, kind) for name, kind in found.items()]


def _passed(
    nodes: list[Node], names: list[str], kinds: list[str], outputs: list[str], rows: list[Any]
) -> Iterator[tuple[Any, ...]]:
    if not rows:
        return
    columns = {name: _column([row[at] for row in rows], kinds[at]) for at, name in enumerate(names)}
    frame = Frame({name: one for name, one in columns.items() if one is not None}, {}, list(range(1, len(rows) + 1)))
    try:
        operations.apply(nodes, frame)
    except Refused as refused:
        raise ValueError(str(refused)) from None
    if not frame.rows:
        return
    made = [frame.columns[name] for name in outputs]
    for at, row in enumerate(frame.rows):
        yield (*rows[row - 1], *(_cell(one[at]) for one in made))


def _column(cells: list[Any], kind: str) -> Any:
    """None for a column that no operation could take."""
    if kind == "string":
        return np.array(["" if one is None else one for one in cells], object)
    if "vector" in kind:
        return None if None in cells else np.array([one.toArray() for one in cells], np.float64)
    if kind in WHOLE and None not in cells:
        return np.array(cells, np.int64)
    if kind == "boolean" and None not in cells:
        return np.array(cells, bool)
    if kind in (*WHOLE, "boolean", "float", "double"):
        return np.array([np.nan if one is None else one for one in cells], np.float64)
    return None


def _cell(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return Vectors.dense(value.tolist())
    return value if isinstance(value, str) else float(value)
