"""Which kind does the steps of which type. A type that is not here is refused when the pipeline is created."""

from collections.abc import Mapping
from typing import Final

from clary.services.sagemaker.pipelines.steps import processing, training, transform
from clary.services.sagemaker.pipelines.steps.base import StepKind
from clary.services.sagemaker.pipelines.steps.callback import CallbackStep
from clary.services.sagemaker.pipelines.steps.condition import ConditionStep
from clary.services.sagemaker.pipelines.steps.endpoint import EndpointConfigStep, EndpointStep
from clary.services.sagemaker.pipelines.steps.fail import FailStep
from clary.services.sagemaker.pipelines.steps.model import ModelStep
from clary.services.sagemaker.pipelines.steps.quality import QualityCheckStep
from clary.services.sagemaker.pipelines.steps.register import RegisterModelStep
from clary.services.sagemaker.pipelines.steps.tuning import TuningStep

KINDS: Final[Mapping[str, StepKind]] = {
    "Callback": CallbackStep(),
    "Condition": ConditionStep(),
    "Endpoint": EndpointStep(),
    "EndpointConfig": EndpointConfigStep(),
    "Fail": FailStep(),
    "Model": ModelStep(),
    "Processing": processing.STEP,
    "QualityCheck": QualityCheckStep(),
    "RegisterModel": RegisterModelStep(),
    "Training": training.STEP,
    "Transform": transform.STEP,
    "Tuning": TuningStep(),
}
"""One line a type, in alphabetical order."""

INSTEAD: Final[Mapping[str, str]] = {
    "AutoML": "use a Tuning step over a built-in algorithm",
    "ClarifyCheck": "compute the report in a Processing step, and compare it in a Condition",
    "Cleanup": "delete what is left over after the execution",
    "EMR": "run the program in a Processing step",
    "EMRServerless": "run the program in a Processing step",
    "ForEach": "write a step for each item",
    "InferenceComponent": "use an EndpointConfig and an Endpoint step",
    "Job": "use the step of the job's own type",
    "Lambda": "use a Processing step, or a Callback step whose queue a program of yours reads",
    "Lineage": "leave it out: lineage is recorded by itself",
}
"""What to do where AWS has a type of step that is not served here."""


def refusal(kind: str) -> str:
    """The sentence for a type that is not served."""
    if kind in INSTEAD:
        return f"steps of type {kind!r} are not served yet: {INSTEAD[kind]}"
    return f"there are no steps of type {kind!r}; there are {', '.join(sorted(KINDS))}"
