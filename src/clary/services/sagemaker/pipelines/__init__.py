"""Pipelines: definitions and their versions, executions, and the steps that they take."""

from collections.abc import Mapping

from clary.kernel.reconcile import Reconciler
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.pipelines import callbacks, executions, operations, steps_listed, versions, waking
from clary.services.sagemaker.pipelines.erasing import PipelineReconciler
from clary.services.sagemaker.pipelines.late import Late, Walkers
from clary.services.sagemaker.pipelines.machine import (
    EXECUTION,
    EXECUTION_MACHINE,
    PIPELINE,
    STEP,
    STEP_MACHINE,
    VERSION,
)


def reconcilers(engines: Engines) -> Mapping[str, Reconciler]:
    """Of pipelines, executions and steps, over one memory of what they have seen."""
    walkers = Walkers(engines)
    return {
        PIPELINE: PipelineReconciler(engines.store),
        EXECUTION: Late(walkers, EXECUTION),
        STEP: Late(walkers, STEP),
    }


__all__ = [
    "EXECUTION",
    "EXECUTION_MACHINE",
    "PIPELINE",
    "STEP",
    "STEP_MACHINE",
    "VERSION",
    "callbacks",
    "executions",
    "operations",
    "reconcilers",
    "steps_listed",
    "versions",
    "waking",
]
