"""The scikit-learn image's own server: what stands in model.joblib answers, without a program of the user.

A transformer answers its output, a classifier or regressor its predictions, a LabelEncoder the labels of the numbers
that it is given: the three parts of an inference pipeline around a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from clary.algorithms import many, serve
from clary.algorithms.contract import AlgorithmError, Contract, say
from clary.algorithms.refused import Refused
from clary.algorithms.serve import Answer
from clary.algorithms.sklearn import columns, requests
from clary.algorithms.toolkit import codecs

NAME: Final = "model.joblib"


class FittedModel:
    """Answers requests with one fitted model. Safe in several threads, as predict and transform are."""

    repeatable = True

    def __init__(self, model: Any, environ: Mapping[str, str]) -> None:
        self.model = model
        self.columns = columns.of(model)
        self._names = columns.names_of(model)
        self._text = any(one.kind == "string" for one in self.columns)
        self._default = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or codecs.CSV

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        kind = codecs.chosen(accept, self._default)
        return Answer(codecs.encode(self.answer(requests.decode(body, content_type, self.columns)), kind), kind)

    def answer(self, rows: list[requests.Row]) -> Any:
        """An array with one number or label a row, or with a row of numbers a row. Raises Refused."""
        try:
            return _plain(self._asked(rows))
        except ValueError as error:
            raise Refused(400, f"The model refuses these rows: {error}") from None

    def _asked(self, rows: list[requests.Row]) -> Any:
        import numpy as np

        if type(self.model).__name__ == "LabelEncoder":
            return self.model.inverse_transform(_whole(rows, len(self.model.classes_)))
        if self._names is not None:
            import pandas as pd

            table: Any = pd.DataFrame(
                {name: [row[at] for row in rows] for at, name in enumerate(self._names)}, columns=self._names
            )
        else:
            table = np.array(rows, object if self._text else np.float64)
        return self.model.predict(table) if hasattr(self.model, "predict") else self.model.transform(table)


def _whole(rows: list[requests.Row], classes: int) -> Any:
    import numpy as np

    numbers = np.array([row[0] for row in rows], np.float64)
    for row, one in enumerate(numbers.tolist(), 1):
        if not (one == int(one) if abs(one) < 1e9 else False) or not 0 <= one < classes:
            raise Refused(400, f"Row {row}: {one:g} is no number of a class, which are 0 to {classes - 1}.")
    return numbers.astype(np.int64)


def _plain(made: Any) -> Any:
    """As an array that every codec takes: dense, and text as text."""
    import numpy as np

    if hasattr(made, "toarray"):
        # Zeros are written as zeros: the next container sees no difference between a sparse and a dense table.
        made = made.toarray()
    array = np.asarray(made.to_numpy() if hasattr(made, "to_numpy") else made)
    return array.astype(str) if array.dtype == object and all(isinstance(one, str) for one in array.flat) else array


def load(folder: Path) -> Any:
    """The fitted model of that folder. Raises AlgorithmError that says what stands there and why it does not load."""
    path = folder / NAME
    if not path.is_file():
        names = ", ".join(sorted(one.name for one in folder.iterdir())[:5]) if folder.is_dir() else ""
        raise AlgorithmError(
            f"{folder} holds neither a program (code/inference.py, or SAGEMAKER_PROGRAM) nor {NAME}; "
            f"it holds {names or 'nothing'}"
        )
    import joblib

    try:
        model = joblib.load(path)
    except Exception as error:
        raise AlgorithmError(f"{NAME} does not load: {type(error).__name__}: {error}") from None
    if not any(hasattr(model, one) for one in ("predict", "transform")):
        raise AlgorithmError(f"{NAME} holds a {type(model).__name__}, which can neither predict nor transform")
    return model


def main(environ: Mapping[str, str]) -> int:
    """Serves until SIGTERM; the exit code."""

    def made(contract: Contract) -> FittedModel:
        model = load(contract.model_dir)
        served = FittedModel(model, environ)
        say(f"Loaded a {type(model).__name__} of {len(served.columns)} columns.")
        return served

    if many.asked(environ):
        return many.run(made, environ)
    return serve.run(lambda: made(Contract.read(environ)), environ)
