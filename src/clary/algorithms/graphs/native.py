"""The native servers of a pipeline, in one process: what a graph is compared with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clary.algorithms.graphs.base import Answer, Request
from clary.algorithms.graphs.features import CannotCompile
from clary.algorithms.refused import Refused
from clary.algorithms.serve import Model


@dataclass(frozen=True, slots=True)
class Stage:
    """One container of the model that is compiled."""

    image: str
    folder: Path
    """What its archive holds."""
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chain:
    """Answers as the containers do, one after the other: the answer of one is the request to the next."""

    models: Sequence[Model]

    def answer(self, request: Request) -> Answer:
        body, kind = request.body, request.content_type or None
        for at, model in enumerate(self.models, 1):
            accept = request.accept or None if at == len(self.models) else None
            try:
                made = model.invoke(body, kind, accept)
            except Refused as refused:
                return Answer(refused.status, "text/plain; charset=utf-8", str(refused).encode())
            body, kind = made.body, made.content_type
        return Answer(200, kind or "", body)


def chain(stages: Sequence[Stage]) -> Chain:
    """The same code as the images serve with, loaded. Raises CannotCompile for an image that is not known, and what
    loading raises."""
    # scikit-learn's first: a pickle of xgboost.sklearn needs all of xgboost, and our own import leaves out a part.
    order = sorted(range(len(stages)), key=lambda at: stages[at].image != "scikit-learn")
    servers = {at: _server(stages[at]) for at in order}
    return Chain([servers[at] for at in range(len(stages))])


def _server(stage: Stage) -> Model:
    if stage.environ.get("SAGEMAKER_PROGRAM") or (stage.folder / "code").is_dir():
        raise CannotCompile("a container runs a program of yours")
    match stage.image:
        case "xgboost":
            return _xgboost(stage)
        case "scikit-learn":
            from clary.algorithms.sklearn import own

            return own.FittedModel(own.load(stage.folder), stage.environ)
        case "sparkml-serving":
            from clary.algorithms.sparkml import server

            return server.load(stage.folder, stage.environ)
        case "linear-learner" | "k-means":
            from clary.algorithms.tabular.serving import TableModel

            return TableModel(predictor(stage), stage.environ)
    raise CannotCompile(f"models of the image {stage.image} are not compiled")


def _xgboost(stage: Stage) -> Model:
    from clary.algorithms.xgboost import model
    from clary.algorithms.xgboost.serve import XGBoostModel

    if stage.environ.get("SAGEMAKER_INFERENCE_OUTPUT"):
        raise CannotCompile("answers of chosen content (SAGEMAKER_INFERENCE_OUTPUT) are not compiled")
    return XGBoostModel(model.load(stage.folder), stage.environ)


def predictor(stage: Stage) -> Any:
    """The trained model of a table algorithm. Raises AlgorithmError."""
    from clary.algorithms.tabular import artifact

    if stage.image == "k-means":
        from clary.algorithms.kmeans.model import ALGORITHM, Clusters

        return Clusters(artifact.load(stage.folder, ALGORITHM)[1]["centers"])
    from clary.algorithms.linear_learner import model

    about, arrays = artifact.load(stage.folder, model.ALGORITHM)
    return model.LinearModel(
        arrays["weights"], arrays["bias"], about["predictor_type"], about["loss"], about["threshold"]
    )


def read(config: Path) -> tuple[list[Stage], Path | None]:
    """The stages and the file of real rows that compile.json names."""
    asked = json.loads(config.read_bytes())
    stages = [Stage(one["image"], Path(one["model"]), one.get("environment") or {}) for one in asked["stages"]]
    return stages, Path(asked["rows"]) if asked.get("rows") else None
