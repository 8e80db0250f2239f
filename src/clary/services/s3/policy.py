"""Policies of buckets: kept as they were written, checked as S3 checks them, and handed to whoever decides."""

import json
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final

from clary.aws import policy
from clary.aws.access import Ask
from clary.aws.service import Context
from clary.engines.objects.base import BucketStore
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.s3 import grants
from clary.services.s3.actions import actions_of
from clary.services.s3.api import BUCKET, REGION, service
from clary.services.s3.bucket_errors import MalformedPolicy, NoSuchBucketPolicy, PublicPolicyBlocked
from clary.services.s3.grants import statements_of
from clary.services.s3.ownership import acls_count
from clary.services.s3.public_access import blocks
from clary.services.s3.settings import bucket_of, change, setting

_MOST_BYTES: Final = 20 * 1024
_ARN: Final = "arn:aws:s3:::"
_EQUALS: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
_NARROWING: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
"""Condition keys that, held to fixed values, keep a statement for everybody from being public."""


@service.operation("PutBucketPolicy", ignores=("ChecksumAlgorithm", "ConfirmRemoveSelfBucketAccess"))
async def put_bucket_policy(ctx: Context, req: Doc) -> Doc:
    """The policy decides from the next request on. Errors: MalformedPolicy, AccessDenied (the bucket blocks public
    policies)."""
    bucket, text = bucket_of(ctx, req), req["Policy"]
    check(text, bucket.name)
    if blocks(bucket, "BlockPublicPolicy") and is_public(text):
        raise PublicPolicyBlocked(ctx.principal.arn, bucket.arn)
    change(ctx, req, _policy=text)
    return {"_status": 204}


@service.operation("GetBucketPolicy")
async def get_bucket_policy(ctx: Context, req: Doc) -> Doc:
    """The text as it was put. Errors: NoSuchBucketPolicy."""
    found = setting(ctx, req, "_policy", NoSuchBucketPolicy(req["Bucket"]))
    return {"Policy": found, "_headers": {"content-type": "application/json"}}


@service.operation("DeleteBucketPolicy")
async def delete_bucket_policy(ctx: Context, req: Doc) -> Doc:
    change(ctx, req, _policy=None)
    return {}


@service.operation("GetBucketPolicyStatus")
async def get_bucket_policy_status(ctx: Context, req: Doc) -> Doc:
    """Whether the policy opens the bucket to everybody. Errors: NoSuchBucketPolicy."""
    found = setting(ctx, req, "_policy", NoSuchBucketPolicy(req["Bucket"]))
    return {"PolicyStatus": {"IsPublic": is_public(found)}}


class BucketPolicies:
    """The port `aws.authorize.ResourcePolicies` over the buckets of one account; without `objects`, the lists of
    objects open nothing."""

    def __init__(self, store: Store, account: str, objects: BucketStore | None = None) -> None:
        self._store = store
        self._account = account
        self._objects = objects

    def of(self, ask: Ask) -> str | None:
        """What governs a bucket, or an object of it: the version that is asked for, or else the current one."""
        if not ask.resource.startswith(_ARN):
            return None
        name, _, key = ask.resource.removeprefix(_ARN).partition("/")
        try:
            bucket = self._store.get(self._account, REGION, BUCKET, name)
        except Missing:
            return None
        text: str | None = bucket.status.get("_policy")
        if text is not None and blocks(bucket, "RestrictPublicBuckets") and is_public(text):
            text = _restricted(text, self._account)
        version = ask.keys.get("s3:versionid")
        lists = self._opened(bucket, key, version if isinstance(version, str) else None)
        return _with(text, lists) if lists else text

    def _opened(self, bucket: Resource, key: str, version: str | None) -> tuple[str, ...]:
        """What the access control lists of the bucket and of the object at `key` open, as statements. Only where lists
        count is the object looked at."""
        if not acls_count(bucket) or blocks(bucket, "IgnorePublicAcls"):
            return ()
        found = statements_of(bucket.status.get("_acl"), grants.BUCKET, bucket.arn)
        if key and self._objects is not None:
            stat = self._objects.seen(bucket.name, key, version)
            kept, meant = (stat.meta, grants.OBJECT) if stat is not None else (bucket.status, grants.ABSENT)
            found += statements_of(kept.get("_acl"), meant, f"{bucket.arn}/{key}")
        return tuple(found)


