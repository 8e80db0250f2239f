"""Access control lists: kept and told. They open things to everybody or to every account; policies decide the rest."""

from typing import Any, Final

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.s3 import errors
from clary.services.s3.api import (
    asked_bucket,
    checked_key,
    checked_version,
    head,
    objects,
    owner,
    owner_id,
    service,
)
from clary.services.s3.bucket_errors import InvalidBucketAclWithBlockPublicAccessError
from clary.services.s3.ownership import acls_count
from clary.services.s3.public_access import blocks
from clary.services.s3.settings import change

GROUPS: Final = "http://acs.amazonaws.com/groups/"
EVERYBODY: Final = GROUPS + "global/AllUsers"
EVERY_ACCOUNT: Final = GROUPS + "global/AuthenticatedUsers"
_LOGS: Final = GROUPS + "s3/LogDelivery"
_CANNED: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "private": (),
    "public-read": ((EVERYBODY, "READ"),),
    "public-read-write": ((EVERYBODY, "READ"), (EVERYBODY, "WRITE")),
    "authenticated-read": ((EVERY_ACCOUNT, "READ"),),
    "bucket-owner-read": (),  # the owner of every bucket is the owner of every object in it
    "bucket-owner-full-control": (),
    "aws-exec-read": (),
}
_HEADERS: Final = {
    "GrantRead": "READ",
    "GrantWrite": "WRITE",
    "GrantReadACP": "READ_ACP",
    "GrantWriteACP": "WRITE_ACP",
    "GrantFullControl": "FULL_CONTROL",
}
_NAMES: Final = ("AccessControlPolicy.Owner.DisplayName", "AccessControlPolicy.Grants.Grantee.DisplayName")
_MOST_GRANTS: Final = 100
_OWNERS_OWN: Final = frozenset({"bucket-owner-full-control"})
"""What may be said even where lists do not count, because it says nothing new."""

Grants = list[list[str]]
"""(who, permission) beyond the list "private": who is the URI of a group or the canonical id of an account."""
_KEPT: Final = "_acl"


def of_write(bucket: Resource, req: Doc) -> Doc:
    """The part of an object's metadata that its list makes. Raises AccessControlListNotSupported, AccessDenied,
    InvalidRequest, InvalidArgument."""
    if not _says(req):
        return {}
    grants = asked(bucket, req)
    return {_KEPT: grants} if grants is not None else {}


def of_new_bucket(bucket: Resource, req: Doc) -> Doc:
    """The part of a new bucket's status that its list makes. Raises InvalidBucketAclWithBlockPublicAccessError: new
    buckets are closed to everybody until that is changed."""
    if not _says(req) or not acls_count(bucket):
        return {}  # "private" is what it is
    try:
        return of_write(bucket, req)
    except errors.AccessDenied:
        raise InvalidBucketAclWithBlockPublicAccessError from None


def asked(bucket: Resource, req: Doc) -> Grants | None:
    """The list that headers or body ask for; None: the owner alone. Raises as `of_write`, and MalformedACLError."""
    policy = req.get("AccessControlPolicy")
    if not acls_count(bucket):
        if policy is None and req.get("ACL") in _OWNERS_OWN and not req.keys() & _HEADERS.keys():
            return None
        if policy is None or _of_policy(bucket, policy) != _full_control(bucket):
            raise errors.AccessControlListNotSupported
        return None
    if "ACL" in req and req.keys() & _HEADERS.keys():
        raise errors.InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
    if policy is not None:
        grants = _of_policy(bucket, policy)
    elif "ACL" in req:
        grants = [*_full_control(bucket), *([who, what] for who, what in _CANNED[req["ACL"]])]
    else:
        grants = _of_headers(bucket, req)
    if blocks(bucket, "BlockPublicAcls") and is_public(grants):
        raise errors.AccessDenied
    return None if grants == _full_control(bucket) else grants


def is_public(grants: Grants) -> bool:
    """Somebody outside the account is granted something."""
    return any(who in (EVERYBODY, EVERY_ACCOUNT) for who, _ in grants)


def granted(bucket: Resource, kept: Grants | None, permission: str, *, anonymous: bool) -> bool:
    """The list opens `permission` (READ, WRITE, READ_ACP, WRITE_ACP) to callers who are nobody, or to every account."""
    if kept is None or not acls_count(bucket) or blocks(bucket, "IgnorePublicAcls"):
        return False
    groups = {EVERYBODY} if anonymous else {EVERYBODY, EVERY_ACCOUNT}
    return any(who in groups and what in (permission, "FULL_CONTROL") for who, what in kept)


@service.operation("GetBucketAcl")
async def get_bucket_acl(ctx: Context, req: Doc) -> Doc:
    bucket = asked_bucket(ctx, req)
    return _told(bucket, bucket.status.get(_KEPT))


