"""What a write says about an object and a read says again: headers, user metadata, tags."""

import base64
from typing import Final
from urllib.parse import parse_qsl

from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import modified, quoted

HEADERS: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
)
DEFAULT_TYPE: Final = "binary/octet-stream"
STANDARD: Final = "STANDARD"
_OVERRIDES: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)
_METADATA_MAX: Final = 2048
_REDIRECT_MAX: Final = 2048
_TAGS_MAX: Final = 10
_CLASSES: Final = frozenset(
    {
        *("DEEP_ARCHIVE", "GLACIER", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "REDUCED_REDUNDANCY"),
        *("STANDARD_IA",),
    }
)
"""Remembered and told; every object lies on the same disk and can be read at once."""


def of_request(req: Doc) -> Doc:
    """The metadata document of an object that this request writes. Raises MetadataTooLarge, InvalidTag,
    InvalidArgument, InvalidStorageClass, InvalidRedirectLocation."""
    meta: Doc = {name: req[name] for name in HEADERS if name in req}
    encoding = [one.strip() for one in meta.pop("ContentEncoding", "").split(",")]
    # aws-chunked was how the body travelled, not what it is.
    if kept := [one for one in encoding if one and one.lower() != "aws-chunked"]:
        meta["ContentEncoding"] = ",".join(kept)
    if "WebsiteRedirectLocation" in meta and not _is_redirect(meta["WebsiteRedirectLocation"]):
        raise errors.InvalidRedirectLocation
    if user := req.get("Metadata"):
        size = sum(len(name.encode()) + len(value.encode()) for name, value in user.items())
        if size > _METADATA_MAX:
            raise errors.MetadataTooLarge(size)
        meta["Metadata"] = {name.lower(): value for name, value in user.items()}
    if (kind := req.get("StorageClass", STANDARD)) != STANDARD:
        if kind not in _CLASSES:
            raise errors.InvalidStorageClass(kind)
        meta["StorageClass"] = kind
    if req.get("ServerSideEncryption") == "AES256":
        meta["ServerSideEncryption"] = "AES256"
    if tags := tags_of_header(req.get("Tagging")):
        meta["_tags"] = tags
    return meta


def of_object(stat: Stat) -> Doc:
    """The members that every read of an object answers with."""
    meta = stat.meta
    answer: Doc = {name: meta[name] for name in HEADERS if name in meta}
    answer.setdefault("ContentType", DEFAULT_TYPE)
    answer |= {
        "AcceptRanges": "bytes",
        "ETag": quoted(stat.etag),
        "LastModified": modified(stat),
        "Metadata": {name: _header(value) for name, value in meta.get("Metadata", {}).items()},
        **encryption(meta),
    }
    if "StorageClass" in meta:
        answer["StorageClass"] = meta["StorageClass"]
    if meta.get("_tags"):
        answer["TagCount"] = len(meta["_tags"])
    return answer


def encryption(meta: Doc) -> Doc:
    """What was asked for, where that was S3's own keys. Keys of KMS are nobody's here, and no answer names one."""
    return {"ServerSideEncryption": meta["ServerSideEncryption"]} if "ServerSideEncryption" in meta else {}


def overridden(req: Doc) -> Doc:
    """The headers that a read asks to see instead of the object's."""
    return {name: req["Response" + name] for name in _OVERRIDES if "Response" + name in req}


def _header(value: str) -> str:
    """As S3 writes user metadata that is not ASCII: RFC 2047."""
    if value.isascii():
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def _is_redirect(location: str) -> bool:
    return location.startswith(("/", "http://", "https://")) and len(location.encode()) <= _REDIRECT_MAX


def tags_of_header(text: str | None) -> list[list[str]]:
    """Pairs of "a=1&b=2&c", where c has the empty value. Raises InvalidArgument, InvalidTag."""
    if not text:
        return []
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        pairs = []
    if not pairs or len({name for name, _ in pairs}) < len(pairs):
        raise errors.InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name"
            " duplicates.",
            "x-amz-tagging",
            text,
        )
    return checked_tags(pairs)


def tags_of_set(tags: list[Doc]) -> list[list[str]]:
    """Raises InvalidTag."""
    return checked_tags([(one["Key"], one["Value"]) for one in tags])


def checked_tags(pairs: list[tuple[str, str]]) -> list[list[str]]:
    if len(pairs) > _TAGS_MAX:
        raise errors.InvalidTag(f"Object tags cannot be greater than {_TAGS_MAX}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise errors.InvalidTag("Cannot provide multiple Tags with the same key")
    for name, value in pairs:
        if not 1 <= len(name) <= 128 or name.startswith("aws:") or not _in_tags(name):
            raise errors.InvalidTag("The TagKey you have provided is invalid")
        if len(value) > 256 or not _in_tags(value):
            raise errors.InvalidTag("The TagValue you have provided is invalid")
    return [[name, value] for name, value in pairs]


def _in_tags(text: str) -> bool:
    """All its characters may stand in a tag."""
    import regex  # only here: a start need not pay for it

    return regex.fullmatch(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", text) is not None
