"""The actions of S3 that policies may name, and whether they are about a bucket or about objects."""

from functools import lru_cache
from typing import Final

from clary.aws.policy.wildcard import Pattern
from clary.services.s3.access import OF_BUCKET, OF_OBJECT, OF_VERSION

_BUCKET: Final = frozenset(
    {
        *OF_BUCKET.values(),
        "GetBucketObjectLockConfiguration",
        "GetBucketVersioning",
        "ListTagsForResource",
        "PutAnalyticsConfiguration",
        "PutBucketObjectLockConfiguration",
        "PutInventoryConfiguration",
        "PutReplicationConfiguration",
        "TagResource",
        "UntagResource",
    }
)
_OBJECT: Final = frozenset(
    {
        *OF_OBJECT.values(),
        *(form.format(word) for form in OF_VERSION.values() for word in ("", "Version")),
        "BypassGovernanceRetention",
        "DeleteObjectVersion",
        "GetObjectAttributes",
        "GetObjectLegalHold",
        "GetObjectRetention",
        "GetObjectTorrent",
        "GetObjectVersionAttributes",
        "GetObjectVersionForReplication",
        "GetObjectVersionTorrent",
        "InitiateReplication",
        "ObjectOwnerOverrideToBucketOwner",
        "PutObject",
        "PutObjectLegalHold",
        "PutObjectRetention",
        "ReplicateDelete",
        "ReplicateObject",
        "ReplicateTags",
        "UpdateObjectEncryption",
    }
)


@lru_cache(maxsize=1024)
def actions_of(written: str) -> frozenset[str]:
    """What an action of a policy, perhaps with wildcards, is about: "bucket", "object", both, or (unknown) nothing."""
    if written == "*":
        return frozenset({"bucket", "object"})
    pattern = Pattern(written, variables=False, fold=True)
    found = set()
    for word, names in (("bucket", _BUCKET), ("object", _OBJECT)):
        if any(pattern.matches(f"s3:{name}", lambda key: None) for name in names):
            found.add(word)
    return frozenset(found)
