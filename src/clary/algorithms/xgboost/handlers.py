"""The functions of the XGBoost image's script mode where a program brings none."""

from pathlib import Path
from typing import Any

# All of it, and before anything of ours imports it without its scikit-learn classes: programs use those.
import xgboost

from clary.algorithms.contract import ClientError
from clary.algorithms.refused import Refused
from clary.algorithms.toolkit import codecs


def model_fn(model_dir: str) -> Any:
    """The Booster that stands in that directory, however it was saved."""
    from clary.algorithms.xgboost import model

    return model.load(Path(model_dir)).booster


def input_fn(body: str | bytes, content_type: str) -> Any:
    """A DMatrix of the rows: CSV and libsvm, as the image's algorithm reads them, JSON lists, or NumPy's own format."""
    import numpy as np

    kind = codecs.plain(content_type)
    if kind in ("text/libsvm", "text/x-libsvm"):
        return xgboost.DMatrix(_libsvm(body.encode() if isinstance(body, str) else body))
    data = codecs.decode(body, content_type)
    try:
        table = data.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise Refused(400, f"The body holds more than numbers ({error}): define input_fn in your program.") from None
    return xgboost.DMatrix(table.reshape(1, -1) if table.ndim == 1 else table)


def _libsvm(body: bytes) -> Any:
    from clary.algorithms.xgboost.libsvm import parse_libsvm

    plain = [line for raw in body.splitlines() if (line := raw.partition(b"#")[0].strip())]
    lines = [b"0 " + line if b":" in line.split(None, 1)[0] else line for line in plain]
    try:
        return parse_libsvm(lines, "of the request").features
    except ClientError as error:
        raise Refused(400, str(error)) from None


def predict_fn(data: Any, model: Any) -> Any:
    """The Booster's scores; those of XGBoost's scikit-learn classes are the same."""
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    return booster.predict(data, validate_features=False)


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    return codecs.encode(prediction, accept), accept
