"""ECR: repositories of container images, and the registry that Docker and its kin push to and pull from.

Needs the ports `api.Registry`, `engines.objects.base.BucketStore`, `aws.credentials.KeyRing` and
`aws.endpoint.Endpoint`; gives `policies.RepositoryPolicies` as `aws.authorize.ResourcePolicies`.
"""

from clary.services.ecr import (
    access,
    api,
    images,
    layers,
    policies,
    registry,
    repositories,
    tags,
    tidying,
    tokens,
)
from clary.services.ecr.api import Registry, service

# Last: it looks at what all others have registered.
access.register()

__all__ = [
    "Registry",
    "access",
    "api",
    "images",
    "layers",
    "policies",
    "registry",
    "repositories",
    "service",
    "tags",
    "tidying",
    "tokens",
]
