"""Images: pushed, found by tag or digest, listed, deleted."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.objects import Held
from clary.kernel.resource import Doc, Resource
from clary.services.ecr import blobs, manifests
from clary.services.ecr.api import (
    DIGEST,
    IMAGE,
    LAYER,
    TAG,
    TAG_NAME,
    below,
    find,
    own_name,
    repository_of,
    rows,
    service,
)
from clary.services.ecr.errors import (
    ImageAlreadyExistsException,
    ImageDigestDoesNotMatchException,
    ImageNotFoundException,
    ImageTagAlreadyExistsException,
    InvalidParameterException,
    LayersNotFoundException,
    ReferencedImagesNotFoundException,
)
from clary.services.ecr.manifests import Manifest
from clary.services.ecr.repositories import movable

_PAGE: Final = 100
_MOST: Final = 100


@service.operation("PutImage")
async def put_image(ctx: Context, req: Doc) -> Doc:
    """The repository has the image of that manifest, under the tag. Errors: ImageAlreadyExists, LayersNotFound,
    ReferencedImagesNotFound, ImageTagAlreadyExists, ImageDigestDoesNotMatch, InvalidParameter."""
    repository, tag = repository_of(ctx, req), req.get("imageTag")
    data = req["imageManifest"].encode()
    manifest = manifests.parse(data, req.get("imageManifestMediaType"))
    if find(ctx.store, IMAGE, repository, manifest.digest) is not None:
        tagged = None if tag is None else find(ctx.store, TAG, repository, tag)
        if tag is None or (tagged is not None and tagged.spec["digest"] == manifest.digest):
            raise ImageAlreadyExistsException(manifest.digest, tag, repository.name, ctx.account)
    await store(ctx, repository, data, manifest, tag, req.get("imageDigest"))
    image_id = {"imageDigest": manifest.digest} | ({"imageTag": tag} if tag else {})
    return {"image": _described(repository, image_id, req["imageManifest"], manifest.media_type)}


async def store(
    ctx: Context, repository: Resource, data: bytes, manifest: Manifest, tag: str | None, digest: str | None
) -> Resource:
    """The repository has the image, and the tag names it. Repeated, it changes nothing. Raises as PutImage, but not
    ImageAlreadyExists."""
    if digest not in (None, manifest.digest):
        raise ImageDigestDoesNotMatchException(f"The digest of the manifest is {manifest.digest}, not {digest}")
    if tag is not None and not TAG_NAME.fullmatch(tag):
        raise InvalidParameterException(f"Invalid parameter at 'imageTag' failed to satisfy constraint: '{tag}'")
    missing = [one for one in manifest.layers if find(ctx.store, LAYER, repository, one) is None]
    if missing:
        raise LayersNotFoundException(f"Layers with digests '{missing}' required for pushing image do not exist")
    lost = [one for one in manifest.children if find(ctx.store, IMAGE, repository, one) is None]
    if lost:
        raise ReferencedImagesNotFoundException(f"Images with digests '{lost}' required for pushing image do not exist")
    _check_tag(ctx, repository, tag, manifest.digest)
    await blobs.receive(ctx, Held(data))
    # The row after its bytes: killed in between, the manifest is garbage that nobody sees.
    image = _created(ctx, repository, manifest)
    if tag is not None:
        _set_tag(ctx, repository, tag, manifest.digest)
    return image


def _created(ctx: Context, repository: Resource, manifest: Manifest) -> Resource:
    made = Resource(
        kind=IMAGE,
        name=below(repository, manifest.digest),
        account=repository.account,
        region=repository.region,
        uid=ids.new(),
        parent=repository.uid,
        spec={
            "mediaType": manifest.media_type,
            "artifactType": manifest.artifact_type,
            "subject": manifest.subject,
            "annotations": manifest.annotations,
            "layers": list(manifest.layers),
            "children": list(manifest.children),
            "size": manifest.size,
        },
    )
    with suppress(Exists):
        return ctx.store.create(made)
    found = find(ctx.store, IMAGE, repository, manifest.digest)
    return made if found is None else found


def _check_tag(ctx: Context, repository: Resource, tag: str | None, digest: str) -> None:
    if tag is None or movable(repository, tag):
        return
    tagged = find(ctx.store, TAG, repository, tag)
    if tagged is not None and tagged.spec["digest"] != digest:
        raise ImageTagAlreadyExistsException(tag, repository.name)


def _set_tag(ctx: Context, repository: Resource, tag: str, digest: str) -> None:
    """The tag names that image, and none before it. One row: whoever reads it sees the old image or the new."""
    while True:
        old = find(ctx.store, TAG, repository, tag)
        with suppress(Stale, Exists):
            if old is not None:
                _check_tag(ctx, repository, tag, digest)
                ctx.store.update(old, spec={"digest": digest})
                return
            made = Resource(
                kind=TAG,
                name=below(repository, tag),
                account=repository.account,
                region=repository.region,
                uid=ids.new(),
                parent=repository.uid,
                spec={"digest": digest},
            )
            ctx.store.create(made)
            return


def image_of(ctx: Context, repository: Resource, image_id: Doc) -> Resource | None:
    """The image of a tag, a digest, or both when they agree; None: there is none."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if tag is not None:
        tagged = find(ctx.store, TAG, repository, tag)
        if tagged is None or digest not in (None, tagged.spec["digest"]):
            return None
        digest = tagged.spec["digest"]
    return None if digest is None else find(ctx.store, IMAGE, repository, digest)


