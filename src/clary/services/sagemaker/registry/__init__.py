"""The model registry: groups of model packages, their versions and approvals, and what can be searched of them."""

from clary.services.sagemaker.registry import groups, lists, packages, resolving, search
from clary.services.sagemaker.registry.names import GROUP, PACKAGE

__all__ = ["GROUP", "PACKAGE", "groups", "lists", "packages", "resolving", "search"]
