"""IAM: roles and their policies, one for all regions."""

from clary.services.iam import policies, roles
from clary.services.iam.api import service

__all__ = ["policies", "roles", "service"]
