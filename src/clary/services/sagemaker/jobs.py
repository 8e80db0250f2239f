"""What training and processing jobs share: where lines go, why a job failed, and when it runs too long."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.engines.runners.base import Run
from clary.jobs import lines, outputs, turns
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import holding, instances
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.errors import ResourceInUse, ResourceLimitExceeded

POLL_SECONDS = 0.5
"""How often a running job's new lines are shipped; its end is learnt at once by a hint."""
CLEAN_SECONDS = 300.0
"""How often the removal of an ended job's run is tried again when it cannot be removed."""
GRACE_SECONDS = 120.0
"""From SIGTERM to SIGKILL of a job that is stopped."""
LONGEST_REASON = 1024
OUT_OF_MEMORY = (
    "Please use an instance type with more memory, or reduce the size of training data processed on an instance."
)
_DISK_FULL = ("No space left on device", "Disk quota exceeded")
"""What the C library says of it, in every language's messages."""
_DISK_IS_FULL = "The disk is full: make room on this machine, or write less"
TAKEN = "Job name must be unique within an AWS account and region, and a job with this name already exists"
"""What Create says of a processing or transform job's name that is taken."""
_KINDS = ("AlgorithmError: ", "ClientError: ", "InternalServerError: ")


def find(ctx: Context, kind: str, name: str, missing: str) -> Resource:
    """The job of that name. Raises ValidationException with the sentence `missing`."""
    try:
        return ctx.store.get(ctx.account, ctx.region, kind, name)
    except Missing:
        raise ValidationException(missing) from None


def check_turn(ctx: Context, req: Doc, instance_type: str, count: int) -> None:
    """Raises ValidationException for a priority that is none, ResourceLimitExceeded for more than this machine has."""
    turns.check_priority({tag["Key"]: tag.get("Value", "") for tag in req.get("Tags") or []})
    queue: turns.Turns | None = ctx.ports.get(turns.Turns)
    scale: instances.Scale | None = ctx.ports.get(instances.Scale)
    if queue is not None and scale is not None:
        why = queue.check(instances.demand(instance_type, count, scale.value))
        if why is not None:
            raise ResourceLimitExceeded(why)


def accept(ctx: Context, kind: str, name: str, arn: str, phase: str, req: Doc, status: Doc, taken: str) -> None:
    """The job stands, due at once, as asked by `req`. Raises ResourceInUse with the sentence `taken` and the ARN when
    there is one of that name."""
    job = Resource(
        kind,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase=phase,
        spec=req,
        status=status,
        due=ctx.clock.now(),
    )
    try:
        holding.made(ctx, ctx.store.create(job))
    except Exists:
        raise ResourceInUse(f"{taken} ({arn})") from None


def stop(ctx: Context, read: Callable[[], Resource], what: str, entered: Callable[[Resource], Doc]) -> None:
    """The job is asked to end. A second time changes nothing. Raises ValidationException when it has ended."""
    while True:
        job = read()
        if job.phase == "Stopping":
            return
        if job.phase != "InProgress":
            raise ValidationException(f"The request was rejected because the {what} is in status {job.phase}.")
        now = ctx.clock.now()
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            ctx.store.update(job, phase="Stopping", due=now, _stop_asked=now, **entered(job))
            return


def stream(job: Resource, group: str, started: float, host: str = "algo-1") -> LogStreamName:
    """Where the lines of one host of the job go."""
    return LogStreamName(job.account, job.region, group, f"{job.name}/{host}-{int(started)}")


def too_long(engines: Engines, run: Run, seconds: float) -> bool:
    return run.started is not None and engines.clock.now() - run.started > seconds


def ended_by_itself(job: Resource, run: Run) -> bool:
    """It ended before anybody asked it to stop."""
    asked = job.status.get("_stop_asked")
    return run.phase == "ended" and (asked is None or (run.ended is not None and run.ended < asked))


def why_failed(engines: Engines, run: Run, to: LogStreamName) -> str:
    """The FailureReason of a run that ended with another code than 0, or was lost."""
    if run.phase == "lost":
        return reason("InternalServerError", "the job was lost: the machine went down, or its process was killed")
    printed = lines.last(engines.logs, to)
    if run.out_of_memory:
        return _with_lines("ClientError", f"{OUT_OF_MEMORY} {_may_use(engines)}, exit code: {run.exit_code}", printed)
    if run.broken is not None:
        return reason("InternalServerError", run.broken)
    said = outputs.text(run.root, "/opt/ml/output/failure", 4 * LONGEST_REASON) if run.root else ""
    kind = "ClientError" if any(one in said or one in printed for one in _DISK_FULL) else "AlgorithmError"
    if said:
        full = f". {_DISK_IS_FULL}" if kind == "ClientError" else ""
        why = reason(kind, lines.shown(said), f"{full}, exit code: {run.exit_code}")
        return (
            why if lines.tells(said, printed) or not why.startswith("AlgorithmError") else _with_lines("", why, printed)
        )
    begin = f"the container ended with exit code: {run.exit_code}{lines.meaning(run.exit_code)}"
    if kind == "ClientError":
        begin += f". {_DISK_IS_FULL}"
    elif not printed:
        return reason(kind, f"{begin} and printed nothing; it was expected to end with 0")
    else:
        begin += "; it was expected to end with 0"
    return _with_lines(kind, begin, printed)


def ran_too_long(engines: Engines, to: LogStreamName, seconds: float) -> str:
    """The FailureReason of a job that was stopped since its time was over."""
    printed = lines.last(engines.logs, to)
    why = f"the job ran longer than MaxRuntimeInSeconds ({seconds:.0f}) and was stopped"
    return _with_lines("ClientError", f"{why}: allow it more in StoppingCondition, or see what it waits for", printed)


def _with_lines(kind: str, begin: str, printed: str) -> str:
    """The reason, with as many of the last lines as there is room for."""
    room = LONGEST_REASON - len(begin) - 60
    return reason(kind, f"{begin}. Its last lines:\n{printed[-room:]}" if printed and room > 0 else begin)


def _may_use(engines: Engines) -> str:
    most = f"{engines.max_memory_bytes:,} bytes" if engines.max_memory_bytes else "all of this machine's memory"
    return f"Here a job of any instance type may use {most} (the setting CLARY_MAX_RUN_MEMORY_BYTES)"


def reason(kind: str, text: str, end: str = "") -> str:
    """`<kind>: <text><end>`, cut in the middle to what FailureReason holds. A text that names its kind keeps it."""
    start = "" if text.startswith(_KINDS) else f"{kind}: "
    return f"{start}{text[: LONGEST_REASON - len(start) - len(end)]}{end}"


def give_up_reason(error: Exception) -> str:
    """The FailureReason when Clary itself could not go on: the stack is in the server's log, not here."""
    if lines.disk_is_full(error):
        return reason("ClientError", f"Clary could not go on with the job. {_DISK_IS_FULL}")
    return reason(
        "InternalServerError", f"Clary could not go on with the job ({type(error).__name__}). Please try again."
    )


def seconds_between(start: float, end: float) -> int:
    """Whole seconds, at least 1, as AWS bills."""
    return max(1, round(end - start))


def resource_config(instance_type: str | None, current: str = "algo-1", hosts: Sequence[str] = ("algo-1",)) -> Doc:
    """resourceconfig.json of the host called `current` in a cluster of these."""
    names = list(hosts)
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type or "", "hosts": names}
    return {
        "current_host": current,
        "current_instance_type": instance_type or "",
        "current_group_name": "homogeneousCluster",
        "hosts": names,
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