def tags_of(ctx: Context, repository: Resource) -> dict[str, list[str]]:
    """The tags of each image, by digest."""
    found: dict[str, list[str]] = {}
    for one in rows(ctx.store, TAG, repository):
        found.setdefault(one.spec["digest"], []).append(own_name(one))
    return found


def needs(ctx: Context, repository: Resource, layer: str) -> bool:
    """An image of the repository names the layer of that digest."""
    return any(layer in one.spec["layers"] for one in rows(ctx.store, IMAGE, repository))


@service.operation("BatchGetImage", ignores=("acceptedMediaTypes",))
async def batch_get_image(ctx: Context, req: Doc) -> Doc:
    """The manifests of these images; those that are not there, by name. Errors: RepositoryNotFound."""
    repository = repository_of(ctx, req)
    found, failures = [], []
    for image_id in _ids(req):
        image = image_of(ctx, repository, image_id)
        failure = _malformed(image_id) or (_not_found(image_id) if image is None else None)
        if failure is not None or image is None:
            failures.append(failure)
            continue
        digest = own_name(image)
        text = (await blobs.read(ctx, digest)).decode()
        found.append(_described(repository, {**image_id, "imageDigest": digest}, text, image.spec["mediaType"]))
    return {"images": found, "failures": failures}


@service.operation("BatchDeleteImage")
async def batch_delete_image(ctx: Context, req: Doc) -> Doc:
    """By digest: the image is gone, with its tags. By tag: the tag is, and with the last tag the image. Errors:
    RepositoryNotFound."""
    repository = repository_of(ctx, req)
    gone: list[Doc] = []
    failures: list[Doc] = []
    for image_id in _ids(req):
        image = image_of(ctx, repository, image_id)
        if (failure := _malformed(image_id)) is not None:
            failures.append(failure)
        elif image is None:
            failures.append(_not_found(image_id))
        else:
            failure = delete(ctx, repository, image, image_id.get("imageTag"), gone)
            failures += [] if failure is None else [{"imageId": image_id, **failure}]
    return {"imageIds": gone, "failures": failures}


def delete(ctx: Context, repository: Resource, image: Resource, tag: str | None, gone: list[Doc]) -> Doc | None:
    """The image (with `tag`: the tag, and the image with its last) is gone; `gone` says what. Why not, otherwise."""
    digest = own_name(image)
    tags = tags_of(ctx, repository).get(digest, [])
    going = tags if tag is None else [tag]
    if set(going) == set(tags):
        for one in rows(ctx.store, IMAGE, repository):
            if digest in one.spec["children"]:
                why = f"Requested image referenced by manifest list: [{own_name(one)}]"
                return {"failureCode": "ImageReferencedByManifestList", "failureReason": why}
    for name in going:
        # Tags first: killed in between, an image without a tag is left, and no tag without its image.
        tagged = find(ctx.store, TAG, repository, name)
        if tagged is not None and tagged.spec["digest"] == digest:
            with suppress(Stale):
                ctx.store.delete(tagged)
        gone.append({"imageDigest": digest, "imageTag": name})
    if set(going) == set(tags):
        with suppress(Stale):
            ctx.store.delete(image)
        if not going:
            gone.append({"imageDigest": digest})
    return None


@service.operation("ListImages")
async def list_images(ctx: Context, req: Doc) -> Doc:
    """Digest and tag of each image, one entry a tag. Errors: RepositoryNotFound, InvalidParameter."""
    repository = repository_of(ctx, req)
    status = _status(req)
    filters = page.digest("ListImages", repository.uid, status)
    after = _place(req, filters, str, str)
    entries = [one for one in _entries(ctx, repository, status) if after is None or list(one) > after]
    limit = req.get("maxResults", _PAGE)
    shown = [{"imageDigest": digest, **({"imageTag": tag} if tag else {})} for digest, tag in entries[:limit]]
    return {"imageIds": shown} | ({"nextToken": page.encode(entries[limit - 1], filters)} if entries[limit:] else {})


