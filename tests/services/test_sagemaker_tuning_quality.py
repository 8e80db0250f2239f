"""On real data, what Bayesian tuning finds in a few trials is better than what chance finds."""

import random
import statistics
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.tuning import criteria, machine
from clary.services.sagemaker.tuning.definitions import Definition
from clary.services.sagemaker.tuning.ranges import axes
from clary.services.sagemaker.tuning.strategies import Known, choose
from tests.tuning_house import Direct

DATA = Path(__file__).parents[3] / "shared" / "data" / "abalone" / "abalone.data"
TRIALS = 12
SEEDS = range(7)
RANGES: Doc = {
    "ContinuousParameterRanges": [
        {"Name": "eta", "MinValue": "0.005", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"Name": "subsample", "MinValue": "0.1", "MaxValue": "1"},
        {"Name": "lambda", "MinValue": "0.01", "MaxValue": "100", "ScalingType": "Logarithmic"},
    ],
    "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "12"}],
}
DEFINITION = Definition(0, "", {}, {"Type": "Minimize", "MetricName": "validation:rmse"}, axes(RANGES))


class Abalone:
    """How well XGBoost tells the age of abalones that it has not seen."""

    def __init__(self, path: Path) -> None:
        rows = [line.split(",") for line in path.read_text().split()]
        random.Random(1).shuffle(rows)
        table = np.array([["MFI".index(sex), *rest] for sex, *rest in rows[:900]], dtype=float)
        self._train, self._held = (xgb.DMatrix(part[:, :-1], part[:, -1]) for part in (table[:600], table[600:]))

    def rmse(self, tuned: Doc) -> float:
        given = {**tuned, "objective": "reg:squarederror", "nthread": 1, "seed": 1}
        found: dict[str, dict[str, list[float]]] = {}
        xgb.train(given, self._train, 12, evals=[(self._held, "held")], evals_result=found, verbose_eval=False)
        return found["held"]["rmse"][-1]


async def best_of(strategy: str, seed: int, abalone: Abalone) -> float:
    limits = {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 1}
    config = {"HyperParameterTuningJobConfig": {"RandomSeed": seed, "ResourceLimits": limits}}
    job = Resource(machine.KIND, "job", "1", "r", uid="u", spec=config)
    made: list[Resource] = []
    for number in range(1, TRIALS + 1):
        tuned = await choose(strategy, Known(DEFINITION, made), job, number, Direct())
        told = {"MetricName": "validation:rmse", "Value": abalone.rmse(tuned)}
        status = {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": told}
        spec = {"Number": number, "Definition": 0, "TunedHyperParameters": tuned}
        made.append(Resource(machine.TRIAL, str(number), "1", "r", uid=str(number), spec=spec, status=status))
    leader = criteria.best(made, minimizes=True)
    assert leader is not None
    value = machine.value(leader)
    assert value is not None
    return value


@pytest.mark.slow
async def test_twelve_trials_find_more_than_chance() -> None:
    if not DATA.is_file():
        pytest.skip(f"the data set {DATA.name} is not beside the repository")
    abalone = Abalone(DATA)
    searched = [await best_of("Bayesian", seed, abalone) for seed in SEEDS]
    drawn = [await best_of("Random", seed, abalone) for seed in SEEDS]
    assert statistics.median(searched) < statistics.median(drawn)
