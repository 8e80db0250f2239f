"""A batch of rows, column by column: Arrow arrays of texts or of numbers, and what their values are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Cells = Any
"""An Arrow array of a flat type, null where there is no value."""
Batch = Mapping[str, Cells]

NO_VALUE: Final = ("", "NaN", "nan", "null")
"""Texts that mean: no value here. NA and None are none of them: they are values of real columns."""
_INTEGRAL: Final = r"^[-+]?[0-9]+$"
_NUMBER: Final = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_NOTHING: Final = pa.array([*NO_VALUE, None], pa.string())
_NO_TEXTS: Final = pa.array([], pa.string())


class Column:
    """One column of a batch. `numbers` are the values that are numbers, in order; `integral` counts those of them that
    are written without a fraction; `texts` are all other values. `values` is everything that is present as texts, None
    where the column holds numbers by its type."""

    __slots__ = ("integral", "missing", "numbers", "texts", "values")

    def __init__(self, missing: int, numbers: Floats, integral: int, texts: Cells, values: Cells | None) -> None:
        self.missing = missing
        self.numbers = numbers
        self.integral = integral
        self.texts = texts
        self.values = values


def column(cells: Cells) -> Column:
    kind = cells.type
    whole = pa.types.is_integer(kind)
    if whole or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = floats(cells.drop_null())
        numbers = numbers[np.isfinite(numbers)]
        return Column(len(cells) - len(numbers), numbers, len(numbers) if whole else 0, _NO_TEXTS, None)
    return _of_texts(present(cells), len(cells))


def present(cells: Cells) -> Cells:
    """The values that are there, as texts."""
    trimmed = trim(cells)
    return trimmed.filter(pc.invert(pc.is_in(trimmed, value_set=_NOTHING)))


def trim(cells: Cells) -> Cells:
    """As texts without blanks around them."""
    return pc.utf8_trim_whitespace(cells.cast(pa.string()))


def floats(cells: Cells) -> Floats:
    """As numbers, NaN where there is no value. Raises ArrowInvalid for a text that is no number."""
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        trimmed = trim(cells)
        cells = pc.if_else(pc.is_in(trimmed, value_set=_NOTHING), pa.scalar(None, pa.string()), trimmed)
    found: Floats = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found


def _of_texts(present: Cells, rows: int) -> Column:
    missing = rows - len(present)
    numbers = _cast(present)
    if numbers is not None and np.isfinite(numbers).all():
        return Column(missing, numbers, _whole(present), _NO_TEXTS, present)
    is_number = pc.match_substring_regex(present, _NUMBER)
    numeric, texts = present.filter(is_number), present.filter(pc.invert(is_number))
    numbers = _cast(numeric)
    if numbers is None:  # a leading plus is no number to Arrow
        numbers = np.array([float(one) for one in numeric.to_pylist()], np.float64)
    integral = _whole(numeric)
    # What is too large for a float is infinite, and no mean could be had of it: it counts as a text.
    finite = np.isfinite(numbers)
    if not finite.all():
        texts = pa.concat_arrays([texts, numeric.filter(pa.array(~finite))])
        numbers = numbers[finite]
    return Column(missing, numbers, min(integral, len(numbers)), texts, present)


def _whole(texts: Cells) -> int:
    """How many are written as whole numbers."""
    return pc.sum(pc.match_substring_regex(texts, _INTEGRAL)).as_py() or 0


def _cast(texts: Cells) -> Floats | None:
    """As numbers; None where one is none to Arrow."""
    try:
        if len(texts):
            float(texts[0].as_py())  # of most columns of texts the first one says it, at less than Arrow's price
        found: Floats = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    except ValueError:  # ArrowInvalid is one, too
        return None
    return found


def flat(cells: Cells) -> Cells:
    """The array, when its type is one of numbers, texts, times and booleans. Raises TypeError for any other."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return flat(cells.cast(kind.value_type))
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise TypeError(str(kind))
    return cells


def of_values(values: Sequence[Any]) -> Cells:
    """Of Python's values as JSON holds them, None where there is none."""
    return pa.array([plain(one) for one in values], pa.string())


def plain(value: Any) -> str | None:
    """A value of JSON as the text that a CSV file would hold."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def absent(rows: int) -> Cells:
    """A column of which this batch has no value."""
    return pa.nulls(rows, pa.string())
