"""Processing jobs: one run of a user's program over inputs from S3, whose outputs go back there."""

from clary.services.sagemaker.processing import operations
from clary.services.sagemaker.processing.machine import KIND, PROCESSING_JOB
from clary.services.sagemaker.processing.reconcile import ProcessingJobReconciler

__all__ = ["KIND", "PROCESSING_JOB", "ProcessingJobReconciler", "operations"]
