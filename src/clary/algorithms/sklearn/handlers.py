"""The functions of the scikit-learn image where a program brings none. There is no model_fn: only the program knows how
it saved its model."""

from typing import Any

from clary.algorithms.refused import Refused
from clary.algorithms.toolkit import codecs


def input_fn(body: str | bytes, content_type: str) -> Any:
    """A NumPy array; of CSV and JSON in 32-bit floats."""
    import numpy as np

    data = codecs.decode(body, content_type)
    if codecs.plain(content_type) not in codecs.TEXTS:
        return data
    try:
        return data.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise Refused(400, f"The body holds more than numbers ({error}): define input_fn in your program.") from None


def predict_fn(data: Any, model: Any) -> Any:
    return model.predict(data)


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    return codecs.encode(prediction, accept), accept
