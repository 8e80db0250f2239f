"""The AWS service sagemaker-runtime. Operations that are not registered here are refused by name."""

from clary.services.sagemaker_runtime import access, apps, asynchronous, stream
from clary.services.sagemaker_runtime.invoke import service

access.register()

__all__ = ["access", "apps", "asynchronous", "service", "stream"]
