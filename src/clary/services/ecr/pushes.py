"""What the registry's protocol writes: layers in one piece or in many, manifests, and deletions."""

import re
from typing import Final

from clary.aws.http import Answer
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.services.ecr import images, layers, manifests
from clary.services.ecr.access import ask
from clary.services.ecr.api import DIGEST, LAYER, find, repository_named
from clary.services.ecr.errors import RepositoryNotFoundException
from clary.services.ecr.visits import Refused, Visit

_CONTENT_RANGE: Final = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?")
_UPLOADING: Final = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload")


async def begin(visit: Visit) -> Answer:
    """An upload; or at once the layer, where the request holds it, or another repository has it."""
    repository = visit.repository("InitiateLayerUpload")
    mounted, digest = visit.parameter("mount"), visit.parameter("digest")
    if mounted is not None and _mount(visit, repository, mounted):
        return _there(visit, mounted)
    upload = layers.begin(visit.ctx, repository)
    if digest is None:
        return _under_way(visit, upload, 202)
    visit.repository(*_UPLOADING)
    return await _finished(visit, repository, upload, digest)


async def append(visit: Visit, upload_id: str) -> Answer:
    """The upload has the body behind what it had."""
    upload = layers.upload_of(visit.ctx, visit.repository("UploadLayerPart"), upload_id)
    _follows(visit, upload)
    return _under_way(visit, await layers.append(visit.ctx, upload, visit.request.chunks()), 202)


async def complete(visit: Visit, upload_id: str) -> Answer:
    """The repository has the layer; the body may hold the last of it."""
    repository, digest = visit.repository("CompleteLayerUpload"), visit.parameter("digest")
    upload = layers.upload_of(visit.ctx, repository, upload_id)
    if digest is None:
        raise Refused(400, "DIGEST_INVALID", "The request names no digest.")
    if not visit.request.read:
        _follows(visit, upload)
    return await _finished(visit, repository, upload, digest)


async def status(visit: Visit, upload_id: str) -> Answer:
    """How much of the upload has arrived."""
    return _under_way(visit, layers.upload_of(visit.ctx, visit.repository("UploadLayerPart"), upload_id), 204)


async def cancel(visit: Visit, upload_id: str) -> Answer:
    layers.drop(visit.ctx, layers.upload_of(visit.ctx, visit.repository("UploadLayerPart"), upload_id))
    return Answer(204)


async def manifest(visit: Visit, reference: str) -> Answer:
    """The repository has the image, under the tag or the digest of the path."""
    repository = visit.repository("PutImage")
    data = await visit.request.read_body(manifests.MOST_BYTES)
    media_type = visit.request.headers.get("content-type", "").partition(";")[0].strip() or None
    parsed = manifests.parse(data, media_type)
    by_digest = reference.startswith("sha256:")
    tag, digest = (None, reference) if by_digest else (reference, None)
    await images.store(visit.ctx, repository, data, parsed, tag, digest)
    headers = [
        (b"location", f"{visit.base}/manifests/{parsed.digest}".encode()),
        (b"docker-content-digest", parsed.digest.encode()),
    ]
    if parsed.subject is not None:
        headers.append((b"oci-subject", parsed.subject.encode()))
    return Answer(201, headers)


async def delete_manifest(visit: Visit, reference: str) -> Answer:
    """By digest: the image is gone; by tag: the tag, and the image with its last."""
    repository = visit.repository("BatchDeleteImage")
    by_digest = reference.startswith("sha256:")
    image_id: Doc = {"imageDigest" if by_digest else "imageTag": reference}
    image = images.image_of(visit.ctx, repository, image_id)
    if image is None:
        raise Refused(404, "MANIFEST_UNKNOWN", f"{visit.name} has no image {reference}.")
    failure = images.delete(visit.ctx, repository, image, image_id.get("imageTag"), [])
    if failure is not None:
        raise Refused(409, "DENIED", failure["failureReason"])
    return Answer(202)


async def delete_blob(visit: Visit, digest: str) -> Answer:
    """The repository has the layer no more, unless an image needs it."""
    repository = visit.repository("BatchDeleteImage")
    layer = find(visit.ctx.store, LAYER, repository, digest)
    if layer is None:
        raise Refused(404, "BLOB_UNKNOWN", f"{visit.name} has no layer {digest}.")
    if images.needs(visit.ctx, repository, digest):
        raise Refused(409, "DENIED", f"An image of {visit.name} needs the layer {digest}.")
    try:
        visit.ctx.store.delete(layer)
    except Stale:
        raise Refused(404, "BLOB_UNKNOWN", f"{visit.name} has no layer {digest}.") from None
    return Answer(202)


async def _finished(visit: Visit, repository: Resource, upload: Resource, digest: str) -> Answer:
    if not DIGEST.fullmatch(digest):
        raise Refused(400, "DIGEST_INVALID", f"{digest!r} is no digest: only sha256 is known.")
    if not visit.request.read:
        upload = await layers.append(visit.ctx, upload, visit.request.chunks())
    await layers.complete(visit.ctx, repository, upload, digest)
    return _there(visit, digest)


def _mount(visit: Visit, repository: Resource, digest: str) -> bool:
    """Another repository, which the caller may read, has the layer: now this one has it too."""
    name = visit.parameter("from")
    if name is None:
        return False
    name = name.rpartition(".amazonaws.com/")[2]
    if not visit.ctx.allowed(ask(visit.ctx, "GetDownloadUrlForLayer", name)):
        return False
    try:
        layer = find(visit.ctx.store, LAYER, repository_named(visit.ctx, name), digest)
    except RepositoryNotFoundException:
        return False
    if layer is not None:
        layers.link(visit.ctx, repository, digest, layer.spec["size"])
    return layer is not None


def _follows(visit: Visit, upload: Resource) -> None:
    """Raises Refused unless the body begins where the upload ends."""
    said = visit.request.headers.get("content-range")
    match = None if said is None else _CONTENT_RANGE.fullmatch(said)
    if said is not None and (match is None or int(match[1]) != upload.status["size"]):
        raise Refused(416, "BLOB_UPLOAD_INVALID", f"{upload.status['size']} bytes are here; {said} does not follow.")


def _under_way(visit: Visit, upload: Resource, code: int) -> Answer:
    upload_id = layers.own_id(upload)
    headers = [
        (b"location", f"{visit.base}/blobs/uploads/{upload_id}".encode()),
        (b"range", b"0-%d" % max(upload.status["size"] - 1, 0)),
        (b"docker-upload-uuid", upload_id.encode()),
    ]
    return Answer(code, headers)


def _there(visit: Visit, digest: str) -> Answer:
    location = f"{visit.base}/blobs/{digest}"
    return Answer(201, [(b"location", location.encode()), (b"docker-content-digest", digest.encode())])
