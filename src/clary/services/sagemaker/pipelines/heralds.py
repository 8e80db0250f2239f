"""What happens to executions and their steps, as Amazon EventBridge tells it: with members in lower camel case and
times as texts, as AWS has it for pipelines alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from clary.aws.heralds import Herald, envelope, seconds
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.sagemaker.pipelines.machine import EXECUTION, EXECUTION_MACHINE, STEP, STEP_MACHINE

SOURCE: Final = "aws.sagemaker"
_MOVES: Final = frozenset({"created", "moved"})


def execution(event: Event) -> Sequence[Doc]:
    """It was started, or its status is another."""
    if event.type not in _MOVES:
        return ()
    said: Doc = event.resource["spec"]
    arn: str = event.resource["arn"]
    detail: Doc = {
        "pipelineExecutionDisplayName": said.get("PipelineExecutionDisplayName"),
        "pipelineExecutionDescription": said.get("PipelineExecutionDescription"),
        "currentPipelineExecutionStatus": event.phase,
        "previousPipelineExecutionStatus": _before(event),
        "executionStartTime": seconds(event.created),
        "executionEndTime": seconds(event.at) if EXECUTION_MACHINE.settled(event.phase) else None,
        "failureReason": event.resource["status"].get("FailureReason"),
    }
    return [_told(event, "SageMaker Model Building Pipeline Execution Status Change", detail, arn)]


def step(event: Event) -> Sequence[Doc]:
    """It has begun, or its status is another. Of a step whose result was taken over nothing is told."""
    status: Doc = event.resource["status"]
    if event.type not in _MOVES or "SelectiveExecutionResult" in status:
        return ()
    arn, _, name = event.resource["arn"].rpartition("/step/")
    over = STEP_MACHINE.settled(event.phase)
    detail: Doc = {
        "metadata": _camel(status.get("Metadata") or {}),
        "stepName": name,
        "stepType": event.resource["spec"]["StepType"],
        "stepStartTime": seconds(status.get("StartTime", event.created)),
        "stepEndTime": seconds(status.get("EndTime", event.at)) if over else None,
        "currentStepStatus": event.phase,
        "previousStepStatus": _before(event),
        "cacheHitResult": _camel(status.get("CacheHitResult")),
        "failureReason": status.get("FailureReason") if event.phase == "Failed" else None,
    }
    return [_told(event, "SageMaker Model Building Pipeline Execution Step Status Change", detail, arn)]


def _told(event: Event, detail_type: str, detail: Doc, execution_arn: str) -> Doc:
    pipeline_arn = execution_arn.rpartition("/execution/")[0]
    known = {name: value for name, value in detail.items() if value is not None}
    known |= {"pipelineArn": pipeline_arn, "pipelineExecutionArn": execution_arn}
    return envelope(event, SOURCE, detail_type, known, [pipeline_arn, execution_arn])


def _before(event: Event) -> str | None:
    return event.old_phase if event.type == "moved" else None


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(one) for name, one in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list) else value


HERALDS: Final[Mapping[str, Herald]] = {EXECUTION: execution, STEP: step}
