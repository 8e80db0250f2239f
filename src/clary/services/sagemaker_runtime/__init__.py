"""The AWS service sagemaker-runtime. Operations that are not registered here are refused by name."""

from clary.services.sagemaker_runtime import stream
from clary.services.sagemaker_runtime.invoke import service

__all__ = ["service", "stream"]