@service.operation("DescribeImages")
async def describe_images(ctx: Context, req: Doc) -> Doc:
    """The named images, or all by digest. Errors: RepositoryNotFound, ImageNotFound, InvalidParameter."""
    repository = repository_of(ctx, req)
    tags = tags_of(ctx, repository)
    if named := req.get("imageIds"):
        if "maxResults" in req or "nextToken" in req:
            raise InvalidParameterException("imageIds cannot be given together with maxResults or nextToken")
        return {"imageDetails": [_detail(repository, one, tags) for one in _named(ctx, repository, named)]}
    status = _status(req)
    filters = page.digest("DescribeImages", repository.uid, status)
    after = _place(req, filters, str, str)
    limit = req.get("maxResults", _PAGE)
    found = [
        one
        for one in rows(ctx.store, IMAGE, repository)
        if (after is None or own_name(one) > after[0]) and _fits(status, bool(tags.get(own_name(one))))
    ]
    answer: Doc = {"imageDetails": [_detail(repository, one, tags) for one in found[:limit]]}
    return answer | ({"nextToken": page.encode([own_name(found[limit - 1]), ""], filters)} if found[limit:] else {})


def _named(ctx: Context, repository: Resource, wanted: Sequence[Doc]) -> Iterator[Resource]:
    for image_id in wanted:
        image = image_of(ctx, repository, image_id)
        if image is None:
            said = ", ".join(f"{name}:'{image_id.get(name, 'null')}'" for name in ("imageDigest", "imageTag"))
            raise ImageNotFoundException(said, repository.name, ctx.account)
        yield image


def _entries(ctx: Context, repository: Resource, status: tuple[str, str]) -> list[tuple[str, str]]:
    tags = tags_of(ctx, repository)
    found = []
    for one in rows(ctx.store, IMAGE, repository):
        digest = own_name(one)
        own = sorted(tags.get(digest, []))
        if _fits(status, bool(own)):
            found += [(digest, tag) for tag in own or [""]]
    return found


def _status(req: Doc) -> tuple[str, str]:
    """(tagStatus, imageStatus) that are asked for."""
    asked = req.get("filter") or {}
    return asked.get("tagStatus", "ANY"), asked.get("imageStatus", "ACTIVE")


def _fits(status: tuple[str, str], tagged: bool) -> bool:
    # No image is ever archived here.
    return status[1] in ("ANY", "ACTIVE") and (status[0] == "ANY" or (status[0] == "TAGGED") == tagged)


def _place(req: Doc, filters: str, *types: type) -> list[str] | None:
    if not req.get("nextToken"):
        return None
    try:
        return page.decode(req["nextToken"], filters, *types)
    except BadToken as error:
        raise InvalidParameterException(str(error)) from None


def _ids(req: Doc) -> Sequence[Doc]:
    found: Sequence[Doc] = req["imageIds"]
    if not 1 <= len(found) <= _MOST:
        raise InvalidParameterException(
            f"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length 1 to {_MOST}'"
        )
    return found


def _malformed(image_id: Doc) -> Doc | None:
    digest = image_id.get("imageDigest")
    if digest is not None and not DIGEST.fullmatch(digest):
        why = "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
        return {"imageId": image_id, "failureCode": "InvalidImageDigest", "failureReason": why}
    if digest is None and "imageTag" not in image_id:
        why = "Invalid request parameters: both tag and digest cannot be null"
        return {"imageId": image_id, "failureCode": "MissingDigestAndTag", "failureReason": why}
    return None


def _not_found(image_id: Doc) -> Doc:
    return {"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}


def _described(repository: Resource, image_id: Doc, text: str, media_type: str) -> Doc:
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageId": image_id,
        "imageManifest": text,
        "imageManifestMediaType": media_type,
    }


def _detail(repository: Resource, image: Resource, tags: dict[str, list[str]]) -> Doc:
    spec, digest = image.spec, own_name(image)
    detail: Doc = {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageDigest": digest,
        "imageSizeInBytes": spec["size"],
        "imagePushedAt": image.created,
        "imageManifestMediaType": spec["mediaType"],
    }
    optional = {
        "imageTags": tags.get(digest),
        "artifactMediaType": spec["artifactType"],
        "subjectManifestDigest": spec["subject"],
    }
    return detail | {name: value for name, value in optional.items() if value}
