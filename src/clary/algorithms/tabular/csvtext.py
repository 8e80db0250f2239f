"""CSV of numbers without a header, in blocks of whole lines: constant memory, and what is wrong is named by its row."""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError

BLOCK_BYTES = 8 << 20
_AT_ROW = re.compile(r"at row (\d+)")


def read(stream: BinaryIO, what: str) -> Iterator[NDArray[np.float32]]:
    """Tables of rows, in order. Raises ClientError that begins with `what` and names the row."""
    rest, rows, width = b"", 0, None
    while True:
        fresh = stream.read(BLOCK_BYTES)
        block = rest + fresh
        end = block.rfind(b"\n") + 1 if fresh else len(block)
        block, rest = block[:end], block[end:]
        if block.strip():
            table = parse(block, what, rows)
            if width is not None and table.shape[1] != width:
                raise ClientError(
                    f"{what}, row {rows + 1}: {table.shape[1]} columns where the rows before have {width}."
                )
            width = table.shape[1]
            rows += len(table)
            yield table
        if not fresh:
            return


def parse(block: bytes, what: str, before: int = 0) -> NDArray[np.float32]:
    """The table of these lines; `before` rows came earlier. Raises ClientError."""
    try:
        text = block.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClientError(f"{what} is not UTF-8 text: {error.reason}.") from None
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is reported as such
            return np.loadtxt(io.StringIO(text), np.float32, delimiter=",", comments=None, quotechar='"', ndmin=2)
    except ValueError as error:
        raise ClientError(f"{what}, {_said(str(error), before)}") from None


def _said(error: str, before: int) -> str:
    """The reader's complaint, with the row counted from the beginning of everything."""
    changed = re.search(r"changed from (\d+) to (\d+) at row (\d+)", error)
    if changed:
        row = int(changed[3]) + before
        return f"row {row}: {changed[2]} columns where the rows before have {changed[1]}."
    cell = re.search(r"could not convert string (.*) to float32 at row (\d+), column (\d+)", error)
    if cell:
        row = int(cell[2]) + before + 1
        header = " The data must have no header line." if row == 1 else ""
        return f"row {row}, column {cell[3]}: {cell[1][:60]} is not a number.{header}"
    return f"near row {before + 1}: {error}"
