"""What was measured of a version: the files that ModelMetrics names, read once and kept for good.

A run may write over its metrics file; what was registered with a version must not change by that. So each file is read
when the version is made, checked, and copied under a key that holds the version and the file's hash. Describe names the
copy, with the hash as ContentDigest. The numbers in it stand with the version, and approval rules go by those.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import orjson

from clary.aws.credentials import Principal
from clary.aws.errors import ServiceError, ValidationException
from clary.aws.inside import ORIGIN_INSIDE
from clary.aws.service import Context
from clary.jobs import locations
from clary.jobs.locations import Location
from clary.kernel.resource import Doc, Resource
from clary.numbers import numbers
from clary.services.sagemaker.errors import require

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of one file: metrics are no data."""
KEPT: Final = "_measures"
"""The status member: path -> {"source", "uri", "digest", "numbers"}."""
_PATHS: Final = (
    ("ModelQuality", "Statistics"),
    ("ModelQuality", "Constraints"),
    ("ModelDataQuality", "Statistics"),
    ("ModelDataQuality", "Constraints"),
    ("Bias", "Report"),
    ("Bias", "PreTrainingReport"),
    ("Bias", "PostTrainingReport"),
    ("Explainability", "Report"),
)
_NOT_THERE: Final = (404,)


@dataclass(frozen=True, slots=True)
class Measure:
    """One file, as it was when the version was made."""

    path: str
    """For example "ModelQuality.Statistics"."""
    source: str
    content_type: str
    body: bytes
    digest: str
    """SHA-256 in hex."""
    numbers: Mapping[str, float]


async def read(ctx: Context, spec: Doc) -> list[Measure]:
    """All files that the request's ModelMetrics names, read as the caller. Raises ValidationException for one that is
    not there, may not be read, is too large, is not of its ContentDigest, or is JSON that does not parse."""
    metrics = spec.get("ModelMetrics") or {}
    found = []
    for member, part in _PATHS:
        source = (metrics.get(member) or {}).get(part)
        if source:
            found.append(await _read(ctx, f"{member}.{part}", source))
    return found


async def keep(ctx: Context, name: str, measures: Sequence[Measure]) -> Doc:
    """Each file is copied for the package `name`; the status member that says where. May be repeated: the same bytes go
    under the same key."""
    if not measures:
        return {}
    registry = _as_registry(ctx)
    bucket = await _bucket(registry)
    kept = {}
    for one in measures:
        at = Location(bucket, f"{name}/{one.path.replace('.', '/')}/{one.digest[:16]}/{_last(one.source)}")
        place = {"Bucket": at.bucket, "Key": at.key}
        await registry.call("s3", "PutObject", {**place, "Body": one.body, "ContentType": one.content_type})
        kept[one.path] = {
            "source": one.source,
            "uri": str(at),
            "digest": f"sha256:{one.digest}",
            "numbers": dict(one.numbers),
        }
    return {KEPT: kept}


async def forget(ctx: Context, package: Resource) -> None:
    """The copies of a deleted package are gone. A crash before this leaves files that nothing names."""
    registry = _as_registry(ctx)
    for one in _kept(package).values():
        at = locations.parse(one["uri"])
        try:
            await registry.call("s3", "DeleteObject", {"Bucket": at.bucket, "Key": at.key})
        except ServiceError as error:
            if error.http_status not in _NOT_THERE:  # somebody may have emptied the bucket before us
                raise


def shown(package: Resource) -> Doc:
    """ModelMetrics as Describe answers it: every file that was kept is named by its copy and hash."""
    metrics: Doc = package.spec.get("ModelMetrics") or {}
    told = {member: dict(parts) for member, parts in metrics.items() if parts}
    for path, one in _kept(package).items():
        member, _, part = path.partition(".")
        told[member][part] = {**told[member][part], "S3Uri": one["uri"], "ContentDigest": one["digest"]}
    return told


def sources(package: Resource) -> Iterator[tuple[str, str]]:
    """(path, where the file came from) of each file that was kept."""
    for path, one in _kept(package).items():
        yield path, one["source"]


def documents(package: Resource) -> list[Mapping[str, float]]:
    """The numbers of each file, the model's quality first."""
    kept = _kept(package)
    return [kept[f"{member}.{part}"]["numbers"] for member, part in _PATHS if f"{member}.{part}" in kept]


def _kept(package: Resource) -> Mapping[str, Doc]:
    found: Mapping[str, Doc] = package.status.get(KEPT) or {}
    return found


async def _read(ctx: Context, path: str, source: Doc) -> Measure:
    uri, where = source["S3Uri"], f"ModelMetrics.{path}.S3Uri"
    at = locations.parse(uri)
    require(bool(at.key) and not at.key.endswith("/"), f"{where} {uri} names no object: it must be one file")
    try:
        answer = await ctx.call("s3", "GetObject", {"Bucket": at.bucket, "Key": at.key})
        body = await _whole(answer, where)
    except ServiceError as error:
        if isinstance(error, ValidationException):
            raise
        raise ValidationException(f"{where} {uri} could not be read: {error.message}") from None
    digest = sha256(body).hexdigest()
    wanted = (source.get("ContentDigest") or "").lower().removeprefix("sha256:")
    require(not wanted or wanted == digest, f"{where} {uri} is not of its ContentDigest: it has sha256:{digest}")
    content_type = source["ContentType"]
    found: Mapping[str, float] = {}
    if "json" in content_type.lower() or at.key.endswith(".json"):
        try:
            found = numbers(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise ValidationException(f"{where} {uri} is no JSON: {error}") from None
    return Measure(path, uri, content_type, body, digest, found)


async def _whole(answer: Doc, where: str) -> bytes:
    body: Any = answer.get("Body", b"")
    if isinstance(body, bytes):
        return body
    gathered = bytearray()
    async for chunk in body:
        gathered += chunk
        require(len(gathered) <= MOST_BYTES, f"{where} has more than {MOST_BYTES} bytes, which no metrics file has")
    return bytes(gathered)


def _as_registry(ctx: Context) -> Context:
    """The registry writes its copies by itself: who registers a version need not be able to change them."""
    root = Principal(ctx.account, f"arn:aws:iam::{ctx.account}:root", ctx.account, "root")
    return replace(ctx, principal=root, headers={}, origin=ORIGIN_INSIDE)


async def _bucket(registry: Context) -> str:
    """The registry's bucket of this region. Its name holds "sagemaker", so AmazonSageMakerFullAccess may read it."""
    name = f"sagemaker-model-registry-{registry.region}-{registry.account}"
    try:
        await registry.call("s3", "HeadBucket", {"Bucket": name})
    except ServiceError as error:
        if error.http_status not in _NOT_THERE:
            raise
        where: Doc = {}
        if registry.region != "us-east-1":
            where = {"CreateBucketConfiguration": {"LocationConstraint": registry.region}}
        try:
            await registry.call("s3", "CreateBucket", {"Bucket": name, **where})
        except ServiceError as raced:
            if raced.error_code != "BucketAlreadyOwnedByYou":  # another registration made it meanwhile
                raise
    return name


def _last(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]
