"""A trial and its training job: made through the public operation, watched, stopped, and written down when it ends."""

from contextlib import suppress

from clary.aws.credentials import unpacked
from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker import listing
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.errors import ResourceInUse
from clary.services.sagemaker.training.machine import KIND as TRAINING
from clary.services.sagemaker.training.machine import TRAINING_JOB
from clary.services.sagemaker.training.operations import stop_training_job
from clary.services.sagemaker.tuning import definitions, machine
from clary.services.sagemaker.tuning.definitions import Definition

_KEPT = ("TrainingStartTime", "TrainingEndTime", "FailureReason")


def acting(engines: Engines, job: Resource) -> Context:
    """A context with the authority of who made the tuning job: it may launch what they may, no more."""
    return engines.inside(unpacked(job.status["_creator"]), job.region)


def training_job(store: Store, trial: Resource) -> Resource | None:
    """None: there is none (yet, or any more)."""
    with suppress(Missing):
        return store.get(trial.account, trial.region, TRAINING, trial.name)
    return None


async def launch(ctx: Context, job: Resource, definition: Definition, trial: Resource) -> None:
    """The trial's training job exists and says whose it is. Raises ServiceError when it may not or cannot be made."""
    request = definitions.training_request(job.spec, definition, trial.name, trial.spec["TunedHyperParameters"])
    # Behind this line a crash leaves a training job of the trial's name: the next look finds it, and makes no other.
    with suppress(ResourceInUse):
        await ctx.call("sagemaker", "CreateTrainingJob", request)
    link(ctx.store, job, trial)


def link(store: Store, job: Resource, trial: Resource) -> Resource | None:
    """The training job says which tuning job launched it; None: there is no training job."""
    while (found := training_job(store, trial)) is not None and "TuningJobArn" not in found.status:
        with suppress(Stale):  # Its own reconciler wrote it meanwhile: look again.
            store.update(found, TuningJobArn=job.arn)
    return found


async def stop(ctx: Context, trial: Resource) -> None:
    """The trial's training job is asked to end. Who made the tuning job need not be allowed StopTrainingJob: what a
    tuning job has launched, it may always end."""
    with suppress(ValidationException):  # It has ended meanwhile, which is as well.
        await stop_training_job(ctx, {"TrainingJobName": trial.name})


def settle(store: Store, trial: Resource, found: Resource, definition: Definition) -> Resource:
    """The row holds all that became of the trial, for as long as the tuning job is there."""
    told = {one["MetricName"]: one["Value"] for one in found.status.get("FinalMetricDataList") or ()}
    objective: Doc = {}
    if definition.metric in told:
        objective = {
            "Type": definition.objective["Type"],
            "MetricName": definition.metric,
            "Value": told[definition.metric],
        }
    return store.update(
        trial,
        phase=found.phase,
        TrainingJobArn=found.arn,
        CreationTime=found.created,
        ObjectiveStatus="Succeeded" if objective and found.phase != "Failed" else "Failed",
        FinalHyperParameterTuningJobObjectiveMetric=objective if objective and found.phase != "Failed" else None,
        **listing.pick(found.status, *_KEPT),
    )


def gone(store: Store, trial: Resource) -> Resource:
    """Its training job was there and is deleted: it counts as failed."""
    why = "ClientError: the training job was deleted while the tuning job was running"
    return store.update(trial, phase="Failed", ObjectiveStatus="Failed", FailureReason=why)


def ended(found: Resource) -> bool:
    return TRAINING_JOB.settled(found.phase)


def summary(store: Store, job: Resource, trial: Resource) -> Doc:
    """HyperParameterTrainingJobSummary: of a running trial, as its training job is now."""
    found = None if machine.settled(trial) else training_job(store, trial)
    live: Doc = {}
    if found is not None:
        live = {
            "TrainingJobArn": found.arn,
            "CreationTime": found.created,
            "TrainingJobStatus": found.phase,
            **listing.pick(found.status, *_KEPT),
        }
    known = {"TrainingJobStatus": trial.phase, "CreationTime": trial.created, **trial.status, **live}
    known.setdefault("TrainingJobArn", f"{job.arn.partition(':hyper-parameter')[0]}:training-job/{trial.name}")
    known.setdefault("ObjectiveStatus", "Pending")
    name = definitions.definitions(job.spec)[trial.spec["Definition"]].name
    if name:
        known["TrainingJobDefinitionName"] = name
    tuned = trial.spec["TunedHyperParameters"]
    return {
        "TrainingJobName": trial.name,
        "TuningJobName": job.name,
        "TunedHyperParameters": tuned,
        **{member: one for member, one in known.items() if not member.startswith("_") and one is not None},
    }


def why(error: ServiceError) -> str:
    """The FailureReason of a tuning job whose next training job was refused."""
    return f"ClientError: a training job could not be made: {error.error_code}: {error.message}"[:1024]
