"""The model server of a bundle: the output column of the schema is answered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms import serve
from clary.algorithms.contract import AlgorithmError, Contract, say
from clary.algorithms.refused import Refused
from clary.algorithms.serve import Answer
from clary.algorithms.sparkml import answers, bundle, operations, requests, schema
from clary.algorithms.sparkml.schema import WHOLE, Field, Schema


class BundleModel:
    """Answers requests with one bundle. Safe in several threads."""

    repeatable = True

    def __init__(self, nodes: list[bundle.Node], environ: Mapping[str, str]) -> None:
        """Raises AlgorithmError for a schema that is none, and for an operation that is not known."""
        operations.check(nodes)
        self.nodes = nodes
        self.schema = schema_of(environ)
        self._default = answers.choose(environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"), "text/csv")

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        kind = answers.choose(accept, self._default)
        known, rows = requests.decode(body, content_type, self.schema)
        return Answer(answers.encode(self.answer(known, rows), kind), answers.content_type(kind))

    def answer(self, known: Schema, rows: list[list[Any]]) -> NDArray[Any]:
        """The output column, [N] or [N, size]. Raises Refused."""
        columns = {one.name: _column([row[at] for row in rows], one) for at, one in enumerate(known.inputs)}
        made = operations.run(self.nodes, columns, requests.places(known))
        if known.output.name not in made:
            raise Refused(400, f"The schema's output {known.output.name} is none of {', '.join(made)}.")
        return _typed(made[known.output.name], known.output)


def _column(cells: list[Any], field: Field) -> NDArray[Any]:
    if field.type == "string":
        return np.array(cells, object)
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        raise Refused(400, f"The lists of the column {field.name} are not of one length.") from None
    if field.struct == "basic" and field.type in (*WHOLE, "boolean"):
        # What a category of whole numbers is called depends on it: "2", and of a double "2.0".
        whole = bool(np.isfinite(values).all() and (values == np.trunc(values)).all() and (abs(values) < 2**63).all())
        return values.astype(bool if field.type == "boolean" else np.int64) if whole else values
    # What Spark was given as a float is one: the double that it becomes has its digits.
    return values.astype(np.float32).astype(np.float64) if field.type == "float" else values


def _typed(values: NDArray[Any], field: Field) -> NDArray[Any]:
    if field.type in WHOLE and values.dtype != object:
        if not np.isfinite(values).all():
            raise Refused(400, f"The output {field.name} is not a number, so it is no {field.type}.")
        return values.astype(np.int64)
    return values


def schema_of(environ: Mapping[str, str]) -> Schema | None:
    """The schema of the container; None when each request must bring one. Raises AlgorithmError."""
    text = environ.get(schema.VARIABLE, "").strip()
    try:
        return schema.parse(text) if text else None
    except ValueError as error:
        raise AlgorithmError(str(error)) from None


def load(folder: Path, environ: Mapping[str, str]) -> BundleModel:
    """Raises AlgorithmError."""
    return BundleModel(bundle.load(folder), environ)


def main(environ: Mapping[str, str]) -> int:
    """Serves until SIGTERM; the exit code."""

    def made() -> BundleModel:
        model = load(Contract.read(environ).model_dir, environ)
        say(f"Loaded a bundle of {len(model.nodes)} operations.")
        return model

    return serve.run(made, environ)
