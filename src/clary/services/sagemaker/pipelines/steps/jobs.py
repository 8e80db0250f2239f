"""A step that is one job: made by its public Create operation under the step's token, looked at by Describe until it
has ended, stopped by Stop. All with the rights of the pipeline's role.

The token is the job's name, so that of a step that is started again after a crash the job is there already, and is
taken for what it is. A name that the arguments give is a prefix, as with the SDK's `use_custom_job_prefix`.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.kernel.resource import Doc
from clary.services.sagemaker import tags
from clary.services.sagemaker.experiments.pipelines import begin
from clary.services.sagemaker.pipelines.steps.base import Outcome, Running, StepRun, Stopped, Succeeded
from clary.services.sagemaker.pipelines.steps.failures import job_failed, refused

MADE: Final = "_made"
"""The status member of a step's row that says the name of the job that the attempt has made."""
EXECUTION_TAG: Final = "sagemaker:pipeline-execution-arn"
"""SageMaker's own tag on whatever a step makes: nobody needs the right to add it."""
LONGEST_NAME: Final = 63
_OF_TRIALS: Final = ("CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob")
"""Their jobs have components, which belong to the trial of the execution."""
_SUFFIX: Final = 11
"""The characters of a token's end that tell it from all others, with the dash before them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """The operations on one kind of job, and the members that matter in their answers."""

    create: str
    """For example "CreateProcessingJob"."""
    describe: str
    stop: str
    name: str
    """The member that names the job in all three."""
    arn: str
    """The member of the Create and Describe answers."""
    status: str
    """The member of the Describe answer."""
    metadata: str
    """The member of a step's Metadata that holds the ARN, for example "ProcessingJob"."""
    longest: int = LONGEST_NAME
    """The most characters of its name."""

    def shown(self, arn: str) -> Doc:
        """Metadata of ListPipelineExecutionSteps."""
        return {self.metadata: {"Arn": arn}}


def job_name(token: str, given: Any = None, longest: int = LONGEST_NAME) -> str:
    """The name of the job that the attempt of that token makes. `given`: the prefix that the arguments want; None:
    none."""
    if not isinstance(given, str) or not given:
        given = token[:-_SUFFIX]
    return f"{given[: longest - _SUFFIX].rstrip('-')}{token[-_SUFFIX:]}"


def taken(error: ServiceError) -> bool:
    """What was to be made is there already."""
    return error.error_code == "ResourceInUse" or "already exist" in error.message


async def look(run: StepRun, job: Job, request: Doc) -> Outcome:
    """The job has been made of `request` (which need not name it), or where it is. Succeeded carries Describe's answer
    as properties."""
    name: str | None = run.row.status.get(MADE)
    if name is None:
        return await _make(run, job, request)
    try:
        said = await run.ctx.call("sagemaker", job.describe, {job.name: name})
    except ServiceError as error:
        return refused(error, f"sagemaker:{job.describe}")
    return _outcome(job, name, said)


async def stop(run: StepRun, job: Job) -> Outcome:
    """The job has been asked to end, or how it has ended. One that was never made is Stopped."""
    name = run.row.status.get(MADE) or job_name(run.token, run.arguments.get(job.name), job.longest)
    try:
        said = await run.ctx.call("sagemaker", job.describe, {job.name: name})
    except ServiceError as error:
        if error.http_status >= 500 or error.http_status == 403:
            return Running(after=30.0)  # It may be there. Whether it is will be asked again.
        return Stopped()
    outcome = _outcome(job, name, said)
    if not isinstance(outcome, Running) or said[job.status] == "Stopping":
        return outcome
    try:
        await run.ctx.call("sagemaker", job.stop, {job.name: name})
    except ServiceError as error:
        # It has ended meanwhile, or the role may not stop it: then the execution waits for its end.
        log.warning("a step's job could not be stopped", extra={"job": name, "reason": error.message})
    return outcome


async def _make(run: StepRun, job: Job, request: Doc) -> Outcome:
    name = job_name(run.token, request.get(job.name), job.longest)
    try:
        asked = {**request, **_experiment(run, job, request), job.name: name}
        made = await run.ctx.call("sagemaker", job.create, asked)
        arn = str(made[job.arn])
    except ServiceError as error:
        if not taken(error):
            return refused(error, f"sagemaker:{job.create}")
        # Nobody else makes that name: it was made by this attempt, before a crash kept it from being written down.
        said = await run.ctx.call("sagemaker", job.describe, {job.name: name})
        arn = str(said[job.arn])
    _mark(run, arn)
    return Running(job.shown(arn), keep={MADE: name}, hears=arn)


def _mark(run: StepRun, arn: str) -> None:
    """The job says which execution it belongs to, where there is room for one more tag."""
    mark = {EXECUTION_TAG: run.execution.arn}
    tags.change(run.ctx, arn, lambda others: others if len(others) >= tags.MOST else {**others, **mark})


def _experiment(run: StepRun, job: Job, request: Doc) -> Doc:
    """The member of the request that puts the job into the trial of the execution, which is there from here on."""
    if job.create not in _OF_TRIALS or "ExperimentConfig" in request:
        return {}
    config = begin(run.ctx.store, run.execution, run.execution.status.get("PipelineExperimentConfig") or {})
    return {"ExperimentConfig": config} if config else {}


def _outcome(job: Job, name: str, said: Doc) -> Outcome:
    arn, status = str(said[job.arn]), str(said[job.status])
    metadata = job.shown(arn)
    match status:
        case "Completed":
            return Succeeded(said, metadata)
        case "Failed":
            return job_failed(said.get("FailureReason") or f"ClientError: the job {name} failed", metadata)
        case "Stopped" if said.get("FailureReason"):  # it ran too long: nobody has stopped it
            return job_failed(said["FailureReason"], metadata)
        case "Stopped":
            return Stopped(metadata)
    return Running(metadata, keep={MADE: name}, hears=arn)
