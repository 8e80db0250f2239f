"""Bodies of requests become a graph's input. What is plainly right is read the short way; everything else goes through
the code of the native server, which reads it or refuses it in its own words.

Both ways give a request's part of the input as one flat list: whole lines, cells, or floats, row by row."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from clary.algorithms.graphs import program_native
from clary.algorithms.refused import Refused
from clary.algorithms.sklearn.columns import unknown

CSV = "text/csv"
_NUMBERS = b"0123456789.-+eE \r"
"""What plain numbers are made of. JSON numbers of these characters are numbers of Python, and the other way round where
JSON takes them."""
_KEPT = b',\n\r"'
_WORDS = bytes(one for one in range(256) if one not in _KEPT)
_BOM = b"\xef\xbb\xbf"


class Input(Protocol):
    @property
    def width(self) -> int:
        """Items of a request's part that make one row."""
        ...

    def take(self, body: bytes, content_type: str) -> list[Any]:
        """The request's part. Raises Refused."""
        ...

    def take_rows(self, bodies: Sequence[bytes], content_type: str) -> list[Any] | None:
        """The parts of all requests at once, when each is one clean row; None: one may be something else."""
        ...

    def natively(self, body: bytes, content_type: str) -> list[Any]:
        """As `take`, never by the short way."""
        ...

    def table(self, items: Sequence[Any]) -> NDArray[Any]:
        """What the graph is fed with for these items. Raises OverflowError for numbers that only the native reader
        can refuse."""
        ...


def of(plan: dict[str, Any]) -> Input:
    """The input of the graph with that plan. Raises KeyError, ValueError for a plan that says something else."""
    native = program_native.reader(plan["reader"], plan["columns"])
    columns = plan["columns"]
    match plan["input"]:
        case "floats":
            return Floats(native, columns, np.float32, spark=plan["reader"] == "spark")
        case "doubles":
            return Floats(native, columns, np.float64, spark=plan["reader"] == "spark")
        case "strings":
            return Strings(native, Columns(columns, _status(plan)))
        case "lines":
            return Lines(native, Columns(columns, _status(plan)))
    raise ValueError(f"an input called {plan['input']!r} is not known")


def _status(plan: dict[str, Any]) -> int:
    """With which the native server refuses an unknown category."""
    return 400 if plan["reader"] == "spark" else 422


class Plain:
    """The media type of a Content-Type header, remembered: there are few, and each request has one."""

    def __init__(self, default: str) -> None:
        self._known: dict[str, str] = {"": default}

    def __call__(self, content_type: str) -> str:
        kind = self._known.get(content_type)
        if kind is None:
            kind = content_type.partition(";")[0].strip().lower()
            if len(self._known) < 256:
                self._known[content_type] = kind
        return kind


