"""What the registry's protocol reads: manifests, blobs, tags, referrers."""

import re
from typing import Final

import orjson

from clary.aws.http import Answer
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.ecr import blobs
from clary.services.ecr.api import DIGEST, IMAGE, LAYER, TAG, find, own_name, rows
from clary.services.ecr.images import image_of
from clary.services.ecr.visits import Refused, Visit

_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_MOST_TAGS: Final = 1000


async def manifest(visit: Visit, reference: str) -> Answer:
    """The manifest, as it was pushed."""
    repository = visit.repository("BatchGetImage")
    by_digest = reference.startswith("sha256:")
    image = image_of(visit.ctx, repository, {"imageDigest" if by_digest else "imageTag": reference})
    if image is None:
        raise Refused(404, "MANIFEST_UNKNOWN", f"{visit.name} has no image {reference}.")
    digest = own_name(image)
    data = await blobs.read(visit.ctx, digest)
    headers = [
        (b"content-type", image.spec["mediaType"].encode()),
        (b"content-length", b"%d" % len(data)),
        (b"docker-content-digest", digest.encode()),
        (b"etag", f'"{digest}"'.encode()),
    ]
    return Answer(200, headers, data)


async def blob(visit: Visit, digest: str) -> Answer:
    """The layer or configuration, whole or the range that is asked for."""
    head = visit.request.method == "HEAD"
    repository = visit.repository("BatchCheckLayerAvailability" if head else "GetDownloadUrlForLayer")
    layer = find(visit.ctx.store, LAYER, repository, digest) if DIGEST.fullmatch(digest) else None
    if layer is None:
        raise Refused(404, "BLOB_UNKNOWN", f"{visit.name} has no layer {digest}.")
    size: int = layer.spec["size"]
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"docker-content-digest", digest.encode()),
        (b"accept-ranges", b"bytes"),
        (b"etag", f'"{digest}"'.encode()),
    ]
    if head:
        return Answer(200, [*headers, (b"content-length", b"%d" % size)])
    status, start, end = _range(visit.request.headers.get("range"), size)
    if status == 206:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    headers.append((b"content-length", b"%d" % (end - start)))
    try:
        found = await blobs.opened(visit.ctx, digest)
    except Missing:
        raise Refused(404, "BLOB_UNKNOWN", f"{visit.name} has no layer {digest}.") from None
    return Answer(status, headers, found.stream(start, end))


async def tags(visit: Visit) -> Answer:
    """The tags by name, from `last` on, `n` of them."""
    repository = visit.repository("ListImages")
    last, asked = visit.parameter("last") or "", visit.parameter("n")
    if asked is not None and not asked.isdecimal():
        raise Refused(400, "PAGINATION_NUMBER_INVALID", f"n is a number, not {asked!r}.")
    limit = _MOST_TAGS if asked is None else min(int(asked), _MOST_TAGS)
    found = [name for name in map(own_name, rows(visit.ctx.store, TAG, repository)) if name > last]
    shown = found[:limit]
    headers = [(b"content-type", b"application/json")]
    if found[limit:] and shown:
        headers.append((b"link", f'<{visit.base}/tags/list?last={shown[-1]}&n={limit}>; rel="next"'.encode()))
    return Answer(200, headers, orjson.dumps({"name": visit.name, "tags": shown}))


async def referrers(visit: Visit, digest: str) -> Answer:
    """An index of the manifests that are about that one: signatures, bills of materials."""
    repository = visit.repository("BatchGetImage")
    wanted = visit.parameter("artifactType")
    found: list[Doc] = []
    for image in rows(visit.ctx.store, IMAGE, repository):
        spec = image.spec
        if spec["subject"] != digest or wanted not in (None, spec["artifactType"]):
            continue
        size = await blobs.size_of(visit.ctx, own_name(image))
        one: Doc = {"mediaType": spec["mediaType"], "digest": own_name(image), "size": size}
        optional = {"artifactType": spec["artifactType"], "annotations": spec["annotations"]}
        found.append(one | {name: value for name, value in optional.items() if value})
    headers = [(b"content-type", _INDEX.encode())]
    if wanted is not None:
        headers.append((b"oci-filters-applied", b"artifactType"))
    return Answer(200, headers, orjson.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": found}))


def _range(asked: str | None, size: int) -> tuple[int, int, int]:
    """(status, first byte, end). Raises Refused for a range that the blob does not have."""
    match = _RANGE.fullmatch(asked) if asked else None
    if match is None or match[0] == "bytes=-":
        return 200, 0, size
    if match[1]:
        start, end = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
    else:
        start, end = max(size - int(match[2]), 0), size
    if start >= end:
        raise Refused(416, "RANGE_INVALID", f"The blob has {size} bytes.")
    return 206, start, end
