"""The AWS service sagemaker: training, tuning, processing, transform, models, endpoints, tags."""

from collections.abc import Mapping

from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.services.sagemaker import (
    access,
    asynchronous,
    cards,
    compiling,
    endpoint_configs,
    endpoints,
    experiments,
    lineage,
    models,
    pipelines,
    processing,
    registry,
    search,
    tags,
    training,
    transform,
    tuning,
)
from clary.services.sagemaker.api import service
from clary.services.sagemaker.asynchronous.backlog import Backlog
from clary.services.sagemaker.curves import Curves
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.measured import Measured

access.register()

MACHINES: Mapping[str, StateMachine] = {
    training.KIND: training.TRAINING_JOB,
    tuning.KIND: tuning.TUNING_JOB,
    processing.KIND: processing.PROCESSING_JOB,
    transform.KIND: transform.TRANSFORM_JOB,
    endpoints.KIND: endpoints.ENDPOINT,
    compiling.KIND: compiling.COMPILATION,
    asynchronous.machine.KIND: asynchronous.machine.INVOCATION,
    pipelines.EXECUTION: pipelines.EXECUTION_MACHINE,
    pipelines.STEP: pipelines.STEP_MACHINE,
}
"""The state machine of each kind that has one."""
JOBS = (training.KIND, processing.KIND, transform.KIND)
"""The kinds that wait their turn for this machine."""


def reconcilers(engines: Engines) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    return {
        training.KIND: training.TrainingJobReconciler(engines),
        tuning.KIND: tuning.TuningJobReconciler(engines),
        processing.KIND: processing.ProcessingJobReconciler(engines),
        transform.KIND: transform.TransformJobReconciler(engines),
        endpoints.KIND: endpoints.EndpointReconciler(engines),
        compiling.KIND: compiling.CompilationReconciler(engines),
        **pipelines.reconcilers(engines),
    }


__all__ = [
    "JOBS",
    "MACHINES",
    "Backlog",
    "Curves",
    "Engines",
    "Measured",
    "access",
    "cards",
    "compiling",
    "endpoint_configs",
    "experiments",
    "lineage",
    "models",
    "pipelines",
    "reconcilers",
    "registry",
    "search",
    "service",
    "tags",
    "training",
    "tuning",
]
