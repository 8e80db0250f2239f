"""Pages of models: one more way to invoke an endpoint, for people without keys. /apps/<endpoint> and what is below.

A page acts as a role of its own (clary.app_roles) and never as anybody else: what it may do, the role's policy says.
"""

from clary.services.sagemaker_runtime.apps import door
from clary.services.sagemaker_runtime.apps.rates import Gates

__all__ = ["Gates", "door"]
