"""S3: buckets and objects. Needs the port `engines.objects.base.BucketStore`."""

from clary.services.s3 import (
    absent,
    access,
    acl,
    bucket_tagging,
    buckets,
    copies,
    cors,
    encryption,
    listing,
    multipart,
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
from clary.services.s3.api import service

# Last: it looks at what all others have registered.
access.register(service)

__all__ = [
    "absent",
    "access",
    "acl",
    "bucket_tagging",
    "buckets",
    "copies",
    "cors",
    "encryption",
    "listing",
    "multipart",
    "objects",
    "ownership",
    "pages",
    "policy",
    "public_access",
    "remembered",
    "service",
    "tagging",
    "uploads",
    "versions",
    "web",
    "website",
]
