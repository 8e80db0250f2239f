"""Warm start: what the trials of earlier tuning jobs say about the ranges of a new one."""

from clary.engines.search.base import Point
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker.tuning import machine
from clary.services.sagemaker.tuning.definitions import Definition, definitions, static
from clary.services.sagemaker.tuning.strategies import point_of

IDENTICAL = "IdenticalDataAndAlgorithm"


def parents(store: Store, job: Resource) -> list[Resource]:
    """The tuning jobs that the job starts from, as far as they are still there."""
    found = []
    for said in (job.spec.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs") or ():
        try:
            found.append(store.get(job.account, job.region, machine.KIND, said["HyperParameterTuningJobName"]))
        except Missing:
            continue
    return found


def tried_before(store: Store, job: Resource, definition: Definition, own: list[Resource]) -> list[tuple[Point, float]]:
    """Points within the definition's ranges that parents have tried, and what came of them; less is better. On other
    data (TransferLearning) values say which was better, not how good: they are brought to the scale of the own ones."""
    config: Doc = job.spec.get("WarmStartConfig") or {}
    found: list[tuple[Point, float]] = []
    for parent in parents(store, job):
        points = _points(definition, machine.trials(store, parent), static(definitions(parent.spec)[0]))
        found += points if config["WarmStartType"] == IDENTICAL else _rescaled(points, _values(definition, own))
    return found


def _points(definition: Definition, rows: list[Resource], fixed: Doc) -> list[tuple[Point, float]]:
    """What the parent's rows tell; a hyperparameter that it had fixed stands where it was fixed."""
    found = []
    for row in rows:
        value, point = machine.value(row), point_of(definition.axes, {**fixed, **row.spec["TunedHyperParameters"]})
        if value is not None and point is not None:
            found.append((point, value if definition.minimizes else -value))
    return found


def _values(definition: Definition, own: list[Resource]) -> list[float]:
    told = [machine.value(trial) for trial in own]
    return [one if definition.minimizes else -one for one in told if one is not None]


def _rescaled(points: list[tuple[Point, float]], own: list[float]) -> list[tuple[Point, float]]:
    if not points:
        return []
    from statistics import fmean, pstdev  # only here: a start need not pay for it

    theirs = [value for _, value in points]
    middle, spread = fmean(theirs), pstdev(theirs) or 1.0
    centre, width = (fmean(own), pstdev(own) or 1.0) if own else (0.0, 1.0)
    return [(point, centre + width * (value - middle) / spread) for point, value in points]
