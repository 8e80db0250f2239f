"""The times of a training job: until its turn comes, until its time is over, and what it has used of this machine."""

from dataclasses import replace
from typing import Final

from clary.engines.runners.base import Run
from clary.jobs.turns import GRANTED, Demand
from clary.kernel.reconcile import Step, again
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import instances as types
from clary.services.sagemaker import jobs
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.training import pools
from clary.services.sagemaker.training.machine import SPOT, enter, instances, limit, longest

BEFORE: Final = ("Starting", "Pending", "Restarting", "Interrupted")
"""Secondary statuses of a job whose present attempt has not begun."""
TURN_SECONDS: Final = 5.0
"""How often a job that waits asks for its turn; it is hastened when the turn comes."""
BEGAN: Final = "_began"
"""When the present attempt began to use this machine."""
SPENT: Final = "_spent"
"""Seconds that earlier attempts have used."""


def demand(engines: Engines, job: Resource) -> Demand:
    return types.demand(*instances(job), engines.instance_scale)


def step(engines: Engines, job: Resource) -> Step:
    """The job goes on when its turn has come, at once with a warm pool that fits; else it waits and says why."""
    now, asked = engines.clock.now(), demand(engines, job)
    pool = None
    if GRANTED not in job.status and (pool := pools.take(engines.store, job, now)) is not None:
        # What the pool holds is the job's own from here on: no other job is asked in between.
        engines.turns.leave(pool)
        job = replace(job, status={**job.status, **asked.granted()})
    why = engines.turns.ask(job, asked)
    if why is not None:
        left = limit(job, "MaxPendingTimeInSeconds")
        return again(min(TURN_SECONDS, left or TURN_SECONDS), **enter(job.status, "Pending", now, message=why))
    started = job.status.get("TrainingStartTime", now)
    said = {**enter(job.status, "Downloading", now), "TrainingStartTime": started, BEGAN: now}
    return again(0.0, **said, **asked.granted(), **pools.begun(job, pool))


def over(job: Resource, now: float) -> tuple[str, str] | None:
    """(secondary status, message) of a job that has waited for too long; None: it has not."""
    wait = limit(job, "MaxWaitTimeInSeconds") if job.spec.get(SPOT) else None
    if wait is not None and now - job.created > wait:
        return "MaxWaitTimeExceeded", "Training job wait time exceeded MaxWaitTimeInSeconds provided"
    pending = limit(job, "MaxPendingTimeInSeconds")
    past: list[Doc] = job.status["SecondaryStatusTransitions"]
    spent = sum(one.get("EndTime", now) - one["StartTime"] for one in past if one["Status"] == "Pending")
    if pending is not None and spent > pending:
        return "Stopped", f"The job was pending for longer than MaxPendingTimeInSeconds ({pending:.0f})"
    return None


def exceeded(job: Resource, run: Run, now: float) -> str | None:
    """The secondary status of a job that runs and whose time is over; None: it is not."""
    if run.started is not None and now - run.started + job.status.get(SPENT, 0.0) > longest(job):
        return "MaxRuntimeExceeded"
    wait = limit(job, "MaxWaitTimeInSeconds") if job.spec.get(SPOT) else None
    return "MaxWaitTimeExceeded" if wait is not None and now - job.created > wait else None


def spent(job: Resource, run: Run, now: float) -> Doc:
    """The status members of an attempt that was lost: it counts until its last sign of life."""
    seen = [run.started or 0.0]
    if run.log is not None and run.log.exists():
        seen.append(run.log.stat().st_mtime)
    began: float = job.status.get(BEGAN, seen[0])
    return {SPENT: job.status.get(SPENT, 0.0) + max(0.0, min(max(seen), now) - began)}


def times(job: Resource, now: float) -> Doc:
    """The status members of a job that ends now. What is billed is what its attempts have used: no discount is known
    here, so with managed spot training the two differ only by what the job waited in between."""
    started = job.status.get("TrainingStartTime")
    if started is None:
        return {}
    used = job.status.get(SPENT, 0.0) + max(0.0, now - float(job.status.get(BEGAN) or started))
    total = jobs.seconds_between(started, now)
    return {
        "TrainingEndTime": now,
        "TrainingTimeInSeconds": total,
        "BillableTimeInSeconds": min(total, jobs.seconds_between(0.0, used)),
    }
