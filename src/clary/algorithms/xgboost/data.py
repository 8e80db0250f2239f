"""Training data: what stands in a channel becomes one table of features and labels. Label first, no header."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError, Channel, ClientError
from clary.algorithms.xgboost.csvfile import read_csv
from clary.algorithms.xgboost.libsvm import read_libsvm
from clary.algorithms.xgboost.parquet import read_parquet
from clary.algorithms.xgboost.table import Rows

CSV = ("csv", "text/csv")
LIBSVM = ("libsvm", "text/libsvm", "text/x-libsvm")
PARQUET = ("parquet", "application/x-parquet")
RECORDIO = ("recordio-protobuf", "application/x-recordio-protobuf")


@dataclass(frozen=True, slots=True)
class Format:
    """How the files of a channel are to be read."""

    name: str
    weights: bool = False
    """CSV only: the second column is the weight of the row."""


def parse_content_type(text: str | None, *, csv_weights: bool = False) -> Format:
    """The format that a channel's ContentType names; libsvm when it names none, as AWS's algorithm has it. Raises
    ClientError for a type that XGBoost does not read."""
    kind, *parameters = [part.strip() for part in (text or "libsvm").lower().split(";")]
    if kind in RECORDIO:
        raise ClientError(f"ContentType {kind} is not served yet; use text/csv, text/libsvm or application/x-parquet.")
    if kind in LIBSVM:
        return Format("libsvm")
    if kind in PARQUET:
        return Format("parquet")
    if kind not in CSV:
        raise ClientError(
            f"{text} is not an accepted ContentType: csv, libsvm, parquet, text/csv, text/libsvm, text/x-libsvm, "
            "application/x-parquet."
        )
    weights = csv_weights
    for parameter in filter(None, parameters):
        name, _, value = (part.strip() for part in parameter.partition("="))
        if name == "label_size" and value != "1":
            raise ClientError(f"{text} is not an accepted csv ContentType. label_size must be 1.")
        if name == "csv_weights":
            weights = value in ("", "1", "true")
    return Format("csv", weights)


def read_channel(channel: Channel, *, csv_weights: bool = False) -> Rows:
    """All rows of the channel, file after file in the order of their names. Raises ClientError when there are none, or
    when a file is not what ContentType says."""
    if channel.input_mode == "Pipe":
        raise ClientError(f"Channel {channel.name}: input mode Pipe is not served yet; use File.")
    form = parse_content_type(channel.content_type, csv_weights=csv_weights)
    paths = channel.files()
    if not paths:
        raise ClientError(f"No data in {channel.name} channel path {channel.path}.")
    parts = [_read(form, path, path.relative_to(channel.path).as_posix()) for path in paths]
    rows = Rows.together([part for part in parts if part.count])
    if rows is None:
        raise ClientError(f"No data in {channel.name} channel path {channel.path}: its files hold no rows.")
    return rows


def _read(form: Format, path: Path, name: str) -> Rows:
    """`name` is how the file is called in messages: its path below the channel."""
    try:
        if form.name == "csv":
            return read_csv(path, name, weights=form.weights)
        return read_libsvm(path, name) if form.name == "libsvm" else read_parquet(path, name)
    except (OSError, EOFError) as error:
        raise ClientError(f"Cannot read file {name}: {error}.") from None


def check_labels(rows: Rows, channel: str, objective: str, num_class: int | None) -> None:
    """The labels fit the objective; else ClientError with the first value that does not."""
    rule = _label_rule(objective, num_class)
    if rule is None:
        return
    allowed, good = rule
    bad = np.flatnonzero(~good(rows.labels))
    if bad.size:
        value = float(rows.labels[bad[0]])
        raise ClientError(
            f"Channel {channel}: label {value:g} does not fit objective {objective}: labels must be {allowed}."
        )


Rule = tuple[str, Callable[[NDArray[np.float32]], NDArray[np.bool_]]]


def _label_rule(objective: str, num_class: int | None) -> Rule | None:
    if objective.startswith("multi:") and num_class is not None:
        return f"integers in [0, {num_class})", lambda it: (it >= 0) & (it < num_class) & (it == np.floor(it))
    if objective in ("binary:logistic", "binary:logitraw", "reg:logistic"):
        return "in [0, 1]", lambda it: (it >= 0) & (it <= 1)
    if objective == "binary:hinge":
        return "0 or 1", lambda it: (it == 0) | (it == 1)
    if objective in ("count:poisson", "reg:tweedie"):
        return "at least 0", lambda it: it >= 0
    if objective == "reg:gamma":
        return "above 0", lambda it: it > 0
    return None


def same_width(tables: Sequence[Rows]) -> None:
    """Train and validation have one number of columns. Sparse ones are widened to it, since libsvm files end with the
    last column that is not empty; dense ones that differ are refused."""
    width = max(one.width for one in tables)
    for one in tables:
        if one.width == width:
            continue
        if not one.sparse:
            raise ClientError(
                f"The train channel has {tables[0].width} feature columns, the validation channel {tables[-1].width}."
            )
        one.features.resize(one.count, width)


def matrix(engine: Any, rows: Rows, nthread: int) -> Any:
    """The rows as XGBoost's DMatrix."""
    try:
        made = engine.DMatrix(rows.features, label=rows.labels, weight=rows.weights, qid=rows.groups, nthread=nthread)
    except engine.core.XGBoostError as error:
        raise AlgorithmError(f"XGBoost does not take the data: {error}") from None
    return made
