"""Training data: what stands in a channel becomes one table of features and labels. Label first, no header."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError, Channel, ClientError
from clary.algorithms.xgboost import pipes
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
        return Format("recordio")
    if kind in LIBSVM:
        return Format("libsvm")
    if kind in PARQUET:
        return Format("parquet")
    if kind not in CSV:
        raise ClientError(
            f"{text} is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, "
            "text/x-libsvm, application/x-parquet, application/x-recordio-protobuf."
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
    """All rows of the channel, file after file in the order of their names, or as its pipe gives them. Raises
    ClientError when there are none, or when a file is not what ContentType says."""
    rows = find_rows(channel, csv_weights=csv_weights)
    if rows is None:
        raise ClientError(f"No data in {channel.name} channel path {channel.path}.")
    return rows


def find_rows(channel: Channel, *, csv_weights: bool = False) -> Rows | None:
    """As `read_channel`; None when the channel holds no rows: another host may have them."""
    form = parse_content_type(channel.content_type, csv_weights=csv_weights)
    if channel.input_mode == "Pipe":
        parts: Iterable[Rows] = _piped(form, channel.path.with_name(f"{channel.name}_0"))
    else:
        parts = (_read(form, path, path.relative_to(channel.path).as_posix()) for path in channel.files())
    return Rows.together([part for part in parts if part.count])


def _read(form: Format, path: Path, name: str) -> Rows:
    """`name` is how the file is called in messages: its path below the channel."""
    try:
        if form.name == "csv":
            return read_csv(path, name, weights=form.weights)
        if form.name == "recordio":
            with path.open("rb") as stream:
                return _records(stream, name)
        return read_libsvm(path, name) if form.name == "libsvm" else read_parquet(path, name)
    except (OSError, EOFError) as error:
        raise ClientError(f"Cannot read file {name}: {error}.") from None


def _records(stream: BinaryIO, name: str) -> Rows:
    from clary.algorithms.xgboost.records import read_recordio

    return read_recordio(stream, name)


def _piped(form: Format, pipe: Path) -> Iterator[Rows]:
    """What comes through the FIFO of the first epoch: boosting looks at all rows at once, and needs no other."""
    with pipes.opened(pipe) as stream:
        if form.name == "recordio":
            yield _records(stream, pipe.name)
        elif form.name == "parquet":
            for path in pipes.parquet(stream):
                yield _read(form, path, pipe.name)
        else:
            for path, before in pipes.lines(stream):
                yield _read(form, path, pipe.name + (f" (after line {before})" if before else ""))


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
    if objective == "survival:aft":
        return "times above 0, or their negative where censored", lambda it: it != 0
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


def matrix(engine: Any, rows: Rows, nthread: int, objective: str = "") -> Any:
    """The rows as XGBoost's DMatrix. Labels of survival:aft are as those of survival:cox: the time of the event, and
    where it was not seen (right-censored) the negative of the time until which nothing happened."""
    rows = _by_query(rows)
    try:
        made = engine.DMatrix(rows.features, label=rows.labels, weight=_weights(rows), qid=rows.groups, nthread=nthread)
        if objective == "survival:aft":
            times = np.abs(rows.labels)
            made.set_info(
                label_lower_bound=times,
                label_upper_bound=np.where(rows.labels < 0, np.float32(np.inf), times),
            )
    except engine.core.XGBoostError as error:
        raise AlgorithmError(f"XGBoost does not take the data: {error}") from None
    return made


def _by_query(rows: Rows) -> Rows:
    """The rows of one query stand together, in their order: XGBoost asks for that."""
    if rows.groups is None or not (np.diff(rows.groups) < 0).any():
        return rows
    return rows.take(np.argsort(rows.groups, kind="stable"))


def _weights(rows: Rows) -> Any:
    """One weight a row, or one a query where there are queries: a ranking weighs whole lists."""
    if rows.weights is None or rows.groups is None:
        return rows.weights
    names, first, members = np.unique(rows.groups, return_index=True, return_inverse=True)
    weights = rows.weights[first]
    wrong = np.flatnonzero(weights[members] != rows.weights)
    if wrong.size:
        raise ClientError(
            f"Query {names[members[wrong[0]]]} has rows of different weights; a ranking weighs whole queries."
        )
    return weights