class Columns:
    """What the cells of a row must be."""

    def __init__(self, columns: Sequence[dict[str, Any]], status: int) -> None:
        self._status = status
        self.count = len(columns)
        self.names = [str(one.get("name") or "") for one in columns]
        self._allowed = [
            (place, frozenset(one["allowed"]), one["allowed"])
            for place, one in enumerate(columns)
            if one.get("allowed") is not None and one.get("unknown") in ("error", "skip")
        ]
        self._skips = any(one.get("unknown") == "skip" for one in columns)
        self.numbers = [place for place, one in enumerate(columns) if one["kind"] == "float"]
        self._needed = needed(columns)
        self.checked = bool(self._allowed or self.numbers)

    def knows(self, cells: list[str]) -> bool:
        """Every category among them is known, where it must be."""
        count = self.count
        return all(allowed.issuperset(cells[place::count]) for place, allowed, _ in self._allowed)

    def check(self, cells: list[str]) -> list[str]:
        """The cells of the rows that are left: all, unless rows of unknown categories are left out. Raises Refused for
        a category that the model does not know, or when no row is left, and 400 for what is no number. Empty cells of
        numbers become "nan", in place."""
        count = self.count
        if self._skips:
            self._check_numbers(cells)
            return self._known_rows(cells)
        for place, allowed, order in self._allowed:
            if len(cells) == count:
                if cells[place] not in allowed:
                    raise self._unknown(0, place, cells[place], order)
            elif not allowed.issuperset(column := cells[place::count]):
                row = next(number for number, cell in enumerate(column) if cell not in allowed)
                raise self._unknown(row, place, column[row], order)
        self._check_numbers(cells)
        return cells

    def _known_rows(self, cells: list[str]) -> list[str]:
        if self.knows(cells):
            return cells
        kept: list[str] = []
        for start in range(0, len(cells), self.count):
            row = cells[start : start + self.count]
            if all(row[place] in allowed for place, allowed, _ in self._allowed):
                kept += row
        if not kept:
            place, _, order = next(one for one in self._allowed if cells[one[0]] not in one[1])
            raise self._unknown(0, place, cells[place], order)
        return kept

    def _check_numbers(self, cells: list[str]) -> None:
        count = self.count
        for place in self.numbers:
            for at in range(place, len(cells), count):
                cells[at] = program_native.number(cells[at], at // count + 1, place + 1)
                if cells[at] == "nan" and place in self._needed:
                    raise program_native.missing(self._where(at // count, place) if self._status == 400 else "")

    def _where(self, row: int, place: int) -> str:
        return f"Row {row + 1}, column {place + 1} ({self.names[place]})"

    def _unknown(self, row: int, place: int, cell: str, allowed: Sequence[str]) -> Refused:
        return unknown(row + 1, place + 1, self.names[place], cell, allowed, status=self._status)


def needed(columns: Sequence[dict[str, Any]]) -> frozenset[int]:
    """Places of the columns that may not be missing."""
    return frozenset(place for place, one in enumerate(columns) if one.get("missing") == "error")


class Floats:
    def __init__(
        self, native: program_native.Reader, given: Sequence[dict[str, Any]], kind: Any, *, spark: bool
    ) -> None:
        self.width = columns = len(given)
        self._needed = needed(given)
        self._names = [str(one.get("name") or "") for one in given] if spark else []
        self._kind = kind
        self._commas = b"," * (columns - 1)
        self._line = self._commas + b"\n"
        self._native = native
        self._plain = Plain(native.default_type)

    def take(self, body: bytes, content_type: str) -> list[Any]:
        if self._plain(content_type) == CSV and (values := self._short(body)) is not None:
            return values
        return self.natively(body, content_type)

    def take_rows(self, bodies: Sequence[bytes], content_type: str) -> list[Any] | None:
        if self.width == 1 or self._plain(content_type) != CSV:
            return None
        body = _together(bodies)
        # As many full lines as bodies: each is one, for an empty one would show.
        if body.translate(None, _NUMBERS) != self._line * len(bodies):
            return None
        try:
            values: list[float] = orjson.loads(b"[%b]" % body[:-1].replace(b"\n", b","))
        except orjson.JSONDecodeError:
            return None
        return values

    def natively(self, body: bytes, content_type: str) -> list[Any]:
        values = self._native.table(body, content_type or self._native.default_type, self.width)
        # Only what is read here can be missing: the short way takes numbers alone.
        for place in sorted(self._needed):
            row = next((row for row, one in enumerate(values[place :: self.width], 1) if math.isnan(one)), 0)
            if row:
                where = f"Row {row}, column {place + 1} ({self._names[place]})" if self._names else ""
                raise program_native.missing(where)
        return values

    def _short(self, body: bytes) -> list[float] | None:
        """The numbers of clean CSV; None: it may be clean, but not plainly so."""
        if body.endswith(b"\n"):
            body = body[:-1]
        # Without its numbers, a clean body is nothing but the commas and ends of its lines.
        frame = body.translate(None, _NUMBERS)
        rows = 1
        if frame != self._commas:
            rows = (len(frame) + 1) // self.width
            if frame + b"\n" != self._line * rows:
                return None
            body = body.replace(b"\n", b",")
        try:
            values: list[float] = orjson.loads(b"[%b]" % body)
        except orjson.JSONDecodeError:
            return None
        return values if len(values) == rows * self.width else None

    def table(self, items: Sequence[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            made: NDArray[Any] = np.array(items, self._kind).reshape(-1, self.width)
        if np.isinf(made).any():
            raise OverflowError
        return made


def _together(bodies: Sequence[bytes]) -> bytes:
    """One after the other, each with an end of its last line."""
    return b"".join([one if one[-1:] == b"\n" else one + b"\n" for one in bodies])


class _Texts:
    """What inputs of strings share: clean CSV is split at its commas."""

    def __init__(self, native: program_native.Reader, columns: Columns) -> None:
        self._native = native
        self._columns = columns
        self._commas = b"," * (columns.count - 1)
        self._line = self._commas + b"\n"
        self._plain = Plain(native.default_type)

    def _clean(self, body: bytes, content_type: str) -> tuple[str, int] | None:
        """Clean CSV, without its last end of a line, and how many rows it has; None: it may be clean, but not plainly
        so."""
        if self._plain(content_type) != CSV:
            return None
        if body.endswith(b"\n"):
            body = body[:-1]
        frame = body.translate(None, _WORDS)
        rows = 1
        if frame != self._commas:
            if b"\r" in frame:
                body = body.replace(b"\r\n", b"\n").removesuffix(b"\r")
                frame = body.translate(None, _WORDS)
            rows = (len(frame) + 1) // self._columns.count
            if frame + b"\n" != self._line * rows:
                return None
        if (not frame and not body.strip()) or body.startswith(_BOM):
            return None
        try:
            return body.decode(), rows
        except UnicodeDecodeError:
            return None

    def _clean_rows(self, bodies: Sequence[bytes], content_type: str) -> tuple[str, list[str]] | None:
        """All requests' rows, and the cells of them, when each is one clean row with categories that are known; None:
        one may be something else."""
        if self._columns.count == 1 or self._plain(content_type) != CSV:
            return None
        body = _together(bodies)
        # As many full lines as bodies: each is one, for an empty one would show.
        if body.translate(None, _WORDS) != self._line * len(bodies) or _BOM in body:
            return None
        try:
            text = body[:-1].decode()
        except UnicodeDecodeError:
            return None
        cells = text.replace("\n", ",").split(",")
        return (text, cells) if self._columns.knows(cells) else None

    def natively(self, body: bytes, content_type: str) -> list[Any]:
        """All cells, read by the native server's code."""
        cells = self._native.cells(body, content_type or self._native.default_type, self._columns.count)
        return self._columns.check(cells) if self._columns.checked else cells


class Strings(_Texts):
    def __init__(self, native: program_native.Reader, columns: Columns) -> None:
        super().__init__(native, columns)
        self.width = columns.count

    def take(self, body: bytes, content_type: str) -> list[Any]:
        clean = self._clean(body, content_type)
        if clean is None:
            return self.natively(body, content_type)
        text, rows = clean
        cells = (text if rows == 1 else text.replace("\n", ",")).split(",")
        return self._columns.check(cells) if self._columns.checked else cells

    def take_rows(self, bodies: Sequence[bytes], content_type: str) -> list[Any] | None:
        clean = self._clean_rows(bodies, content_type)
        if clean is None:
            return None
        if self._columns.numbers:
            try:
                self._columns.check(clean[1])
            except Refused:
                return None
        return clean[1]

    def table(self, items: Sequence[Any]) -> NDArray[Any]:
        return np.array(items, object).reshape(-1, self.width)


class Lines(_Texts):
    width = 1

    def take(self, body: bytes, content_type: str) -> list[Any]:
        clean = None if self._columns.numbers else self._clean(body, content_type)
        if clean is None:
            return self.natively(body, content_type)
        text, rows = clean
        if self._columns.checked:
            cells = (text if rows == 1 else text.replace("\n", ",")).split(",")
            if (kept := self._columns.check(cells)) is not cells:
                count = self._columns.count
                return [",".join(kept[start : start + count]) for start in range(0, len(kept), count)]
        return [text] if rows == 1 else text.split("\n")

    def take_rows(self, bodies: Sequence[bytes], content_type: str) -> list[Any] | None:
        clean = None if self._columns.numbers else self._clean_rows(bodies, content_type)
        return None if clean is None else clean[0].split("\n")

    def natively(self, body: bytes, content_type: str) -> list[Any]:
        cells, count = super().natively(body, content_type), self._columns.count
        # A comma inside of a cell is of no category that a line could hold: the graph must not split there.
        cells = [cell.replace(",", "\x1f") for cell in cells]
        return [",".join(cells[start : start + count]) for start in range(0, len(cells), count)]

    def table(self, items: Sequence[Any]) -> NDArray[Any]:
        return np.array(items, object)
