"""How good the trials are: the best, how long it has not been bettered, and whether that is enough."""

from collections.abc import Iterable, Sequence
from typing import Final

from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.tuning import machine

SIGNIFICANT: Final = 0.01
"""An objective has improved when it is better by this share of what it was."""
CONVERGED_AFTER: Final = 10
"""So many trials without an improvement, and no fewer than half of all, are convergence."""
HOPELESS_AFTER: Final = 5
"""So many trials that all failed, or told no objective, fail the tuning job."""


def best(trials: Iterable[Resource], minimizes: bool) -> Resource | None:
    """The trial with the best objective; of equals, the first."""
    found: Resource | None = None
    for trial in trials:
        if machine.value(trial) is not None and (found is None or _better(trial, found, minimizes)):
            found = trial
    return found


def _better(one: Resource, other: Resource, minimizes: bool) -> bool:
    mine, others = machine.value(one), machine.value(other)
    assert mine is not None and others is not None
    return mine < others if minimizes else mine > others


def not_improving(trials: Sequence[Resource], minimizes: bool) -> int:
    """How many trials in a row, of those that told an objective and in the order in which they ended, have not bettered
    the best before them by SIGNIFICANT."""
    ended = [trial for trial in trials if machine.value(trial) is not None]
    ended.sort(key=lambda trial: (trial.status.get("TrainingEndTime", 0.0), machine.number(trial)))
    count, least = 0, None
    for trial in ended:
        value = machine.value(trial)
        assert value is not None
        low = value if minimizes else -value
        if least is None or low < least - SIGNIFICANT * abs(least):
            count, least = 0, low
        else:
            count, least = count + 1, min(least, low)
    return count


def converged(trials: Sequence[Resource], minimizes: bool) -> bool:
    told = sum(machine.value(trial) is not None for trial in trials)
    return not_improving(trials, minimizes) >= max(CONVERGED_AFTER, told // 2)


def enough(config: Doc, trials: Sequence[Resource], minimizes: bool) -> bool:
    """TuningJobCompletionCriteria are met: no more trials."""
    asked: Doc = config.get("TuningJobCompletionCriteria") or {}
    target = asked.get("TargetObjectiveMetricValue")
    leader = best(trials, minimizes)
    if target is not None and leader is not None:
        value = machine.value(leader)
        assert value is not None
        if value <= target if minimizes else value >= target:
            return True
    most = (asked.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
    if most is not None and not_improving(trials, minimizes) >= most:
        return True
    wanted = (asked.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled"
    return wanted and converged(trials, minimizes)


def hopeless(trials: Sequence[Resource], *, last: bool) -> str | None:
    """Why the tuning job fails: none of its first trials (with `last`: none at all) was of use. None: it goes on."""
    ended = [trial for trial in trials if machine.settled(trial)]
    if any(machine.value(trial) is not None for trial in ended) or not ended:
        return None
    if len(ended) < HOPELESS_AFTER and not last:
        return None
    if all(trial.phase == "Failed" for trial in ended):
        return (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the training job failures "
            "to get more details."
        )
    return (
        f"No objective metrics found after running {len(ended)} training jobs. Please ensure that the custom algorithm "
        "is emitting the objective metric as defined by the regular expression provided."
    )


def counters(trials: Iterable[Resource]) -> Doc:
    """TrainingJobStatusCounters and ObjectiveStatusCounters."""
    jobs = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        jobs[_counted_as(trial)] += 1
        objectives[trial.status.get("ObjectiveStatus", "Pending")] += 1
    return {"TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}


def _counted_as(trial: Resource) -> str:
    if not machine.settled(trial):
        return "InProgress"
    if trial.phase == "Failed":
        # What the machine did to a job may not happen again; what the job did will.
        retryable = str(trial.status.get("FailureReason", "")).startswith("InternalServerError")
        return "RetryableError" if retryable else "NonRetryableError"
    return trial.phase
