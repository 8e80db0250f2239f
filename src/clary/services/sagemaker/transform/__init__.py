"""Transform jobs: the objects of a prefix, sent through a model's servers, with one output for each."""

from clary.services.sagemaker.transform import operations
from clary.services.sagemaker.transform.machine import KIND, TRANSFORM_JOB, instance_of
from clary.services.sagemaker.transform.reconcile import TransformJobReconciler

__all__ = ["KIND", "TRANSFORM_JOB", "TransformJobReconciler", "instance_of", "operations"]
