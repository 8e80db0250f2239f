"""What it costs to decide what a tuning job tries next, with 500 trials behind it, and what the deciding is worth.

CPU time of the server (the rows read, the question asked) and of the process that thinks, in milliseconds a decision.
The peer is Optuna as its documentation shows it: a study in memory that is told the same trials. The worth is a regret:
how far from the least of a known function the best of 40 trials is, against that of 40 random ones.
"""

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import optuna
import psutil

from bench import report
from clary.engines.search.base import Point
from clary.engines.search.process import SearchProcess
from clary.kernel import ids
from clary.kernel.clock import SystemClock
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.services.sagemaker.tuning import machine
from clary.services.sagemaker.tuning.definitions import Definition
from clary.services.sagemaker.tuning.ranges import Axis
from clary.services.sagemaker.tuning.strategies import Known, choose

AXES = (
    *(Axis(f"c{number}", 0.001, 1.0, "Logarithmic" if number % 2 else "Linear") for number in range(5)),
    Axis("depth", 1, 12, whole=True),
    Axis("rounds", 10, 1000, "Logarithmic", whole=True),
    Axis("booster", values=("gbtree", "dart", "gblinear")),
)
DEFINITION = Definition(0, "", {}, {"Type": "Minimize", "MetricName": "m"}, AXES)
BUDGET_MS = 50.0
TRIALS = 40


def main(smoke: bool) -> None:
    behind, times = (50, 2) if smoke else (500, 20)
    search = SearchProcess()
    try:
        with tempfile.TemporaryDirectory() as directory:
            store = SqliteStore(Path(directory) / "clary.db", SystemClock(), only_writer=True)
            job = filled(store, behind)
            began = time.perf_counter()
            asyncio.run(decide(store, job, search))
            first = time.perf_counter() - began
            child = psutil.Process(search.pid)
            ours, theirs = spent(lambda: asyncio.run(decide(store, job, search)), child, times)
            memory = child.memory_info().rss / 1e6
            peer = peers(machine.trials(store, job), times)
            store.close()
        seeds = range(3 if smoke else 15)
        searched = statistics.median(regret("Bayesian", seed, search) for seed in seeds)
        drawn = statistics.median(regret("Random", seed, search) for seed in seeds)
    finally:
        search.close()
    figures = {
        "clary": {
            "trials_behind": behind,
            "server_cpu_ms": round(ours, 1),
            "search_cpu_ms": round(theirs, 1),
            "search_memory_mb": round(memory, 1),
            "first_answer_s": round(first, 2),
            "regret_bayesian": round(searched, 4),
            "regret_random": round(drawn, 4),
        },
        "optuna in memory": {"cpu_ms": round(peer, 1)},
    }
    ratios = {
        "cpu of a decision, of Optuna's own": round((ours + theirs) / peer, 2),
        "regret after 40 trials, of random": round(searched / drawn, 3),
    }
    report.keep("tuning", figures, ratios, smoke=smoke, notes=[f"a decision: budget {BUDGET_MS} ms of CPU"])


def filled(store: SqliteStore, count: int) -> Resource:
    """A tuning job with so many trials behind it."""
    limits = {"MaxNumberOfTrainingJobs": 2 * count, "MaxParallelTrainingJobs": 1}
    config = {"RandomSeed": 3, "ResourceLimits": limits}
    job = store.create(
        Resource(machine.KIND, "job", "1", "r", ids.new(), spec={"HyperParameterTuningJobConfig": config})
    )
    drawn = random.Random(1)
    for number in range(1, count + 1):
        tuned = {axis.name: axis.at(drawn.randrange(axis.categories or 1) or drawn.random()) for axis in AXES}
        trial = machine.intend(store, job, number, 0, tuned)
        store.update(trial, phase="Completed", TrainingJobArn="a" * 90, **told(drawn.random()))
    return job


def told(value: float) -> Doc:
    objective = {"Type": "Minimize", "MetricName": "m", "Value": value}
    return {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": objective}


async def decide(store: SqliteStore, job: Resource, search: SearchProcess) -> Doc:
    trials = machine.trials(store, job)
    return await choose("Bayesian", Known(DEFINITION, trials), job, len(trials) + 1, search)


def spent(once: Any, child: psutil.Process, times: int) -> tuple[float, float]:
    """Milliseconds of CPU a call: of this process, and of the other."""
    began, theirs = time.process_time(), sum(child.cpu_times()[:2])
    for _ in range(times):
        once()
    here, there = time.process_time() - began, sum(child.cpu_times()[:2]) - theirs
    return here / times * 1e3, there / times * 1e3


def peers(trials: list[Resource], times: int) -> float:
    """Milliseconds of CPU of one answer of a study in memory that is told all trials anew."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space: dict[str, Any] = {}
    for axis in AXES:
        if axis.categories:
            space[axis.name] = optuna.distributions.CategoricalDistribution(range(axis.categories))
        else:
            space[axis.name] = optuna.distributions.FloatDistribution(0.0, 1.0)
    rows = []
    for trial in trials:
        places = {axis.name: axis.place(trial.spec["TunedHyperParameters"][axis.name]) for axis in AXES}
        rows.append({name: int(at or 0) if name == "booster" else at for name, at in places.items()})
    began = time.process_time()
    for _ in range(times):
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1, multivariate=True))
        for params, trial in zip(rows, trials, strict=True):
            made = optuna.trial.create_trial(params=params, distributions=space, value=machine.value(trial))
            study.add_trial(made)
        study.ask(space)
    return (time.process_time() - began) / times * 1e3


def regret(strategy: str, seed: int, search: SearchProcess) -> float:
    """How far the best of TRIALS is from the least there is."""
    square = (Axis("x", 0.0, 1.0), Axis("y", 0.0, 1.0), Axis("z", 0.0, 1.0))
    flat = Definition(0, "", {}, {"Type": "Minimize", "MetricName": "m"}, square)
    config = {"RandomSeed": seed, "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS}}
    job = Resource(machine.KIND, "job", "1", "r", "u", spec={"HyperParameterTuningJobConfig": config})
    made: list[Resource] = []
    for number in range(1, TRIALS + 1):
        tuned = asyncio.run(choose(strategy, Known(flat, made), job, number, search))
        value = bowl(tuple(float(tuned[axis.name]) for axis in square))
        spec = {"Number": number, "Definition": 0, "TunedHyperParameters": tuned}
        made.append(Resource(machine.TRIAL, str(number), "1", "r", str(number), spec=spec, status=told(value)))
    return min(one for one in map(machine.value, made) if one is not None)


def bowl(point: Point) -> float:
    return sum(weight * (one - at) ** 2 for one, at, weight in zip(point, (0.3, 0.7, 0.2), (3, 1, 0.5), strict=True))
