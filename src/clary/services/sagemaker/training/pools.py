"""Warm pools: a job that ends keeps its place on this machine for a while, and the next one like it starts at once.

What a pool holds is the turn that its job was granted (see turns.py): CPUs and memory of this machine that no other job
gets meanwhile. Processes and files are not kept: here they come in milliseconds.
"""

from contextlib import suppress
from typing import Any, Final

from clary.aws.service import Context
from clary.jobs.turns import GRANTED
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import KEEP, Store
from clary.services.sagemaker.training.machine import KIND

AVAILABLE: Final = "warm-pool"
"""What the row of a job refers to while its pool can be had."""
LOOK_SECONDS: Final = 10.0
"""How often the holder of a pool says that it holds it: a server that has just started does not know."""
CLEANED: Final = "_cleaned"
"""Nothing of the job is left on this machine but its pool."""
SINCE: Final = "_pool_since"
_SAME: Final = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
"""Members of ResourceConfig that AWS compares."""
_FLAGS: Final = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")


def kept_seconds(job: Resource) -> int:
    """How long the job's pool is kept after its end; 0: it makes none."""
    return int(job.public()["ResourceConfig"].get("KeepAlivePeriodInSeconds") or 0)


def begun(job: Resource, pool: Resource | None) -> Doc:
    """The status members of a job that is granted its turn: by itself, or with the pool of another."""
    return {"WarmPoolStatus": {"Status": "InUse"}} if pool is not None or kept_seconds(job) else {}


def take(store: Store, job: Resource, now: float) -> Resource | None:
    """The pool that the job goes on with, which nobody else gets; None: there is none like it. Asked again after a
    crash it is the same one."""
    mine = f"{AVAILABLE}-of-{job.uid}"
    for pool in store.referring(job.account, job.region, KIND, mine):
        return pool
    for pool in store.referring(job.account, job.region, KIND, AVAILABLE):
        if now < until(pool) and _alike(pool, job):
            with suppress(Stale):  # another job was first, or its owner ended it
                told = {"Status": "Reused", "ReusedByJob": job.name, **_retained(pool, now)}
                due = None if pool.status.get(CLEANED) else now
                return store.update(pool, due=due, WarmPoolStatus=told, _refers=[mine], _granted=None)
    return None


def ended(job: Resource, now: float, *, healthy: bool) -> Doc:
    """The status members of a job that ends now: its turn becomes a pool, or is given up. `healthy`: it ended for
    reasons of its own, after its hosts had been started."""
    if GRANTED not in job.status:
        return {}
    if healthy and kept_seconds(job):
        return {"WarmPoolStatus": {"Status": "Available"}, "_refers": [AVAILABLE], SINCE: now}
    over = {"WarmPoolStatus": {"Status": "Terminated"}} if "WarmPoolStatus" in job.status else {}
    return {**over, GRANTED: None}


def is_available(job: Resource) -> bool:
    return bool((job.status.get("WarmPoolStatus") or {}).get("Status") == "Available")


def until(pool: Resource) -> float:
    """When it ends by itself."""
    return float(pool.status.get(SINCE, 0.0)) + kept_seconds(pool)


def terminated(pool: Resource, now: float) -> Doc:
    """The status members of a pool that is no more."""
    told = {"Status": "Terminated", **_retained(pool, now)}
    return {"WarmPoolStatus": told, "_refers": None, GRANTED: None}


def told(job: Resource, now: float) -> Doc | None:
    """WarmPoolStatus as it is now; None: the job has nothing to do with any."""
    said: Doc | None = job.status.get("WarmPoolStatus")
    return {**said, **_retained(job, now)} if said is not None and is_available(job) else said


def _retained(pool: Resource, now: float) -> Doc:
    since = pool.status.get(SINCE)
    return {} if since is None else {"ResourceRetainedBillableTimeInSeconds": max(0, round(now - since))}


def _alike(pool: Resource, job: Resource) -> bool:
    return _compared(pool.spec) == _compared(job.spec)


def _compared(spec: Doc) -> list[Any]:
    config, vpc = spec["ResourceConfig"], spec.get("VpcConfig") or {}
    return [
        spec["RoleArn"],
        *(config.get(member) for member in _SAME),
        *(sorted(vpc.get(member) or ()) for member in ("SecurityGroupIds", "Subnets")),
        *(bool(spec.get(member)) for member in _FLAGS),
        bool((spec.get("SessionChainingConfig") or {}).get("EnableSessionTagChaining")),
    ]


def set_kept(ctx: Context, job: Resource, seconds: int) -> Resource:
    """The job's pool is kept for so many seconds after its end; raises Stale. One that is over by that ends soon."""
    config = {**job.public()["ResourceConfig"], "KeepAlivePeriodInSeconds": seconds}
    return ctx.store.update(job, due=ctx.clock.now() if is_available(job) else KEEP, ResourceConfig=config)
