"""The life of a tuning job, and the rows of its trials.

A trial is a training job that a tuning job has launched. Its row says what was to be tried before there is a training
job of its name, and what became of it after: so a crash in between neither loses nor doubles it, and what is decided
next is decided from these rows alone.
"""

from hashlib import sha256

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Where
from clary.services.sagemaker.errors import ResourceNotFound

KIND = "hyper-parameter-tuning-job"
TRIAL = "tuning-trial"
"""Kind of the rows of trials: named as their training jobs, their parent is the tuning job's name."""
MOST_TRIALS = 100_000

TUNING_JOB = StateMachine(
    "HyperParameterTuningJobStatus",
    "InProgress",
    {
        "InProgress": {"Completed", "Failed", "Stopping"},
        "Stopping": {"Stopped", "Failed"},
    },
)


def find(ctx: Context, name: str) -> Resource:
    """The tuning job of that name. Raises ResourceNotFound."""
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise ResourceNotFound(f"There is no hyperparameter tuning job named {name!r} in {ctx.region}.") from None


def trials(store: Store, job: Resource) -> list[Resource]:
    """All trials of the tuning job, by their number."""
    where = Where(account=job.account, region=job.region, parent=job.name)
    found = store.page(TRIAL, where, limit=MOST_TRIALS)
    # An earlier tuning job of this name may have been deleted by a server that was killed meanwhile.
    mine = [one for one in found if one.spec["TuningJobUid"] == job.uid]
    return sorted(mine, key=number)


def number(trial: Resource) -> int:
    """From 1, in the order in which they were launched."""
    found: int = trial.spec["Number"]
    return found


def trial_name(job: Resource, number: int) -> str:
    """What AWS calls the training job of that number; the same for ever, so that it is not launched twice."""
    return f"{job.name}-{number:03}-{sha256(f'{job.uid}/{number}'.encode()).hexdigest()[:8]}"


def intend(store: Store, job: Resource, number: int, definition: int, tuned: Doc) -> Resource:
    """There is a row of the trial of that number; one that was there before stays as it is."""
    spec = {"TuningJobUid": job.uid, "Number": number, "Definition": definition, "TunedHyperParameters": tuned}
    name = trial_name(job, number)
    row = Resource(TRIAL, name, job.account, job.region, uid=ids.new(), parent=job.name, phase="InProgress", spec=spec)
    try:
        return store.create(row)
    except Exists:
        return store.get(job.account, job.region, TRIAL, name)


def settled(trial: Resource) -> bool:
    """Its training job has ended, and its row holds all that became of it."""
    return "ObjectiveStatus" in trial.status


def value(trial: Resource) -> float | None:
    """Of the objective, at its end; None: it has told none, or has not ended."""
    told = trial.status.get("FinalHyperParameterTuningJobObjectiveMetric")
    return None if told is None else float(told["Value"])
