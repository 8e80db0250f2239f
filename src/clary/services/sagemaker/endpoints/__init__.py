"""Endpoints: models behind one name, on instances that are kept alive, swapped and scaled without losing a request."""

from clary.services.sagemaker.endpoints import operations
from clary.services.sagemaker.endpoints.machine import ENDPOINT, KIND
from clary.services.sagemaker.endpoints.reconcile import EndpointReconciler

__all__ = ["ENDPOINT", "KIND", "EndpointReconciler", "operations"]
