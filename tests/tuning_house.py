"""Tuning jobs in the small house: training jobs that tell an objective of their hyperparameters, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from clary.aws.service import Context
from clary.engines.runners.base import Work
from clary.engines.search import tpe
from clary.engines.search.base import Point, Question, Search
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc
from clary.services.sagemaker import MACHINES, reconcilers, tuning
from tests.memory_runner import Behave
from tests.sagemaker_house import ROLE, XGBOOST, House, channel

Objective = Callable[[Doc], float]


class Direct:
    """Decides here and now."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.missing: str | None = None

    def lacks(self) -> str | None:
        return self.missing

    async def next(self, question: Question) -> Point:
        self.asked.append(question)
        return tpe.answer(question)


class TuningHouse(House):
    def __init__(self, directory: Path, *, behave: Behave, clock: Clock | None = None) -> None:
        super().__init__(directory, behave=behave, clock=clock)
        self.search = Direct()
        self.engines = replace(self.engines, search=self.search)
        self.restart()

    def restart(self) -> None:
        """Whatever reconcilers kept in memory is gone."""
        self.reconcilers = {**reconcilers(self.engines), tuning.KIND: tuning.TuningJobReconciler(self.engines)}
        machines = {**MACHINES, tuning.KIND: tuning.TUNING_JOB}
        self.controller = Controller(self.store, self.clock, self.reconcilers, machines)

    def inside(self, principal: Any, region: str) -> Context:
        made = super().inside(principal, region)
        return replace(made, ports={**made.ports, Search: self.search})

    async def tune(self, name: str = "tune", **more: Any) -> Doc:
        """The job has been made and has run to its end: Describe's answer."""
        await self.call("CreateHyperParameterTuningJob", **tuning_request(name, **more))
        await self.run(3600.0)
        return await self.describe(name)

    async def describe(self, name: str = "tune") -> Doc:
        return await self.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)

    async def trials(self, name: str = "tune", **more: Any) -> list[Doc]:
        asked = {"HyperParameterTuningJobName": name, "MaxResults": 100, **more}
        found: list[Doc] = (await self.call("ListTrainingJobsForHyperParameterTuningJob", **asked))[
            "TrainingJobSummaries"
        ]
        return found


def tells(objective: Objective) -> Behave:
    """A training job that prints its objective once and is done."""

    def behave(uid: str, work: Work, root: Path) -> int:
        given = json.loads((root / "input/config/hyperparameters.json").read_text())
        (root / "model" / "m").write_bytes(b"model")
        line = f"[0]#011train-rmse:9.5#011validation-rmse:{objective(given):.9f}\n"
        (root.parent / "log").write_text(line)
        return 0

    return behave


def tuning_request(name: str = "tune", *, config: Doc | None = None, **more: Any) -> Doc:
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": tuning_config(**(config or {})),
        "TrainingJobDefinition": definition(),
        **more,
    }


def tuning_config(*, limits: Doc | None = None, **more: Any) -> Doc:
    return {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2, **(limits or {})},
        "ParameterRanges": ranges(),
        "RandomSeed": 7,
        **more,
    }


def ranges() -> Doc:
    return {
        "ContinuousParameterRanges": [
            {"Name": "eta", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Logarithmic"}
        ],
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "9"}],
    }


def definition(**more: Any) -> Doc:
    return {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "StaticHyperParameters": {"num_round": "3", "eval_metric": "rmse"},
        "RoleArn": ROLE,
        "InputDataConfig": [channel("train")],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more,
    }
