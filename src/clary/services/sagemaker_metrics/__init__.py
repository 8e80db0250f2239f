"""The AWS service sagemaker-metrics: values of metrics, into trial components and out of them."""

from clary.services.sagemaker_metrics import access, get, put
from clary.services.sagemaker_metrics.api import Series, service

access.register()

__all__ = ["Series", "access", "get", "put", "service"]
