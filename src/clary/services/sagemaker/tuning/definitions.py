"""What the training jobs of a tuning job are made from: its definitions, and the request that one of them becomes."""

from dataclasses import dataclass
from typing import Final

from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import images
from clary.services.sagemaker.tuning.ranges import Axis, axes

OBJECTIVE_HYPERPARAMETER: Final = "_tuning_objective_metric"
"""Tells the algorithm what it is tuned for: one that prints several metrics prints this one for sure."""
_PASSED_ON: Final = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


@dataclass(frozen=True, slots=True)
class Definition:
    index: int
    name: str
    """"": the tuning job has only one, which needs none."""
    said: Doc
    objective: Doc
    axes: tuple[Axis, ...]

    @property
    def minimizes(self) -> bool:
        return bool(self.objective["Type"] == "Minimize")

    @property
    def metric(self) -> str:
        name: str = self.objective["MetricName"]
        return name


def definitions(spec: Doc) -> tuple[Definition, ...]:
    """All definitions of a Create request that was accepted."""
    config = spec["HyperParameterTuningJobConfig"]
    if (one := spec.get("TrainingJobDefinition")) is not None:
        objective = config.get("HyperParameterTuningJobObjective", one.get("TuningObjective"))
        ranges = config.get("ParameterRanges", one.get("HyperParameterRanges"))
        return (Definition(0, one.get("DefinitionName", ""), one, objective, axes(ranges)),)
    return tuple(
        Definition(index, one["DefinitionName"], one, one["TuningObjective"], axes(one["HyperParameterRanges"]))
        for index, one in enumerate(spec["TrainingJobDefinitions"])
    )


def of_number(number: int, among: tuple[Definition, ...]) -> Definition:
    """The definition of the trial of that number: they take turns."""
    return among[(number - 1) % len(among)]


def metric_definitions(said: Doc) -> list[Doc]:
    """Of the definition: its own, else its built-in image's."""
    algorithm = said["AlgorithmSpecification"]
    image = images.lookup(algorithm["TrainingImage"]) if algorithm.get("TrainingImage") else None
    return algorithm.get("MetricDefinitions") or (list(image.metrics) if image is not None else [])


def resource_config(said: Doc) -> Doc:
    """The definition's cluster, whichever member named it: of several to choose from, the first is always to be had."""
    if (cluster := said.get("HyperParameterTuningResourceConfig")) is None:
        found: Doc = said.get("ResourceConfig") or {}
        return found
    first = (cluster.get("InstanceConfigs") or [{}])[0]
    merged = {**cluster, **first}
    return {name: one for name, one in merged.items() if name not in ("InstanceConfigs", "AllocationStrategy")}


def static(definition: Definition) -> Doc:
    """The hyperparameters that all its trials share."""
    return {**(definition.said.get("StaticHyperParameters") or {}), OBJECTIVE_HYPERPARAMETER: definition.metric}


def training_request(job: Doc, definition: Definition, name: str, tuned: Doc) -> Doc:
    """CreateTrainingJob's request for one trial; `job` is the request of the tuning job."""
    said = definition.said
    wanted: Doc = {
        "TrainingJobName": name,
        "HyperParameters": {**static(definition), **tuned},
        "AlgorithmSpecification": said["AlgorithmSpecification"],
        "ResourceConfig": resource_config(said),
        **{member: said[member] for member in _PASSED_ON if member in said},
    }
    if (checkpoints := said.get("CheckpointConfig")) is not None:
        # Each trial has its own: one must not go on from what another has learnt.
        wanted["CheckpointConfig"] = {**checkpoints, "S3Uri": f"{checkpoints['S3Uri'].rstrip('/')}/{name}"}
    if job.get("Tags"):
        wanted["Tags"] = job["Tags"]
    return wanted


def described(job: Resource, definition: Definition) -> Doc:
    """As Describe shows it: with what every trial is given beside."""
    said = dict(definition.said)
    said["StaticHyperParameters"] = static(definition)
    algorithm = dict(said["AlgorithmSpecification"])
    if found := metric_definitions(said):
        algorithm["MetricDefinitions"] = found
    said["AlgorithmSpecification"] = algorithm
    said["ResourceConfig"] = resource_config(said)
    said["OutputDataConfig"] = {"KmsKeyId": "", **said["OutputDataConfig"]}
    for member in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"):
        said.setdefault(member, False)
    return said
