"""A page's document from example rows: a CSV file with a header, as the model was trained on.

What is inferred is what the rows show: words that come again are choices, numbers have the range that was seen. It is
a start, to be edited and given back with --document.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from clary.cli.app.documents.order import ordered

MOST_CHOICES: Final = 50
"""More different words than this are free text."""
MOST_CLASSES: Final = 100
MOST_EXAMPLES: Final = 4
MOST_PLACES: Final = 6
"""Numbers with more digits than this have no step."""
_MOST_KEPT: Final = 10_000
"""Numbers of a column that its middle is taken of."""


class Unusable(ValueError):
    """The rows tell nothing; the message says why."""


@dataclass(slots=True)
class Column:
    """What was seen of one column."""

    name: str
    words: dict[str, int] = field(default_factory=dict)
    """How often each cell was seen, as long as there are few."""
    many: bool = False
    numeric: bool = True
    whole: bool = True
    least: float = math.inf
    most: float = -math.inf
    places: int = 0
    """Digits behind the point, at most; many where a cell is written with an exponent."""
    empty: int = 0
    seen: list[float] = field(default_factory=list)

    def add(self, cell: str) -> None:
        if cell == "":
            self.empty += 1
            return
        if not self.many:
            self.words[cell] = self.words.get(cell, 0) + 1
            self.many = len(self.words) > MOST_CLASSES
        if self.numeric:
            self._add_number(cell)

    def _add_number(self, cell: str) -> None:
        number = _number(cell)
        if number is None:
            self.numeric = False
            return
        self.least, self.most = min(self.least, number), max(self.most, number)
        if not cell.lstrip("+-").isdecimal():
            self.whole = False
            self.places = max(self.places, _places(cell))
        if len(self.seen) < _MOST_KEPT:
            self.seen.append(number)

    @property
    def is_number(self) -> bool:
        return self.numeric and bool(self.seen)

    def schema(self) -> dict[str, Any]:
        """A property of the document's input."""
        if self.is_number:
            return self._range(sorted(self.seen)[len(self.seen) // 2])
        words = list(self.words)
        if words and len(words) <= MOST_CHOICES and not self.many:
            return {"enum": ordered(words)}
        return {"type": "string"}

    def _range(self, middle: float) -> dict[str, Any]:
        kind, of = ("integer", int) if self.whole else ("number", float)
        told: dict[str, Any] = {"type": kind}
        if self.least < self.most:  # one value says nothing of the others
            told |= {"minimum": of(self.least), "maximum": of(self.most)}
        if not self.whole and 0 < self.places <= MOST_PLACES:
            told["multipleOf"] = float(f"1e-{self.places}")
        return {**told, "default": of(middle)}

    def classes(self) -> list[str] | None:
        """The labels, where the column holds classes; None: it holds a quantity."""
        if self.many or not self.words:
            return None
        if not self.is_number:
            return sorted(self.words)
        if self.whole and self.most - self.least < 20 and len(self.words) <= 20:
            return sorted(self.words, key=float)
        return None


def of_file(path: Path, label: str | None) -> dict[str, Any]:
    """The document that those rows suggest; `label`: the column that the model answers. Raises Unusable."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",;\t|", key=first.count) if first else ","
            return of_rows(csv.reader(file, delimiter=delimiter), label)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path} is no UTF-8 text") from None
    except csv.Error as error:
        raise Unusable(f"{path} is no CSV: {error}") from None


def of_rows(rows: Iterable[Sequence[str]], label: str | None) -> dict[str, Any]:
    """As `of_file`; the first row names the columns."""
    every = iter(rows)
    header = [name.strip() for name in next(every, [])]
    _check_header(header, label)
    columns = [Column(name) for name in header]
    samples = _Samples(header, label)
    count = 0
    for number, row in enumerate(every, 2):
        if not row:
            continue
        if len(row) != len(header):
            raise Unusable(f"row {number} has {len(row)} cells, and the header has {len(header)}")
        cells = [cell.strip() for cell in row]
        for column, cell in zip(columns, cells, strict=True):
            column.add(cell)
        samples.add(cells)
        count += 1
    if not count:
        raise Unusable("there is a header, and no row below it")
    features = {column.name: column for column in columns if column.name != label}
    answer = next((column for column in columns if column.name == label), None)
    is_class = answer is not None and answer.classes() is not None
    schemas = {name: {"title": titled(name), **column.schema()} for name, column in features.items()}
    required = [name for name, column in features.items() if not column.empty]
    return {
        "title": "",
        "description": "",
        "contentType": "text/csv",
        "accept": "text/csv",
        "input": {"type": "object", "properties": schemas, "required": required},
        "output": _output(answer),
        "examples": list(samples.told(features, None if is_class else answer)),
    }


def titled(name: str) -> str:
    """A column's name for people: "lug_boot" is "Lug boot"."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] or name


def _check_header(header: list[str], label: str | None) -> None:
    if not header or all(_number(name) is not None for name in header):
        raise Unusable("the first row must name the columns")
    if "" in header:
        raise Unusable(f"column {header.index('') + 1} has no name")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise Unusable(f"two columns are called {twice!r}")
    if label is not None and label not in header:
        raise Unusable(f"there is no column {label!r} to be the label; there are {', '.join(header)}")
    if label is not None and len(header) == 1:
        raise Unusable("there is no column beside the label")


def _output(answer: Column | None) -> dict[str, Any]:
    if answer is None:
        return {"kind": "raw"}
    classes = answer.classes()
    if classes is not None:
        return {"kind": "classes", "labels": classes}
    return {"kind": "number", "title": titled(answer.name)}


class _Samples:
    """The first row of each of the first few answers; without a label the first rows."""

    def __init__(self, header: list[str], label: str | None) -> None:
        self._header = header
        self._label = None if label is None else header.index(label)
        self._rows: dict[str, list[str]] = {}

    def add(self, cells: list[str]) -> None:
        if len(self._rows) >= MOST_EXAMPLES or "" in cells:
            return
        key = "\0".join(cells) if self._label is None else cells[self._label]
        self._rows.setdefault(key, cells)

    def told(self, features: Mapping[str, Column], quantity: Column | None) -> Iterator[dict[str, Any]]:
        """`quantity`: the label's column, where it is a number and no class."""
        for number, cells in enumerate(self._rows.values(), 1):
            named = dict(zip(self._header, cells, strict=True))
            values = {name: _value(column, named[name]) for name, column in features.items()}
            title = f"Example {number}"
            told: dict[str, Any] = {"title": title, "values": values}
            if self._label is not None:
                expected = cells[self._label]
                told["expected"] = expected if quantity is None else _value(quantity, expected)
            yield told


def _value(column: Column, cell: str) -> Any:
    if not column.is_number:
        return cell
    return int(cell) if column.whole else float(cell)


def _places(cell: str) -> int:
    return MOST_PLACES + 1 if "e" in cell.lower() else len(cell.partition(".")[2])


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None
