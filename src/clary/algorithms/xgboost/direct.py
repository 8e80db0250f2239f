"""A prediction straight through XGBoost's C interface.

`Booster.inplace_predict` first finds out which of a dozen kinds of table it was given, which takes longer than walking
a thousand trees for one row. A model server knows: dense float32.
"""

import ctypes
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.xgboost.engine import xgb

_VALUE, _MARGIN = 0, 1
"""The interface's numbers for what is predicted."""


class Direct:
    """Scores of one Booster, the same to the last bit as its `inplace_predict`."""

    def __init__(self, booster: Any, rounds: tuple[int, int]) -> None:
        self._booster = booster  # owns what the handle points to
        self._library = _library()
        self._settings = {kind: _settings(kind, rounds) for kind in (_VALUE, _MARGIN)}

    def predict(self, features: NDArray[np.float32], *, margin: bool = False) -> NDArray[np.float32]:
        """`features` is (rows, columns). Safe in several threads. Raises XGBoostError."""
        table = np.ascontiguousarray(features, np.float32)
        count, columns = table.shape
        where = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (table.ctypes.data, count, columns)
        shape, scores = ctypes.POINTER(ctypes.c_uint64)(), ctypes.POINTER(ctypes.c_float)()
        dimensions = ctypes.c_uint64()
        failed = self._library.XGBoosterPredictFromDense(
            self._booster.handle,
            where,
            self._settings[_MARGIN if margin else _VALUE],
            None,
            ctypes.byref(shape),
            ctypes.byref(dimensions),
            ctypes.byref(scores),
        )
        if failed:
            raise xgb.core.XGBoostError(self._library.XGBGetLastError().decode("utf-8", "replace"))
        sizes = shape[: dimensions.value]
        # Copied: the memory is this thread's own, until its next prediction.
        copied = ctypes.string_at(scores, int(np.prod(sizes)) * 4)
        return np.frombuffer(copied, np.float32).reshape(sizes)


def _settings(kind: int, rounds: tuple[int, int]) -> bytes:
    first, last = rounds
    wanted = {
        "type": kind,
        "training": False,
        "iteration_begin": first,
        "iteration_end": last,
        "missing": float("nan"),
        "strict_shape": False,
        "cache_id": 0,
    }
    return json.dumps(wanted).encode()


def _library() -> ctypes.CDLL:
    """XGBoost's own shared library: the one that the package has loaded already."""
    library = ctypes.CDLL(str(Path(xgb.libpath.find_lib_path()[0])))
    library.XGBGetLastError.restype = ctypes.c_char_p
    predict = library.XGBoosterPredictFromDense
    predict.restype = ctypes.c_int
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    predict.argtypes = [pointer, text, text, pointer, pointer, pointer, pointer]
    return library
