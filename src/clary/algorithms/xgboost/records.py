"""recordio-protobuf: each record is a row, dense or sparse, with its label."""

from typing import BinaryIO

import numpy as np

from clary.algorithms.contract import ClientError
from clary.algorithms.recordio import batches
from clary.algorithms.recordio.frames import Malformed
from clary.algorithms.xgboost.table import Rows


def read_recordio(stream: BinaryIO, name: str) -> Rows:
    """The rows of one stream. Raises ClientError that names the record which is no row, or has no label."""
    try:
        found = batches.together(list(batches.read(stream)))
    except Malformed as error:
        raise ClientError(f"File {name} is not recordio-protobuf: {error}.") from None
    if found is None:
        return Rows(np.empty((0, 0), np.float32), np.empty(0, np.float32), source=name)
    if found.labels is None:
        raise ClientError(f"File {name}: its records have no label.")
    bad = np.flatnonzero(~np.isfinite(found.labels))
    if bad.size:
        raise ClientError(f"File {name}, record {int(bad[0]) + 1}: the label is not a number.")
    return Rows(found.features, found.labels, source=name)
