"""Hyperparameter tuning jobs: many training jobs, each tried with what the ones before it have taught."""

from clary.services.sagemaker.tuning import operations, waking
from clary.services.sagemaker.tuning.machine import KIND, TRIAL, TUNING_JOB
from clary.services.sagemaker.tuning.reconcile import TuningJobReconciler

__all__ = ["KIND", "TRIAL", "TUNING_JOB", "TuningJobReconciler", "operations", "waking"]
