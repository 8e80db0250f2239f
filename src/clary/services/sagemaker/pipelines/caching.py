"""Results of earlier executions, used again: found by a hash of what the step asks for and of what its inputs hold.

AWS compares the arguments alone. Here the content of every object that the step reads is part of the hash (code, data,
manifests), and so is the image. What the earlier step left must still be there, unchanged. What cannot be known is no
hit: a file system, an augmented manifest, a database query, more objects than can be looked at in a moment.

The engine calls `key` before it starts a step, keeps the answer in the row, asks `hit` for a row to take the result of,
and writes what `kept` answers into the row of a step that ran and succeeded.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import orjson

from clary.aws.errors import ServiceError
from clary.engines.runners.base import StartError
from clary.jobs import locations
from clary.jobs.locations import Location
from clary.jobs.refusals import InputError
from clary.kernel.errors import KernelError
from clary.kernel.objects import ObjectStore, Stat
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker import containers
from clary.services.sagemaker.inputs import sources
from clary.services.sagemaker.pipelines.steps.base import StepKind, StepRun

STEP: Final = "pipeline-step"
MOST_OBJECTS: Final = 50_000
"""Of one step's inputs, or outputs, that are looked at; with more of them it is not cached."""
_PAGE: Final = 1000
_FORM: Final = 1
"""Raised when a key is made in another way: results of older ones are not found then."""
_PASSING: Final = frozenset(
    {
        *("HyperParameterTuningJobName", "ProcessingJobName", "TrainingJobName", "TransformJobName"),
        *("ExperimentConfig", "RoleArn", "Tags"),
        *("InstanceType", "VolumeKmsKeyId", "VolumeSizeInGB", "KeepAlivePeriodInSeconds"),
        *("EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "NetworkConfig", "VpcConfig"),
        *("RetryStrategy", "StoppingCondition"),
    }
)
"""Members that say under which name, on whose authority and on what machine it runs, and for how long: SageMaker
does not compare them either."""
_OUTPUTS: Final = frozenset({"OutputDataConfig", "ProcessingOutputConfig", "TransformOutput"})
"""Below these S3 URIs say where results go, often by the execution's own name: they are not compared."""
_OWN: Final = frozenset(
    {"CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "ProfilerConfig", "TensorBoardOutputConfig"}
)
"""Below these are places that the job writes to itself while it runs: compared by name, never by what they hold."""
_OPAQUE: Final = frozenset({"FileSystemDataSource", "AthenaDatasetDefinition", "RedshiftDatasetDefinition"})
"""Inputs whose content nobody can name."""


class _Unknown(Exception):
    """What an input holds cannot be told."""


async def key(run: StepRun, kind: StepKind) -> str | None:
    """What the step's result depends on, as a hash; None: it cannot be cached, or its inputs cannot be known now."""
    if run.step.cache is None or not run.step.cache.enabled:
        return None
    shown = kind.cached(run)
    if shown is None:
        return None
    try:
        held = await _Inputs(run).of(shown)
    except (_Unknown, InputError, ServiceError, StartError, KernelError):
        # Whatever is wrong with an input, the step itself says better when it runs.
        return None
    compared = [_FORM, run.step.type, _compared(shown), held]
    return sha256(orjson.dumps(compared, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def hit(run: StepRun, known: str) -> Resource | None:
    """The row of the newest earlier run of this step whose result stands for it, `known` being its `key`. That step
    ran and succeeded, is not older than ExpireAfter, and what it left is there as it left it."""
    expire_after = None if run.step.cache is None else run.step.cache.expire_after
    for one in found(run.engines.store, run.row, run.execution.parent, run.step.name, known):
        about = one.status["_cache"]
        if expire_after is not None and about["at"] + expire_after <= run.engines.clock.now():
            return None  # the others are older
        try:
            if await _digest(run.engines.objects, about["places"]) == about["left"]:
                return one
        except (_Unknown, KernelError):
            continue
    return None


def found(store: Store, place: Resource, pipeline: str, step: str, known: str) -> list[Resource]:
    """Rows of steps that ran under that key, the newest first. `place`: any row of the account and region."""
    rows = store.referring(place.account, place.region, STEP, _name(pipeline, step, known))
    return sorted(rows, key=lambda one: float(one.status["_cache"]["at"]), reverse=True)


async def kept(run: StepRun, kind: StepKind, known: str, properties: Doc) -> Doc:
    """Members of the status of a step that ran and succeeded, `known` being the key that it started with, by which
    later executions find it. {}: its inputs changed while it ran, or what it left cannot be known; nobody shall find
    it."""
    if await key(run, kind) != known:
        return {}
    try:
        places = [str(place) for place in _left(properties)]
        left = await _digest(run.engines.objects, places)
    except (_Unknown, KernelError):
        return {}
    about = {"key": known, "at": run.engines.clock.now(), "places": places, "left": left}
    return {"_cache": about, "_refers": [_name(run.execution.parent, run.step.name, known)]}


def _name(pipeline: str, step: str, known: str) -> str:
    return f"cache/{pipeline}/{step}/{known}"


def _compared(value: Any, *, output: bool = False) -> Any:
    """The same without what differs from run to run."""
    if isinstance(value, dict):
        return {
            name: _compared(item, output=output or name in _OUTPUTS)
            for name, item in value.items()
            if name not in _PASSING
        }
    if isinstance(value, list):
        return [_compared(item, output=output) for item in value]
    return None if output and _location(value) is not None else value


class _Inputs:
    """What the inputs of one step hold, each looked at once."""

    def __init__(self, run: StepRun) -> None:
        self._run = run
        self._count = 0
        self._held: dict[str, str] = {}

    async def of(self, shown: Doc) -> dict[str, str]:
        """By URI: a digest of what is there. Raises _Unknown, and what the reading of manifests raises."""
        await self._look(shown, "")
        return self._held

    async def _look(self, value: Any, name: str) -> None:
        if isinstance(value, dict):
            if not _OPAQUE.isdisjoint(value) or value.get("S3DataType") == "AugmentedManifestFile":
                raise _Unknown
            if value.get("S3DataType") == "ManifestFile":
                await self._manifest(value)
            for member, item in value.items():
                if member not in _OUTPUTS and member not in _OWN and member not in _PASSING:
                    await self._look(item, member)
        elif isinstance(value, list):
            for item in value:
                await self._look(item, name)
        elif name in ("TrainingImage", "ImageUri", "Image"):
            self._held[value] = await self._image(value)
        elif (at := _location(value)) is not None and str(at) not in self._held:
            digest = sha256()
            for stat in await self._listed(at):
                digest.update(_line(stat))
            self._held[str(at)] = digest.hexdigest()

    async def _manifest(self, source: Doc) -> None:
        """Also what the manifest names; the manifest itself is an object like any other."""
        named = await sources.objects(self._run.ctx, source)
        digest = sha256()
        for one in named:
            self._counted(1)
            digest.update(_line(await self._run.engines.objects.head(one.at.bucket, one.at.key)))
        self._held[f"manifest {source['S3Uri']}"] = digest.hexdigest()

    async def _image(self, uri: str) -> str:
        image = await containers.identity(self._run.engines, self._run.row, uri, self._run.arguments.get("RoleArn", ""))
        if image is None:
            raise _Unknown
        return image

    async def _listed(self, at: Location) -> list[Stat]:
        seen = await _listed(self._run.engines.objects, at, MOST_OBJECTS - self._count)
        self._counted(len(seen))
        return seen

    def _counted(self, more: int) -> None:
        self._count += more
        if self._count > MOST_OBJECTS:
            raise _Unknown


def _left(properties: Doc) -> Iterator[Location]:
    """Where a step put what it made, by its properties."""
    for output in properties.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if "S3Output" in output:
            yield locations.parse(output["S3Output"]["S3Uri"])
    if "ModelArtifacts" in properties:
        # Beside the model stands what else the job has put out.
        model = locations.parse(properties["ModelArtifacts"]["S3ModelArtifacts"])
        yield Location(model.bucket, model.key.rpartition("/")[0] + "/")
    if "TransformOutput" in properties:
        yield locations.parse(properties["TransformOutput"]["S3OutputPath"])
    for path, job in _tuned(properties):
        yield locations.parse(path).child(job, "output/")
    for member in ("CalculatedBaselineConstraints", "CalculatedBaselineStatistics"):
        if (at := _location(properties.get(member))) is not None:
            yield at


def _tuned(properties: Doc) -> Iterator[tuple[str, str]]:
    """(output path, training job) of a tuning job."""
    given = [properties.get("TrainingJobDefinition"), *properties.get("TrainingJobDefinitions", ())]
    definitions = [one for one in given if one]
    jobs = [*properties.get("TrainingJobSummaries", ()), properties.get("BestTrainingJob") or {}]
    named = {one["TrainingJobName"]: one.get("TrainingJobDefinitionName") for one in jobs if "TrainingJobName" in one}
    for job, definition in named.items():
        for one in definitions:
            if len(definitions) == 1 or one.get("DefinitionName") == definition:
                yield one["OutputDataConfig"]["S3OutputPath"], job


async def _digest(objects: ObjectStore, places: list[str]) -> str:
    """Of all that stands at these places. Raises _Unknown, kernel errors."""
    digest, count = sha256(), 0
    for place in places:
        stats = await _listed(objects, locations.parse(place), MOST_OBJECTS - count)
        count += len(stats)
        digest.update(place.encode() + b"\n")
        for stat in stats:
            digest.update(_line(stat))
    return digest.hexdigest()


async def _listed(objects: ObjectStore, at: Location, most: int) -> list[Stat]:
    """Every object below `at`. Raises _Unknown when there are more than `most`."""
    listed: list[Stat] = []
    after = ""
    while True:
        page = await objects.list(at.bucket, at.key, after, _PAGE)
        listed += page
        if len(listed) > most:
            raise _Unknown
        if len(page) < _PAGE:
            return listed
        after = page[-1].key


def _line(stat: Stat) -> bytes:
    """What is equal as long as the object's content is."""
    return orjson.dumps([stat.bucket, stat.key, stat.size, stat.etag]) + b"\n"


def _location(value: Any) -> Location | None:
    """The S3 location that a text names, also one in quotes as script mode writes its hyperparameters; None: it names
    none."""
    if not isinstance(value, str) or "s3://" not in value[:6]:
        return None
    text = value.strip('"')
    return locations.parse(text) if text.startswith("s3://") and len(text) > len("s3://") else None
