"""The model server of a table algorithm: features in, rows of named numbers out."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from clary.algorithms import many, serve
from clary.algorithms.contract import Contract, say
from clary.algorithms.serve import Answer
from clary.algorithms.tabular import answers, requests


class Predictor(Protocol):
    @property
    def columns(self) -> int: ...

    def answer(self, features: Any) -> list[dict[str, Any]]:
        """One row of named numbers for each row of features. Safe in several threads."""
        ...


class TableModel:
    """Answers requests with one loaded model, as the variables of its container want it."""

    repeatable = True

    def __init__(self, predictor: Predictor, environ: Mapping[str, str]) -> None:
        self.predictor = predictor
        self._default = answers.choose(environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"), answers.JSON)

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        kind = answers.choose(accept, self._default)
        features = requests.decode(body, content_type, self.predictor.columns)
        return Answer(answers.encode(self.predictor.answer(features), kind), kind)


def main(environ: Mapping[str, str], load: Callable[[Contract], Predictor]) -> int:
    """Serves until SIGTERM; the exit code."""

    def model(contract: Contract) -> TableModel:
        predictor = load(contract)
        say(f"Loaded a model of {predictor.columns} features.")
        return TableModel(predictor, environ)

    if many.asked(environ):
        return many.run(model, environ)
    return serve.run(lambda: model(Contract.read(environ)), environ)
