"""What a job or a run is refused for: AWS's own rules, and what is not served here."""

from collections.abc import Mapping
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.kernel.resource import Doc
from clary.services.glue.errors import InvalidInputException
from clary.services.glue.jobs import special
from clary.services.glue.jobs.rows import DPUS, SHELL, SPARK

DEFAULT_VERSION: Final = "5.0"
_VERSIONS: Final = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1")
_NOT_SERVED: Final = {
    "gluestreaming": "streaming jobs are not served: use glueetl, and a trigger that starts it often enough",
    "glueray": "Ray jobs are not served: use glueetl, or pythonshell",
}
_LONGEST_MINUTES: Final = 10_080
_MOST_RETRIES: Final = 10
_REFUSED: Final = {
    "Connections": "connections to databases and networks",
    "CodeGenConfigurationNodes": "visual jobs; give the script that the editor makes",
    "SourceControlDetails": "jobs from a repository; upload the script to S3",
}


def check_job(said: Doc) -> None:
    """Raises InvalidInputException for what AWS would refuse or Clary does not run, NotImplementedHere for what it does
    not know."""
    for member, what in _REFUSED.items():
        if said.get(member) and said[member] != {"Connections": []}:
            raise NotImplementedHere(f"{member} is not served by Clary: {what}.")
    _check_role(said.get("Role"))
    kind = _check_command(said.get("Command") or {})
    version = said.get("GlueVersion", DEFAULT_VERSION)
    _require(version in _VERSIONS, f"GlueVersion {version!r} is not known; versions are {', '.join(_VERSIONS)}")
    most = (said.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1)
    _require(1 <= most <= 1000, "ExecutionProperty.MaxConcurrentRuns must be 1 to 1000")
    retries = said.get("MaxRetries", 0)
    _require(0 <= retries <= _MOST_RETRIES, f"MaxRetries must be 0 to {_MOST_RETRIES}, not {retries}")
    check_run(said, kind)
    special.read({**(said.get("DefaultArguments") or {}), **(said.get("NonOverridableArguments") or {})})


def check_run(said: Doc, kind: str) -> None:
    """The members that a job and a run have in common. Raises InvalidInputException."""
    timeout = said.get("Timeout")
    _require(timeout is None or timeout <= _LONGEST_MINUTES, f"Timeout must be at most {_LONGEST_MINUTES} minutes")
    workers = [name for name in ("WorkerType", "NumberOfWorkers") if name in said]
    capacities = [name for name in ("MaxCapacity", "AllocatedCapacity") if name in said]
    if kind == SHELL:
        _require(not workers, "Worker Type and Number of Workers are for Spark jobs; a Python shell has MaxCapacity")
        capacity = said.get("MaxCapacity", 0.0625)
        _require(capacity in (0.0625, 1.0), f"MaxCapacity of a Python shell job must be 0.0625 or 1, not {capacity}")
        return
    _require(not (workers and capacities), "Please do not set Max Capacity if using Worker Type and Number of Workers.")
    _require(len(workers) != 1, "Please set both Worker Type and Number of Workers.")
    _require(said.get("NumberOfWorkers", 2) >= 1, "NumberOfWorkers must be at least 1")
    _require(said.get("WorkerType") != "Z.2X", "WorkerType Z.2X is for Ray jobs, which are not served")


def capacity(kind: str, said: Doc) -> Doc:
    """The members of a job's or run's size, with AWS's defaults."""
    if kind == SHELL:
        return {"MaxCapacity": said.get("MaxCapacity", 0.0625), "AllocatedCapacity": 0}
    if "WorkerType" in said:
        dpus = DPUS.get(said["WorkerType"], 1.0) * said["NumberOfWorkers"]
        return {
            "WorkerType": said["WorkerType"],
            "NumberOfWorkers": said["NumberOfWorkers"],
            "MaxCapacity": dpus,
            "AllocatedCapacity": int(dpus),
        }
    dpus = float(said["MaxCapacity"] if "MaxCapacity" in said else said.get("AllocatedCapacity", 10))
    return {"MaxCapacity": dpus, "AllocatedCapacity": int(dpus)}


def timeout(kind: str, version: str) -> int:
    """The minutes that a run may take where nobody says it."""
    return 480 if kind == SPARK and version >= "5" else 2880


def changed(spec: Mapping[str, Any], update: Doc) -> Doc:
    """The job's definition after UpdateJob: what the request leaves out is as a new job has it, as AWS does it, but the
    command's parts stand."""
    kept = {name: spec[name] for name in ("Role", "GlueVersion") if name in spec}
    command = {**spec["Command"], **(update.get("Command") or {})}
    return {**kept, **update, "Command": command}


def _check_role(role: str | None) -> None:
    _require(bool(role and role.strip()), "Role must be the name or the ARN of an IAM role")


def _check_command(command: Doc) -> str:
    name = command.get("Name") or ""
    if name in _NOT_SERVED:
        raise InvalidInputException(f"Command.Name {name} is not served: {_NOT_SERVED[name]}.")
    _require(name in (SPARK, SHELL), f"Command.Name must be {SPARK} or {SHELL}, not {name!r}")
    location = command.get("ScriptLocation") or ""
    _require(
        location.startswith(("s3://", "s3a://", "s3n://")) and not location.endswith("/"),
        f"Command.ScriptLocation must be the S3 URI of the script, not {location!r}",
    )
    version = command.get("PythonVersion", "3")
    _require(version != "2", "Command.PythonVersion 2 is not served: scripts run with Python 3")
    return str(name)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvalidInputException(otherwise)
