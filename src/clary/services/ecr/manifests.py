"""Manifests as pushed: what one names, and what it must not."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from clary.services.ecr.api import DIGEST
from clary.services.ecr.errors import InvalidParameterException

MOST_BYTES: Final = 4_194_304
_IMAGES: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
_INDEXES: Final = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_FOREIGN: Final = "foreign"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says."""

    digest: str
    media_type: str
    layers: tuple[str, ...]
    """Digests of the blobs that it needs: configuration and layers, but none that lie elsewhere."""
    children: tuple[str, ...]
    """Digests of the manifests that an index lists."""
    size: int
    """Of the blobs, in bytes."""
    artifact_type: str | None
    subject: str | None
    """The digest of the manifest that this one is about."""
    annotations: dict[str, str]


def parse(data: bytes, media_type: str | None) -> Manifest:
    """Raises InvalidParameterException, in words for whoever pushed it."""
    if len(data) > MOST_BYTES:
        raise _invalid(f"it is longer than {MOST_BYTES} bytes")
    try:
        said: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _invalid(f"it is no JSON: {error}") from None
    if not isinstance(said, dict) or said.get("schemaVersion") != 2:
        raise _invalid("its schemaVersion is not 2")
    own = said.get("mediaType") or media_type
    if media_type and own != media_type:
        raise _invalid(f"it is of the type {own} and was sent as {media_type}")
    if own not in (*_IMAGES, *_INDEXES):
        own = _INDEXES[1] if "manifests" in said else _IMAGES[1] if own is None else own
    if own not in (*_IMAGES, *_INDEXES):
        raise _invalid(f"manifests of the type {own} are not known")
    config = said.get("config") or {}
    blobs = [] if own in _INDEXES else [config, *_list(said, "layers")]
    needed = [one for one in blobs if not one.get("urls") and _FOREIGN not in str(one.get("mediaType"))]
    return Manifest(
        digest=f"sha256:{sha256(data).hexdigest()}",
        media_type=own,
        layers=tuple(dict.fromkeys(_digest(one) for one in needed)),
        children=tuple(_digest(one) for one in _list(said, "manifests")) if own in _INDEXES else (),
        size=sum(int(one.get("size", 0)) for one in blobs),
        artifact_type=said.get("artifactType") or config.get("mediaType"),
        subject=_digest(said["subject"]) if isinstance(said.get("subject"), dict) else None,
        annotations={str(name): str(value) for name, value in (said.get("annotations") or {}).items()},
    )


def _list(said: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _invalid(f"its {name} are no list of descriptors")
    return found


def _digest(descriptor: dict[str, Any]) -> str:
    digest = descriptor.get("digest")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise _invalid(f"{digest!r} is no digest: only sha256 is known")
    return digest


def _invalid(why: str) -> InvalidParameterException:
    return InvalidParameterException(f"Invalid parameter at 'imageManifest' failed to satisfy constraint: '{why}'")
