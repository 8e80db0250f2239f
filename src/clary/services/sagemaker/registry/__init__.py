"""The model registry: groups of model packages, their versions and approvals."""

from clary.services.sagemaker.registry import groups, lists, packages, policies, resolving
from clary.services.sagemaker.registry.approval import HomeRules
from clary.services.sagemaker.registry.names import GROUP, PACKAGE

__all__ = ["GROUP", "PACKAGE", "HomeRules", "groups", "lists", "packages", "policies", "resolving"]
