"""The model server of AWS's built-in XGBoost: a trained model behind /invocations."""

from collections.abc import Mapping

from clary.algorithms import many, serve
from clary.algorithms.contract import Contract, say
from clary.algorithms.serve import Answer
from clary.algorithms.xgboost import answers, model, requests, selected, version
from clary.algorithms.xgboost.model import Predictor


class XGBoostModel:
    """Answers requests with one loaded model, as the variables of its container want it."""

    repeatable = True

    def __init__(self, predictor: Predictor, environ: Mapping[str, str]) -> None:
        self.predictor = predictor
        self._default = answers.choose(environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"), answers.CSV)
        self._keys = selected.read_keys(environ.get("SAGEMAKER_INFERENCE_OUTPUT", ""), predictor.objective)
        # A batch transform joins answers to the lines of its input, so there it is one row a line whatever the version.
        self._one_line = not environ.get("SAGEMAKER_BATCH") and version.answers_with_commas(version.read(environ))

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        kind = answers.choose(accept, self._default)
        features = requests.decode(body, content_type, self.predictor.columns)
        if self._keys:
            made = answers.encode_selected(selected.select(self.predictor, features, self._keys), kind)
        else:
            made = answers.encode(self.predictor.predict(features), kind, one_line=self._one_line)
        return Answer(made, f"{kind}; charset=utf-8" if kind == answers.CSV else kind)


def main(environ: Mapping[str, str]) -> int:
    """Serves until SIGTERM; the exit code."""

    def load(contract: Contract) -> XGBoostModel:
        predictor = model.load(contract.model_dir)
        say(f"Loaded a model of {predictor.columns} columns, objective {predictor.objective}.")
        return XGBoostModel(predictor, environ)

    if many.asked(environ):
        return many.run(load, environ)
    return serve.run(lambda: load(Contract.read(environ)), environ)
