"""Records as tables: rows of features, dense or sparse, and their labels."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.recordio import frames, wire
from clary.algorithms.recordio.frames import Malformed
from clary.algorithms.recordio.wire import Record, Span, Tensor

Floats = NDArray[np.float32]
NAME = "values"
"""What the tensor of the features, and that of the label, is called; a lone one of another name is taken too."""
_KINDS = {2: "<f4", 3: "<f8"}
"""Field numbers of float tensors, with their numbers' type."""
_WIDEST = 1 << 40
"""Columns of a sparse table; a key beyond is a mistake."""


@dataclass(slots=True)
class Batch:
    """Rows that stood next to each other."""

    features: Any
    """float32, (rows, columns): a numpy array, or a scipy CSR matrix when any row came with keys."""
    labels: Floats | None
    """One a row; None when no row has one."""

    @property
    def count(self) -> int:
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        return int(self.features.shape[1])


def read(stream: BinaryIO, rows: int = 100_000) -> Iterator[Batch]:
    """Batches of `rows` rows, the last one less, until the stream ends; no record is kept beyond its batch. Works on
    files, pipes and anything else with `read(n)`. Raises Malformed that names the record."""
    collected = _Rows()
    seen = 0
    for block in frames.blocks(stream):
        if isinstance(block, bytes):
            seen += 1
            collected.add(block, seen)
            if collected.count >= rows:
                yield collected.take()
            continue
        begin = 0
        while begin < len(block):
            part = block[begin : begin + rows - collected.count]
            collected.add_alike(part, seen + 1)
            begin += len(part)
            seen += len(part)
            if collected.count >= rows:
                yield collected.take()
    if collected.count:
        yield collected.take()


def decode(body: bytes) -> Batch | None:
    """All rows of a body; None when it holds none. Raises Malformed."""
    return together(list(read(io.BytesIO(body), rows=1 << 62)))


def together(batches: list[Batch]) -> Batch | None:
    """All batches under each other; None of none. Raises Malformed when their widths or labels do not fit."""
    if len(batches) < 2:
        return batches[0] if batches else None
    if len({one.labels is None for one in batches}) > 1:
        raise Malformed("only some of the records have a label")
    labels = None if batches[0].labels is None else np.concatenate([one.labels for one in batches])
    if all(isinstance(one.features, np.ndarray) for one in batches):
        widths = sorted({one.width for one in batches})
        if len(widths) > 1:
            raise Malformed(f"some records have {widths[0]} features, some {widths[-1]}")
        return Batch(np.concatenate([one.features for one in batches]), labels)
    from scipy.sparse import csr_matrix, vstack

    width = max(one.width for one in batches)
    parts = [csr_matrix(one.features) for one in batches]
    for part in parts:
        part.resize(part.shape[0], width)
    return Batch(vstack(parts, format="csr"), labels)


