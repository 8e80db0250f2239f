"""S3: buckets and objects.

Needs the ports `engines.objects.base.BucketStore` and `happenings.Happenings`; gives `policy.BucketPolicies` as
`aws.authorize.ResourcePolicies`.
"""

from collections.abc import Mapping
from typing import Final

from clary.engines.objects.base import BucketStore
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.services.s3 import (
    absent,
    access,
    acl,
    around,
    bucket_tagging,
    buckets,
    copies,
    cors,
    encryption,
    expiry,
    form_upload,
    hadoop,
    happenings,
    lifecycle,
    listing,
    multipart,
    notifications,
    notify,
    objects,
    ownership,
    pages,
    policy,
    public_access,
    remembered,
    tagging,
    uploads,
    versions,
    web,
    website,
)
from clary.services.s3.api import BUCKET, service

# Last: they look at what all others have registered.
access.register(service)
around.register(service)

MACHINES: Final[Mapping[str, StateMachine]] = {happenings.KIND: happenings.MACHINE}


def reconcilers(store: BucketStore, told: happenings.Happenings, clock: Clock) -> Mapping[str, Reconciler]:
    """By the kind of resource that each looks after."""
    return {BUCKET: expiry.BucketReconciler(store, told, clock), happenings.KIND: told}


__all__ = [
    "MACHINES",
    "absent",
    "access",
    "acl",
    "around",
    "bucket_tagging",
    "buckets",
    "copies",
    "cors",
    "encryption",
    "expiry",
    "form_upload",
    "hadoop",
    "happenings",
    "lifecycle",
    "listing",
    "multipart",
    "notifications",
    "notify",
    "objects",
    "ownership",
    "pages",
    "policy",
    "public_access",
    "reconcilers",
    "remembered",
    "service",
    "tagging",
    "uploads",
    "versions",
    "web",
    "website",
]