@service.operation("PutBucketAcl", ignores=("ChecksumAlgorithm", *_NAMES))
async def put_bucket_acl(ctx: Context, req: Doc) -> Doc:
    """The bucket has this list. Errors: AccessControlListNotSupported, MalformedACLError, AccessDenied (the bucket
    blocks public lists)."""
    change(ctx, req, _acl=_must(asked_bucket(ctx, req), req))
    return {}


@service.operation("GetObjectAcl", ignores=("RequestPayer",))
async def get_object_acl(ctx: Context, req: Doc) -> Doc:
    """Of the current version, or the one that is named."""
    bucket, key, version = asked_bucket(ctx, req), checked_key(req), checked_version(req)
    stat = await head(ctx, bucket.name, key, version)
    return _told(bucket, stat.meta.get(_KEPT))


@service.operation("PutObjectAcl", ignores=("ChecksumAlgorithm", "RequestPayer", *_NAMES))
async def put_object_acl(ctx: Context, req: Doc) -> Doc:
    """The version has this list. Errors as PutBucketAcl."""
    bucket, key, version = asked_bucket(ctx, req), checked_key(req), checked_version(req)
    grants = _must(bucket, req)
    while True:
        stat = await head(ctx, bucket.name, key, version)
        meta = {name: value for name, value in stat.meta.items() if name != _KEPT}
        try:
            await objects(ctx).set_meta(stat, meta | ({_KEPT: grants} if grants is not None else {}))
        except Missing:  # it, or its metadata, was replaced in between: look again
            continue
        return {}


def _must(bucket: Resource, req: Doc) -> Grants | None:
    if not _says(req):
        raise errors.MissingSecurityHeader("x-amz-acl")
    return asked(bucket, req)


def _says(req: Doc) -> bool:
    return "ACL" in req or "AccessControlPolicy" in req or bool(req.keys() & _HEADERS.keys())


def _full_control(bucket: Resource) -> Grants:
    return [[owner_id(bucket.account), "FULL_CONTROL"]]


def _of_headers(bucket: Resource, req: Doc) -> Grants:
    found: Grants = []
    for member, permission in _HEADERS.items():
        for one in req.get(member, "").split(","):
            kind, _, value = one.strip().partition("=")
            if one.strip():
                found.append([_grantee(bucket, kind.strip(), value.strip().strip('"')), permission])
    if len(found) > _MOST_GRANTS:
        raise errors.InvalidRequest(f"A list has {_MOST_GRANTS} grants at most.")
    return found


def _of_policy(bucket: Resource, policy: Doc) -> Grants:
    if policy.get("Owner", {}).get("ID", owner_id(bucket.account)) != owner_id(bucket.account):
        raise errors.AccessDenied
    found: Grants = []
    for grant in policy.get("Grants", []):
        grantee: dict[str, Any] = grant.get("Grantee", {})
        if "Permission" not in grant:
            raise errors.MalformedACLError
        match grantee.get("Type"):
            case "CanonicalUser":
                who = _grantee(bucket, "id", grantee.get("ID", ""))
            case "Group":
                who = _grantee(bucket, "uri", grantee.get("URI", ""))
            case "AmazonCustomerByEmail":
                who = _grantee(bucket, "emailAddress", grantee.get("EmailAddress", ""))
            case _:
                raise errors.MalformedACLError
        found.append([who, grant["Permission"]])
    if len(found) > _MOST_GRANTS:
        raise errors.MalformedACLError
    return found


def _grantee(bucket: Resource, kind: str, value: str) -> str:
    match kind:
        case "emailAddress":
            raise errors.UnresolvableGrantByEmailAddress(value)
        case "uri" if value in (EVERYBODY, EVERY_ACCOUNT, _LOGS):
            return value
        case "uri":
            raise errors.InvalidArgument("Invalid group uri", "uri", value)
        case "id" if value == owner_id(bucket.account):
            return value
        case "id":
            raise errors.InvalidArgument("Invalid id", "CanonicalUser/ID", value)
    raise errors.InvalidArgument("Argument format not recognized", "x-amz-grant", f"{kind}={value}")


def _told(bucket: Resource, kept: Grants | None) -> Doc:
    """What is kept, or the owner alone."""
    grants = _full_control(bucket) if kept is None or not acls_count(bucket) else kept
    whose = owner(bucket.account)

    def grantee(who: str) -> Doc:
        if who.startswith("http"):
            return {"Type": "Group", "URI": who}
        return {"Type": "CanonicalUser", **whose}

    return {"Owner": whose, "Grants": [{"Grantee": grantee(who), "Permission": what} for who, what in grants]}
