"""What the request and the end of a job say of its trial component: parameters, artifacts, status, times."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clary.kernel.resource import Doc
from clary.services.sagemaker import processing, training, transform
from clary.services.sagemaker.experiments.components import MOST_ARTIFACTS, MOST_PARAMETERS

_MEDIA: Final = re.compile(r"[-\w]+/[-\w+]+", re.ASCII)
_LONGEST_TEXT: Final = 2500
_LONGEST_MESSAGE: Final = 1024
_Named = Iterator[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of job is told of."""

    source: str
    """SourceType."""
    times: tuple[str, str]
    """The status members of its start and its end."""
    parameters: Callable[[Doc], _Named]
    inputs: Callable[[Doc], _Named]
    outputs: Callable[[Doc, Doc], _Named]
    """Of its spec and its status."""


def asked(kind: Kind, spec: Doc) -> Doc:
    """The members of the component that the request of the job says."""
    found = {
        "Parameters": dict(_first(MOST_PARAMETERS, ((name, _parameter(one)) for name, one in kind.parameters(spec)))),
        "InputArtifacts": dict(_first(MOST_ARTIFACTS, kind.inputs(spec))),
    }
    return {member: value for member, value in found.items() if value}


def true(kind: Kind, phase: str, spec: Doc, status: Doc) -> Doc:
    """The members that tell how far the job is."""
    why = status.get("FailureReason")
    found: Doc = {"Status": {"PrimaryStatus": phase, **({"Message": why[:_LONGEST_MESSAGE]} if why else {})}}
    for member, name in zip(("StartTime", "EndTime"), kind.times, strict=True):
        if status.get(name) is not None:
            found[member] = status[name]
    outputs = dict(_first(MOST_ARTIFACTS, kind.outputs(spec, status)))
    return {**found, **({"OutputArtifacts": outputs} if outputs else {})}


def _first(most: int, named: _Named) -> _Named:
    for (name, value), _ in zip(named, range(most), strict=False):
        yield name, value


def _parameter(value: Any) -> Doc:
    """A number where it is one, as AWS has it: hyperparameters all come as texts."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return {"NumberValue": number} if math.isfinite(number) else {"StringValue": str(value)[:_LONGEST_TEXT]}


def _artifact(uri: str, media: str | None = None) -> Doc:
    return {"Value": uri, **({"MediaType": media} if media and len(media) <= 64 and _MEDIA.fullmatch(media) else {})}


def _cluster(config: Doc) -> _Named:
    for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if config.get(member) is not None:
            yield f"SageMaker.{member}", config[member]


def _training_parameters(spec: Doc) -> _Named:
    yield from _cluster(spec.get("ResourceConfig") or {})
    yield from sorted((spec.get("HyperParameters") or {}).items())


def _training_inputs(spec: Doc) -> _Named:
    yield "SageMaker.ImageUri", _artifact(spec["AlgorithmSpecification"]["TrainingImage"])
    for one in spec.get("InputDataConfig") or ():
        source = one["DataSource"]["S3DataSource"]
        yield one["ChannelName"], _artifact(source["S3Uri"], one.get("ContentType"))


def _training_outputs(spec: Doc, status: Doc) -> _Named:
    if "ModelArtifacts" in status:
        yield "SageMaker.ModelArtifact", _artifact(status["ModelArtifacts"]["S3ModelArtifacts"])


def _processing_parameters(spec: Doc) -> _Named:
    yield from _cluster(spec["ProcessingResources"]["ClusterConfig"])


def _processing_inputs(spec: Doc) -> _Named:
    yield "SageMaker.ImageUri", _artifact(spec["AppSpecification"]["ImageUri"])
    for one in spec.get("ProcessingInputs") or ():
        if "S3Input" in one:
            yield one["InputName"], _artifact(one["S3Input"]["S3Uri"])


def _processing_outputs(spec: Doc, status: Doc) -> _Named:
    for one in (spec.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        if "S3Output" in one:
            yield one["OutputName"], _artifact(one["S3Output"]["S3Uri"])


def _transform_parameters(spec: Doc) -> _Named:
    yield from _cluster(spec["TransformResources"])
    yield "SageMaker.ModelName", spec["ModelName"]


def _transform_inputs(spec: Doc) -> _Named:
    given = spec["TransformInput"]
    yield "SageMaker.TransformInput", _artifact(given["DataSource"]["S3DataSource"]["S3Uri"], given.get("ContentType"))


def _transform_outputs(spec: Doc, status: Doc) -> _Named:
    yield "SageMaker.TransformOutput", _artifact(spec["TransformOutput"]["S3OutputPath"])


KINDS: Final[Mapping[str, Kind]] = {
    training.KIND: Kind(
        "SageMakerTrainingJob",
        ("TrainingStartTime", "TrainingEndTime"),
        _training_parameters,
        _training_inputs,
        _training_outputs,
    ),
    processing.KIND: Kind(
        "SageMakerProcessingJob",
        ("ProcessingStartTime", "ProcessingEndTime"),
        _processing_parameters,
        _processing_inputs,
        _processing_outputs,
    ),
    transform.KIND: Kind(
        "SageMakerTransformJob",
        ("TransformStartTime", "TransformEndTime"),
        _transform_parameters,
        _transform_inputs,
        _transform_outputs,
    ),
}
