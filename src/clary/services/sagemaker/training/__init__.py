"""Training jobs: one run of an algorithm over channels of data, and the model that it leaves."""

from clary.services.sagemaker.training import operations
from clary.services.sagemaker.training.machine import KIND, LOG_GROUP, TRAINING_JOB
from clary.services.sagemaker.training.reconcile import TrainingJobReconciler

__all__ = ["KIND", "LOG_GROUP", "TRAINING_JOB", "TrainingJobReconciler", "operations"]
