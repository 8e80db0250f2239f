"""The lineage of jobs: what they read when they were asked for, and what they left when they ended.

A job is a trial component of the experiments (see experiments.tracking), known here by its name alone.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import orjson

from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Event, Store
from clary.services.sagemaker.lineage.associations import End
from clary.services.sagemaker.lineage.book import Book, named
from clary.services.sagemaker.lineage.entities import MOST_PROPERTIES, tail
from clary.services.sagemaker.lineage.origins import CODE, DATA, IMAGE, MODEL, REQUIREMENTS, Origins
from clary.services.sagemaker.scripts import decoded

TRAINING: Final = "training-job"
PROCESSING: Final = "processing-job"
TRANSFORM: Final = "transform-job"
TUNING: Final = "hyper-parameter-tuning-job"
KINDS: Final = (TRAINING, PROCESSING, TRANSFORM)
_ENDED: Final = ("Completed", "Stopped", "Failed")
_CODE_INPUTS: Final = frozenset({"code", "entrypoint", "sm_drivers", "sm_code"})
"""What the SDKs call the inputs that carry programs."""
_SEEDS: Final = ("seed", "random_seed", "random-seed", "random_state", "random-state")
_LONGEST: Final = 250
_OF_CONTENT: Final = 3
"""Properties that say what is at a place: objects, bytes, and that there is more."""


class Jobs:
    """Hears of training, processing and transform jobs."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def __call__(self, event: Event) -> None:
        book = Book.of(self._store, event)
        origins = Origins(book, self._objects)
        component = book.component(component_of(event.resource["arn"]))
        if event.type == "created":
            _forget_earlier(book, component, event)
            await _began(origins, component, event)
        if event.type == "moved" and event.phase in _ENDED:
            sources = book.sources(component)
            if not sources:  # its beginning was not heard: an outbox is kept for an hour
                await _began(origins, component, event)
                sources = book.sources(component)
            await _ended(origins, component, event, sources)
        tuning = event.resource["status"].get("TuningJobArn")
        if tuning:
            book.link(component, tuning_context(book, tuning), "AssociatedWith")


class Tunings:
    """Hears of tuning jobs: each is a context, to which its training jobs belong."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, event: Event) -> None:
        if event.type not in ("created", "moved"):
            return
        best = event.resource["status"].get("BestTrainingJob") or {}
        objective = best.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
        told: Doc = {
            "HyperParameterTuningJobStatus": event.phase,
            "Strategy": event.resource["spec"]["HyperParameterTuningJobConfig"].get("Strategy"),
            "BestTrainingJob": best.get("TrainingJobName"),
            "Objective": f"{objective['MetricName']}={objective['Value']}" if objective else None,
        }
        tuning_context(Book.of(self._store, event), event.resource["arn"], told)


def component_of(arn: str) -> str:
    """The name of the trial component of the job of that ARN."""
    kind, _, name = tail(arn).partition("/")
    return f"{name}-aws-{kind}"


def tuning_context(book: Book, arn: str, told: Doc | None = None) -> End:
    """The context of the tuning job of that ARN."""
    name = named(arn.rpartition("/")[2], f"aws-{TUNING}")
    return book.context(name, "HyperParameterTuningJob", arn, properties=told)


def _forget_earlier(book: Book, component: End, event: Event) -> None:
    """A job of the same name that was deleted left edges: they are not this job's. (Heard again, this job's own edges
    stay: they are younger than it.)"""
    for edge in book.edges(component):
        if edge.created < event.created:
            book.unlink(edge.spec["SourceArn"], edge.spec["DestinationArn"])


async def _began(origins: Origins, component: End, event: Event) -> None:
    spec, status = event.resource["spec"], event.resource["status"]
    link = origins.book.link
    match event.kind:
        case "training-job":
            link(origins.image(spec["AlgorithmSpecification"]["TrainingImage"]), component)
            source = decoded((spec.get("HyperParameters") or {}).get("sagemaker_submit_directory", ""))
            if source.startswith("s3://"):
                link(await origins.data(source, CODE), component)
            for channel in spec.get("InputDataConfig") or ():
                data = (channel.get("DataSource") or {}).get("S3DataSource")
                if data:
                    link(await origins.data(data["S3Uri"], _kind(channel["ChannelName"])), component)
        case "processing-job":
            link(origins.image(spec["AppSpecification"]["ImageUri"]), component)
            for one in spec.get("ProcessingInputs") or ():
                if one.get("S3Input"):
                    link(await origins.data(one["S3Input"]["S3Uri"], _kind(one["InputName"])), component)
        case "transform-job":
            link(await origins.data(spec["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]), component)
            await origins.containers((status.get("_model") or {}).get("containers") or (), component)


async def _ended(origins: Origins, component: End, event: Event, sources: Sequence[Resource]) -> None:
    spec, status = event.resource["spec"], event.resource["status"]
    model = (status.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
    if event.kind == TRAINING and model:
        await origins.produced(model, component, MODEL, _made_of(event, sources))
    checkpoints = (spec.get("CheckpointConfig") or {}).get("S3Uri")
    if event.kind == TRAINING and checkpoints:
        await origins.produced(checkpoints, component, "Checkpoint")
    if event.phase != "Completed":
        return  # what a job that failed has left is nobody's data
    if event.kind == PROCESSING:
        for one in (spec.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
            if one.get("S3Output"):
                await origins.produced(one["S3Output"]["S3Uri"], component)
    if event.kind == TRANSFORM:
        await origins.produced(spec["TransformOutput"]["S3OutputPath"], component)


def _made_of(event: Event, sources: Sequence[Resource]) -> Doc:
    """What a model's artifact tells of how it was made: hashes of its code, environment and data, its seed, its metrics
    and as many of its parameters as there is room for."""
    spec, status = event.resource["spec"], event.resource["status"]
    code, image, data = (_hash(sources, kind) for kind in (CODE, IMAGE, DATA))
    asked = [one.spec["Properties"][REQUIREMENTS] for one in sources if REQUIREMENTS in one.spec.get("Properties", {})]
    parameters = {
        name: decoded(value)
        for name, value in (spec.get("HyperParameters") or {}).items()
        if not name.startswith("sagemaker_")
    }
    seed = next((parameters[name] for name in _SEEDS if name in parameters), None)
    told: Doc = {
        "TrainingJobArn": event.resource["arn"],
        "TrainingJobStatus": event.phase,
        "DataHash": data,
        "CodeHash": code,
        "EnvironmentHash": _digest([image, sorted(asked)]),
        "Seed": seed,
    }
    for one in status.get("FinalMetricDataList") or ():
        told[f"Metric.{one['MetricName']}"[:_LONGEST]] = one["Value"]
    for name in sorted(parameters):
        told[f"Parameter.{name}"[:_LONGEST]] = parameters[name]
    there = {name: value for name, value in told.items() if value is not None}
    return dict(list(there.items())[: MOST_PROPERTIES - _OF_CONTENT])


def _hash(sources: Sequence[Resource], kind: str) -> str | None:
    """Of all artifacts of a type, each of which is named by its source and its state; None: there is none."""
    found = sorted(one.name for one in sources if one.phase == kind)
    return _digest(found) if found else None


def _digest(value: object) -> str:
    return f"sha256:{sha256(orjson.dumps(value)).hexdigest()}"


def _kind(name: str) -> str:
    return CODE if name in _CODE_INPUTS else DATA
