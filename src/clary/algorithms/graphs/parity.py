"""The gate: a graph serves only if it answers as the native servers do, row by row and many at a time."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from clary.algorithms.graphs import base, rows
from clary.algorithms.graphs.base import Answer, Program, Request
from clary.algorithms.graphs.features import CannotCompile
from clary.algorithms.graphs.native import Chain
from clary.algorithms.graphs.rows import Row

CLOSE: Final = 1e-5
"""How far a score may be from the native one, as a share of it."""
TINY: Final = 1e-37
BATCH: Final = 500
ALONE: Final = 120
"""Rows that are also sent one by one."""
_CSV: Final = "text/csv"


def check(directory: Path, chain: Chain, given: Sequence[Row]) -> int:
    """How many rows the compiled model of that directory and the native servers answered alike: all. Raises
    CannotCompile with the count of those that they did not."""
    program = base.load(directory)
    good, refused = _sorted(chain, given)
    if not good:
        raise CannotCompile("no row was found that the native servers answer")
    wrong = sum(_together(program, chain, good[at : at + BATCH]) for at in range(0, len(good), BATCH))
    if wrong:
        raise CannotCompile(f"{wrong:,} of {len(good):,} answers differ from those of the native servers")
    alone = good[:: max(1, len(good) // ALONE)]
    wrong = sum(_differs(program, chain, row) for row in alone)
    if wrong:
        raise CannotCompile(
            f"{wrong:,} of {len(alone):,} answers to single rows differ from those of the native servers"
        )
    wrong = sum(_differs(program, chain, row) for row in refused)
    if wrong:
        raise CannotCompile(f"{wrong:,} rows are refused by the native servers, but not in the same way by the graph")
    return len(given)


def _sorted(chain: Chain, given: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that the native servers answer, and those that they refuse."""
    good: list[Row] = []
    refused: list[Row] = []
    parts = [given[at : at + BATCH] for at in range(0, len(given), BATCH)][::-1]
    while parts:
        part = parts.pop()
        if chain.answer(_request(part)).status == 200:
            good += part
        elif len(part) == 1:
            refused += part
        else:
            middle = len(part) // 2  # one bad row is found in a few questions, not in as many as there are rows
            parts += [part[middle:], part[:middle]]
    return good, refused


def _differs(program: Program, chain: Chain, row: Row) -> bool:
    request = _request([row])
    natively, compiled = chain.answer(request), program.answer([request])[0]
    if natively.status != 200:
        return compiled.status != natively.status
    return not _alike(natively, compiled)


def _together(program: Program, chain: Chain, part: Sequence[Row]) -> int:
    """How many rows of one request are answered otherwise."""
    request = _request(part)
    natively, compiled = chain.answer(request), program.answer([request])[0]
    if natively.status != compiled.status:
        return len(part)
    expected, got = _cells(natively.body), _cells(compiled.body)
    if len(expected) != len(got):
        return len(part)
    return sum(not _close(one, other) for one, other in zip(expected, got, strict=True))


def _request(part: Sequence[Row]) -> Request:
    return Request(_CSV, _CSV, rows.text(part))


def _alike(natively: Answer, compiled: Answer) -> bool:
    if (natively.status, natively.content_type) != (compiled.status, compiled.content_type):
        return False
    expected, got = _cells(natively.body), _cells(compiled.body)
    return len(expected) == len(got) and all(_close(one, other) for one, other in zip(expected, got, strict=True))


def _cells(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def _close(expected: Row, got: Row) -> bool:
    return len(expected) == len(got) and all(map(_same, expected, got))


def _same(expected: str, got: str) -> bool:
    if expected == got:
        return True
    try:
        one, other = float(expected), float(got)
    except ValueError:
        return expected.startswith("[") and _close(expected[1:-1].split(","), got[1:-1].split(","))
    if one == other or (one != one and other != other):
        return True
    # The numbers of classes are whole, and whole numbers may not differ at all. Below TINY a float has fewer digits.
    return abs(one - other) <= max(CLOSE * abs(one), TINY) and not (one.is_integer() and other.is_integer())
