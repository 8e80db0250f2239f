"""Layers on their way in, and what a repository has of them.

An upload is a row that lists the parts received so far; each part is a blob of its own, stored before the row names it,
so an upload goes on after a crash from what it last told. An upload of one part (as all clients send them) is
that blob already when it ends, and nothing is copied.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from clary.aws.credentials import KeyRing
from clary.aws.endpoint import Endpoint, as_seen
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.objects import Held
from clary.kernel.resource import Doc, Resource
from clary.services.ecr import blobs
from clary.services.ecr.api import DIGEST, LAYER, UPLOAD, below, find, host_of, repository_of, service
from clary.services.ecr.errors import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    InvalidParameterException,
    LayerAlreadyExistsException,
    LayersNotFoundException,
    UploadNotFoundException,
)

PART_BYTES: Final = 10 << 20
"""What clients of the operations are asked to send at once."""
URL_SECONDS: Final = 3600.0
_MEDIA_TYPE: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@service.operation("BatchCheckLayerAvailability")
async def batch_check_layer_availability(ctx: Context, req: Doc) -> Doc:
    """Which of the layers the repository has. Errors: RepositoryNotFound."""
    repository = repository_of(ctx, req)
    found: list[Doc] = []
    failures: list[Doc] = []
    for digest in req["layerDigests"]:
        if not DIGEST.fullmatch(digest):
            why = "Invalid layer digest: it is sha256: and 64 hexadecimal digits"
            failures.append({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": why})
            continue
        layer = find(ctx.store, LAYER, repository, digest)
        if layer is None:
            found.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
        else:
            size = layer.spec["size"]
            known = {"layerAvailability": "AVAILABLE", "layerSize": size, "mediaType": _MEDIA_TYPE}
            found.append({"layerDigest": digest, **known})
    return {"layers": found, "failures": failures}


@service.operation("GetDownloadUrlForLayer")
async def get_download_url_for_layer(ctx: Context, req: Doc) -> Doc:
    """An address at which the layer can be read for an hour, without a signature. Errors: LayersNotFound."""
    repository, digest = repository_of(ctx, req), req["layerDigest"]
    if find(ctx.store, LAYER, repository, digest) is None:
        raise LayersNotFoundException(
            f"The layer with digest {digest} does not exist in the repository '{repository.name}'"
        )
    claims = {"layer": digest, "repository": repository.uid, "until": str(ctx.clock.now() + URL_SECONDS)}
    warrant = ctx.port(KeyRing).warrant(claims)
    base = as_seen(ctx.headers, ctx.port(Endpoint))
    place = f"{host_of(ctx.account, ctx.region)}/{repository.name}/blobs/{digest}"
    return {"downloadUrl": f"{base}/v2/{place}?warrant={warrant}", "layerDigest": digest}


@service.operation("InitiateLayerUpload")
async def initiate_layer_upload(ctx: Context, req: Doc) -> Doc:
    """An upload to which parts can be added. Errors: RepositoryNotFound."""
    return {"uploadId": own_id(begin(ctx, repository_of(ctx, req))), "partSize": PART_BYTES}


@service.operation("UploadLayerPart")
async def upload_layer_part(ctx: Context, req: Doc) -> Doc:
    """The upload has these bytes behind the others. Errors: UploadNotFound, InvalidLayerPart."""
    repository, data = repository_of(ctx, req), req["layerPartBlob"]
    upload = upload_of(ctx, repository, req["uploadId"])
    received = upload.status["size"]
    if req["partFirstByte"] != received or req["partLastByte"] != received + len(data) - 1:
        raise InvalidLayerPartException(
            f"The layer part starts at byte {req['partFirstByte']} and has {len(data)} bytes; the last byte received is"
            f" {received - 1}",
            registryId=ctx.account,
            repositoryName=repository.name,
            uploadId=req["uploadId"],
            lastValidByteReceived=max(received - 1, 0),
        )
    upload = await append(ctx, upload, Held(data))
    answer = {"registryId": ctx.account, "repositoryName": repository.name, "uploadId": req["uploadId"]}
    return {**answer, "lastByteReceived": upload.status["size"] - 1}


@service.operation("CompleteLayerUpload")
async def complete_layer_upload(ctx: Context, req: Doc) -> Doc:
    """The repository has the layer, and the upload is over. Errors: UploadNotFound, InvalidLayer, EmptyUpload,
    LayerAlreadyExists."""
    repository, digests = repository_of(ctx, req), req["layerDigests"]
    if len(digests) != 1:
        raise InvalidParameterException("layerDigests holds exactly one digest")
    upload = upload_of(ctx, repository, req["uploadId"])
    if not upload.status["size"]:
        raise EmptyUploadException(f"The upload {req['uploadId']} has no bytes")
    if find(ctx.store, LAYER, repository, digests[0]) is not None:
        raise LayerAlreadyExistsException(f"The layer with digest {digests[0]} is in the repository already")
    await complete(ctx, repository, upload, digests[0])
    answer = {"registryId": ctx.account, "repositoryName": repository.name, "uploadId": req["uploadId"]}
    return {**answer, "layerDigest": digests[0]}


def begin(ctx: Context, repository: Resource) -> Resource:
    """An upload without a byte."""
    return ctx.store.create(
        Resource(
            kind=UPLOAD,
            name=below(repository, str(uuid.uuid4())),
            account=repository.account,
            region=repository.region,
            uid=ids.new(),
            parent=repository.uid,
            status={"size": 0, "_parts": []},
        )
    )


def own_id(upload: Resource) -> str:
    return upload.name.partition(":")[2]


def upload_of(ctx: Context, repository: Resource, upload_id: str) -> Resource:
    """Raises UploadNotFoundException."""
    found = find(ctx.store, UPLOAD, repository, upload_id.lower())
    if found is None:
        raise UploadNotFoundException(upload_id, repository.name, ctx.account)
    return found


async def append(ctx: Context, upload: Resource, body: AsyncIterator[bytes]) -> Resource:
    """The upload has these bytes behind the others, durably; cut off, it has none of them. Raises
    InvalidLayerPartException when somebody else appended meanwhile."""
    digest, size = await blobs.receive(ctx, body)
    if not size:
        return upload
    parts: list[Any] = [*upload.status["_parts"], [digest, size]]
    try:
        return ctx.store.update(upload, size=upload.status["size"] + size, _parts=parts)
    except Stale:
        raise InvalidLayerPartException("Another part was appended to the upload at the same time") from None


async def complete(ctx: Context, repository: Resource, upload: Resource, digest: str) -> None:
    """The repository has the layer, and the upload is over. Raises InvalidLayerException."""
    parts = [part for part, _ in upload.status["_parts"]]
    if len(parts) == 1:
        found, size = upload.status["_parts"][0]
    else:
        found, size = await blobs.join(ctx, parts)
    if found != digest:
        raise InvalidLayerException(f"The bytes received have the digest {found}, not {digest}")
    if await blobs.size_of(ctx, found) is None:
        raise UploadNotFoundException(own_id(upload), repository.name, ctx.account)
    link(ctx, repository, digest, size)
    drop(ctx, upload)


def link(ctx: Context, repository: Resource, digest: str, size: int) -> None:
    """The repository has the layer."""
    with suppress(Exists):
        ctx.store.create(
            Resource(
                kind=LAYER,
                name=below(repository, digest),
                account=repository.account,
                region=repository.region,
                uid=ids.new(),
                parent=repository.uid,
                spec={"size": size},
            )
        )


def drop(ctx: Context, upload: Resource) -> None:
    """The upload is over."""
    while True:
        try:
            ctx.store.delete(upload)
        except Stale:
            try:
                upload = ctx.store.find(UPLOAD, upload.uid)
            except Missing:
                return
            continue
        return