class _Rows:
    """Rows on their way into a batch."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.count = 0
        self._dense: list[Floats] = []
        """Tables of dense rows, as long as no row is sparse."""
        self._values: list[bytes] = []
        self._keys: list[bytes] = []
        self._counts: list[int] = []
        """Numbers, keys and how many there are, of each row, from the first sparse one on."""
        self._labels: list[bytes] = []
        self._width = 0

    def add_alike(self, payloads: NDArray[np.uint8], first: int) -> None:
        """Records of equal length; `first` is the number of the first of them, from 1, for messages."""
        position = self._together(payloads, first) if len(payloads) >= 4 and not self._counts else 0
        for row in range(position, len(payloads)):
            self.add(payloads[row].tobytes(), first + row)

    def _together(self, payloads: NDArray[np.uint8], first: int) -> int:
        """Dense rows that are alike in all but their numbers are read as one table; how many could be."""
        try:
            features, label, _ = wire.scan(payloads[0].tobytes())
        except Malformed:
            return 0  # the slow way says which record it was
        values, labels = _only(features), _only(label)
        if values is None or not _plain(values) or (labels is not None and not _plain(labels, one=True)):
            return 0
        fixed = np.ones(payloads.shape[1], bool)
        for span in (values, labels):
            if span is not None:
                fixed[span.values[0][0] : span.values[0][1]] = False
        differ = (payloads[:, fixed] != payloads[0, fixed]).any(axis=1)
        alike = int(np.argmax(differ)) if differ.any() else len(payloads)
        self._dense.append(_table(payloads[:alike], values))
        if labels is not None:
            self._labels.append(_table(payloads[:alike], labels).tobytes())
        self.count += alike
        return alike

    def add(self, payload: bytes, number: int) -> None:
        try:
            self._one(payload)
        except Malformed as error:
            raise Malformed(f"record {number}: {error}") from None

    def _one(self, payload: bytes) -> None:
        features, label, _ = wire.scan(payload)
        span = _only(features)
        if span is None:
            raise Malformed(f'it has no features named "{NAME}"')
        raw = wire.raw_float32(payload, span)
        if span.keys or span.shape or not raw:
            self._add_sparse(payload, span, raw)
        elif self._counts:
            self._add_row(raw, _places(len(raw) // 4))
        else:
            self._dense.append(np.frombuffer(raw, np.float32).reshape(1, -1))
        labels = _only(label)
        if labels is not None:
            found = wire.raw_float32(payload, labels)
            if len(found) != 4:
                raise Malformed(f"it has {len(found) // 4} labels; there must be one")
            self._labels.append(found)
        self.count += 1

    def _add_sparse(self, payload: bytes, span: Span, raw: bytes) -> None:
        if self._dense:
            for row in np.concatenate(self._take_dense()):
                self._add_row(row.tobytes(), _places(len(row)))
        if span.shape:
            self._width = max(self._width, wire.columns(payload, span))
        keys = b"".join([payload[begin:end] for begin, end in span.keys]) if span.keys else _places(len(raw) // 4)
        self._add_row(raw, keys)

    def _add_row(self, values: bytes, keys: bytes) -> None:
        self._values.append(values)
        self._keys.append(keys)
        self._counts.append(len(values) // 4)

    def take(self) -> Batch:
        """The batch of what was added; then there is nothing."""
        labels = np.frombuffer(b"".join(self._labels), np.float32) if self._labels else None
        if labels is not None and len(labels) != self.count:
            raise Malformed(f"{len(labels)} of {self.count} records have a label; all must, or none")
        if self._counts:
            features = self._sparse()
        else:
            tables = self._take_dense()
            features = np.concatenate(tables) if len(tables) > 1 else tables[0]
        batch = Batch(features, labels)
        self._clear()
        return batch

    def _take_dense(self) -> list[Floats]:
        tables, self._dense = self._dense, []
        widths = sorted({one.shape[1] for one in tables})
        if len(widths) > 1:
            raise Malformed(f"some records have {widths[0]} features, some {widths[-1]}")
        return tables

    def _sparse(self) -> Any:
        from scipy.sparse import csr_matrix

        raw = b"".join(self._keys)
        places = wire.varints(raw)
        # Each number ends with a byte below 128; counted per row, so that no row takes a key of its neighbour.
        ends = np.concatenate(([0], np.cumsum(np.frombuffer(raw, np.uint8) < 128)))
        bounds = np.concatenate(([0], np.cumsum(self._counts, dtype=np.int64)))
        if not np.array_equal(ends[np.cumsum([0, *map(len, self._keys)])], bounds):
            raise Malformed("a record has not as many keys as values")
        width = max(self._width, int(places.max()) + 1 if len(places) else 0)
        if width > _WIDEST:
            raise Malformed(f"a key is {width - 1}, which is too large")
        numbers = np.frombuffer(b"".join(self._values), np.float32)
        found = csr_matrix((numbers, places.astype(np.int64), bounds), shape=(self.count, width))
        found.sum_duplicates()
        return found


def _places(count: int) -> bytes:
    """The keys of a row that has a number in each column."""
    return wire.encode_varints(np.arange(count))


def _only(tensors: Mapping[str, Span]) -> Span | None:
    if NAME in tensors:
        return tensors[NAME]
    return next(iter(tensors.values())) if len(tensors) == 1 else None


def _plain(span: Span, *, one: bool = False) -> bool:
    """Whether the numbers are one run of floats and nothing else; `one`: of a single one."""
    if len(span.values) != 1 or span.keys or span.shape or span.kind not in _KINDS:
        return False
    begin, end, _ = span.values[0]
    size = int(_KINDS[span.kind][2])
    return end - begin == size if one else (end - begin) % size == 0 and end > begin


def _table(payloads: NDArray[np.uint8], span: Span) -> Floats:
    begin, end, _ = span.values[0]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is reported as such
        return np.ascontiguousarray(payloads[:, begin:end]).view(_KINDS[span.kind]).astype(np.float32, copy=False)


def write(stream: BinaryIO, features: Any, labels: Any = None) -> None:
    """One record a row stands in the stream, as float32: with keys when `features` is a sparse matrix."""
    if isinstance(features, np.ndarray):
        _write_dense(stream, np.asarray(features, np.float32), labels)
        return
    table = features.tocsr()
    for row in range(table.shape[0]):
        begin, end = table.indptr[row], table.indptr[row + 1]
        values = Tensor(
            table.data[begin:end].astype(np.float32), table.indices[begin:end].astype(np.uint64), (table.shape[1],)
        )
        label = {} if labels is None else {NAME: Tensor(np.array([labels[row]], np.float32))}
        stream.write(frames.frame(wire.encode(Record({NAME: values}, label))))


def _write_dense(stream: BinaryIO, features: Floats, labels: Any) -> None:
    """All rows are made from the first one: only the numbers differ."""
    if not len(features):
        return
    label = {} if labels is None else {NAME: Tensor(np.asarray(labels[:1], np.float32))}
    payload = wire.encode(Record({NAME: Tensor(features[0])}, label))
    framed = np.frombuffer(frames.frame(payload), np.uint8)
    rows = np.tile(framed, (len(features), 1))
    found, labelled, _ = wire.scan(payload)
    for span, numbers in ((_only(found), features), (_only(labelled), None if labels is None else labels)):
        if span is not None and span.values and numbers is not None:
            begin, end, _ = span.values[0]
            raw = np.ascontiguousarray(numbers, "<f4").reshape(len(features), -1).view(np.uint8)
            rows[:, begin + 8 : end + 8] = raw
    stream.write(rows.tobytes())


def answers(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A response body: one record a row, its label holding the named numbers, each one number or a list."""
    return b"".join(
        frames.frame(
            wire.encode(
                Record(label={name: Tensor(np.atleast_1d(np.asarray(one, np.float32))) for name, one in row.items()})
            )
        )
        for row in rows
    )
