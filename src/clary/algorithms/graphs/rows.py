"""Rows for the gate: real ones, and made ones that stand where answers change."""

import csv
import io
import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from clary.algorithms.graphs.features import Feature, Given, Number, Step, Table

Row = list[str]
MOST: Final = 2000
"""Made rows, and real ones that are read."""
UNSEEN: Final = "no such category"


def real(path: Path | None, columns: int) -> list[Row]:
    """The first rows of that CSV file that have the right width."""
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        fitting = (row for row in csv.reader(file) if len(row) == columns)
        return list(itertools.islice(fitting, MOST))


def made(given: Sequence[Given], features: Sequence[Feature], thresholds: Mapping[int, set[float]]) -> list[Row]:
    """Every combination of the known categories, or many by chance; numbers at the thresholds of the model and beside
    them; what is missing, and categories that nobody has seen."""
    chance = random.Random(20_260)
    words = [_words(given, features, at) for at in range(len(given))]
    numbers = [_numbers(features, thresholds, at, one.needed) for at, one in enumerate(given)]
    cells = [words[at] if one.kind == "string" else numbers[at] for at, one in enumerate(given)]
    found: list[Row] = []
    known = math.prod(map(len, words)) if all(one.kind == "string" for one in given) else MOST + 1
    if known <= MOST:
        found += [list(row) for row in itertools.product(*words)]
    else:
        found += [[chance.choice(column) for column in cells] for _ in range(MOST // 2)]
        found += _each_cell(cells, chance)
    return found + _odd(given, cells, chance)


def _each_cell(cells: Sequence[Sequence[str]], chance: random.Random) -> list[Row]:
    """Each cell of each column once, among others by chance, as far as there is room."""
    rows = [
        [one if at == place else chance.choice(column) for place, column in enumerate(cells)]
        for at, column_of in enumerate(cells)
        for one in column_of
    ]
    return rows if len(rows) <= MOST // 2 else chance.sample(rows, MOST // 2)


def _odd(given: Sequence[Given], cells: Sequence[Sequence[str]], chance: random.Random) -> list[Row]:
    """In each column once a category that is not known, or nothing."""
    rows = []
    for at, one in enumerate(given):
        for odd in (UNSEEN, "", " ") if one.kind == "string" else ("", "nan", "0", "-1e30"):
            row = [chance.choice(column) for column in cells]
            row[at] = odd
            rows.append(row)
    return rows


def _words(given: Sequence[Given], features: Sequence[Feature], column: int) -> list[str]:
    keys = [key for one in features if isinstance(one, Table) and one.column == column for key in one.keys]
    return list(dict.fromkeys([*keys, *(given[column].allowed or ())])) or [UNSEEN]


def _numbers(features: Sequence[Feature], thresholds: Mapping[int, set[float]], column: int, needed: bool) -> list[str]:
    found: list[float] = []
    for at, one in enumerate(features):
        if isinstance(one, Number) and one.column == column:
            for value in sorted(thresholds.get(at, ())):
                found += _around(value, one.steps)
    cells = [repr(value) for value in dict.fromkeys(found) if math.isfinite(value)]
    return [*cells, "0", "1", "-1.5", "100", "0.1", *([] if needed else [""])]


def _around(value: float, steps: Iterable[Step]) -> list[float]:
    """What the steps make into about that value: itself, and its neighbours in 32 and in 64 bits."""
    for verb, by in reversed(list(steps)):
        match verb:
            case "add":
                value -= by
            case "subtract":
                value += by
            case "multiply":
                value = value / by if by else value
            case "divide":
                value *= by
            case "above":
                value = by
    small = np.float32(value)
    with np.errstate(all="ignore"):
        beside = [float(np.nextafter(small, np.float32(side))) for side in (-np.inf, np.inf)]
        close = [float(np.nextafter(value, side)) for side in (-np.inf, np.inf)]
    return [value, float(small), *beside, *close]


def text(rows: Iterable[Row]) -> bytes:
    """As CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