def check(text: str, bucket: str) -> None:
    """Raises MalformedPolicy unless it is a policy about this bucket."""
    if len(text.encode()) > _MOST_BYTES:
        raise MalformedPolicy(f"Bucket policies must not be longer than {_MOST_BYTES} bytes.")
    if not text.lstrip().startswith("{"):
        raise MalformedPolicy("Policies must be valid JSON and the first byte must be '{'")
    try:
        policy.parse(text, "resource")
    except policy.Malformed as error:
        raise MalformedPolicy(_words(str(error))) from None
    for statement in _statements(text):
        _check_statement(statement, bucket)


@lru_cache(maxsize=1024)
def is_public(text: str) -> bool:
    """Whether a statement allows something to everybody without holding them to fixed values."""
    return any(one["Effect"] == "Allow" and _for_everybody(one) and not _narrowed(one) for one in _statements(text))


def _words(message: str) -> str:
    return "Policies must be valid JSON and the first byte must be '{'" if "invalid Json" in message else message


def _statements(text: str) -> list[Doc]:
    found = json.loads(text)["Statement"]
    return [found] if isinstance(found, dict) else found


def _listed(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


def _check_statement(statement: Doc, bucket: str) -> None:
    resources = _listed(statement.get("Resource", statement.get("NotResource")))
    for one in resources:
        if not _is_within(one, bucket):
            raise MalformedPolicy("Policy has invalid resource")
    on_bucket = any(_names(one, "/" not in one.removeprefix(_ARN)) for one in resources)
    on_objects = any(_names(one, "/" in one.removeprefix(_ARN)) for one in resources)
    for action in _listed(statement.get("Action", statement.get("NotAction"))):
        meant = actions_of(action)
        if not meant:
            raise MalformedPolicy("Policy has invalid action")
        applies = (on_bucket and "bucket" in meant) or (on_objects and "object" in meant)
        if "Action" in statement and "Resource" in statement and not applies:
            raise MalformedPolicy("Action does not apply to any resource(s) in statement")


def _is_within(resource: str, bucket: str) -> bool:
    if resource == "*":
        return True
    if not resource.startswith(_ARN):
        return False
    name = resource.removeprefix(_ARN).partition("/")[0]
    fixed = name.partition("*")[0].partition("?")[0].partition("${")[0]
    return bucket == name or (fixed != name and bucket.startswith(fixed))


def _names(resource: str, plain: bool) -> bool:
    """`plain`: it is written as what is looked for; a wildcard in the name of the bucket may mean either."""
    return plain or resource == "*" or "*" in resource.removeprefix(_ARN).partition("/")[0]


def _for_everybody(statement: Doc) -> bool:
    if "NotPrincipal" in statement:
        return True
    named = statement["Principal"]
    every = (
        [named] if isinstance(named, str) else _listed(named.get("AWS", [])) + _listed(named.get("CanonicalUser", []))
    )
    return "*" in every


def _narrowed(statement: Doc) -> bool:
    for operator, block in statement.get("Condition", {}).items():
        if operator.lower() not in _EQUALS:
            continue
        for key, values in block.items():
            if key.lower() in _NARROWING and all(_is_fixed(key.lower(), str(one)) for one in _listed(values)):
                return True
    return False


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip":
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            return False
        return network.prefixlen >= (8 if network.version == 4 else 32)
    return not any(mark in value for mark in ("*", "?", "${"))


@lru_cache(maxsize=1024)
def _with(text: str | None, lists: tuple[str, ...]) -> str:
    """The policy, if there is one, and what the lists open."""
    whole = json.loads(text) if text is not None else {"Version": "2012-10-17", "Statement": []}
    said = _statements(text) if text is not None else []
    whole["Statement"] = [*said, *(json.loads(one) for one in lists)]
    return json.dumps(whole)


@lru_cache(maxsize=1024)
def _restricted(text: str, account: str) -> str:
    """The policy, and nobody outside the account may use it."""
    whole = json.loads(text)
    others = {"StringNotEquals": {"aws:PrincipalAccount": account}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": others}
    whole["Statement"] = [*_statements(text), deny]
    return json.dumps(whole)
