"""The port of a whole object store: what S3 needs beyond the kernel's `ObjectStore`.

KernelError
  Missing
    NoBucket          no such bucket
    NoUpload          no such multipart upload, or it has ended
    NoVersion         the key has no version of that id
    IsMarker          the version is a delete marker
  BucketNotEmpty      something is still in the bucket
  ConditionFailed     the key does not hold what the caller asked it to hold
  PartChanged         a part was uploaded again while its upload was being completed
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from clary.kernel.errors import KernelError, Missing
from clary.kernel.objects import ObjectStore, Stat
from clary.kernel.resource import Doc


class NoBucket(Missing):
    """No such bucket."""


class NoUpload(Missing):
    """No such multipart upload, or it has ended."""


class NoVersion(Missing):
    """The key has no version of that id."""


class IsMarker(Missing):
    """The version that was asked for, or the current one, is a delete marker."""

    def __init__(self, version: str, modified: float) -> None:
        super().__init__(version)
        self.version = version
        self.modified = modified


class BucketNotEmpty(KernelError):
    """Something is still in the bucket."""


class ConditionFailed(KernelError):
    """The key does not hold what the caller asked it to hold."""


class PartChanged(KernelError):
    """A part was uploaded again while its upload was being completed."""


@dataclass(frozen=True, slots=True)
class OnlyIf:
    """What a key must hold at the moment of a write, looked at in the same atomic step."""

    etag: str | None = None
    """The object's ETag, without quotes; "*": any object."""
    absent: bool = False
    modified: float | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: keys and, where keys were rolled up, common prefixes; together in key order."""

    objects: list[Stat]
    prefixes: list[str]
    last: str
    """The key or prefix to go on after; "" when the page is empty."""
    truncated: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key."""

    key: str
    id: str
    latest: bool
    """It is what the key holds, or the marker that says that it holds nothing."""
    modified: float
    stat: Stat | None
    """None: a delete marker."""


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One page of versions: by key, the newest first; rolled-up prefixes stand in key order among them."""

    versions: list[Version]
    prefixes: list[str]
    last: tuple[str, str]
    """What to go on after: a key and a version id, or a prefix and ""."""
    truncated: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """What a deletion did."""

    version: str | None = None
    """The version that was deleted for good, or the delete marker that was added; None where there are no versions."""
    marker: bool = False
    """That version is a delete marker."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload."""

    id: str
    """Sorts by the time of its start."""
    bucket: str
    key: str
    initiated: float
    meta: Doc = field(default_factory=dict)
    result: Stat | None = None
    """What it became, once it is complete."""


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    size: int
    etag: str
    modified: float
    meta: Doc
    file: str
    """The engine's own name of it: two uploads of one part number differ."""


class Hash(Protocol):
    """A running digest, as hashlib's are."""

    def update(self, data: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


class Opened(Protocol):
    """An object held open: what is put meanwhile changes nothing of it."""

    @property
    def stat(self) -> Stat: ...

    def stream(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Bytes `start` to `end` (exclusive); closes the object at its end. Once only."""
        ...

    def close(self) -> None: ...


class Draft(Protocol):
    """Bytes on their way in. Nothing is seen of them before `commit`; leaving the `async with` forgets them."""

    @property
    def size(self) -> int: ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *raised: object) -> None: ...

    async def write(self, data: bytes) -> None: ...

    async def copy(self, source: Opened, start: int = 0, end: int | None = None) -> None:
        """Append bytes of another object, without carrying them through this process where the disk can."""
        ...

    async def adopt(self, bucket: str, key: str) -> Stat:
        """The draft, empty so far, has the bytes of that object, without copying them where the disk can; `hashes` see
        nothing of them. The object itself is for the caller to remove once the draft is committed: until then it is as
        it was, but for its time. Returns what it is. Raises Missing."""
        ...

    async def digests(self) -> dict[str, bytes]:
        """Over all that was written: "MD5", and whatever `hashes` the draft was opened with."""
        ...

    async def commit(self, key: str, meta: Doc, only_if: OnlyIf | None = None) -> Stat:
        """The key holds this object, durably. Raises NoBucket, ConditionFailed."""
        ...

    async def commit_part(self, upload: Upload, number: int, meta: Doc) -> Part:
        """The upload has this part, durably. Raises NoUpload."""
        ...


class BucketStore(ObjectStore, Protocol):
    """An object store with buckets, conditional writes, rolled-up listings and multipart uploads."""

    async def create_bucket(self, bucket: str) -> None:
        """It exists; no complaint when it did."""
        ...

    async def delete_bucket(self, bucket: str) -> None:
        """Gone, with its multipart uploads. Raises BucketNotEmpty."""
        ...

    async def versioning(self, bucket: str) -> str:
        """ "" (never), "Enabled" or "Suspended"."""
        ...

    async def set_versioning(self, bucket: str, state: str) -> None:
        """From now on, writes keep what they replace ("Enabled"), or replace the version "null" only ("Suspended").
        Raises NoBucket."""
        ...

    async def open(self, bucket: str, key: str, version: str | None = None) -> Opened:
        """Raises Missing, NoVersion, IsMarker."""
        ...

    async def head(self, bucket: str, key: str, version: str | None = None) -> Stat:
        """Raises Missing, NoVersion, IsMarker."""
        ...

    def seen(self, bucket: str, key: str, version: str | None = None) -> Stat | None:
        """What the key holds now, or that version, for callers that cannot wait for a thread (who decides who may read
        it); None: nothing."""
        ...

    async def versions(
        self, bucket: str, prefix: str, delimiter: str, after: tuple[str, str], limit: int
    ) -> VersionPage:
        """As `page`, of every version. `after`: a key and a version id of it; ("a", "") is after all of "a"."""
        ...

    async def remove(self, bucket: str, key: str, version: str | None = None, only_if: OnlyIf | None = None) -> Removed:
        """That version is gone for good; without one, the key holds nothing: where versions are kept, a delete marker
        says so. No complaint when it was not there. Raises ConditionFailed, and Missing when a condition finds
        nothing to hold against."""
        ...

    def draft(self, bucket: str, hashes: Mapping[str, Hash] | None = None) -> Draft:
        """Room for an object or a part. `hashes` are fed all that is written, beside the MD5."""
        ...

    async def set_meta(self, stat: Stat, meta: Doc) -> None:
        """The version of `stat` has the metadata `meta`; nothing else of it changes. Raises Missing when it was
        replaced, or its metadata has changed since `stat`."""
        ...

    async def delete_many(self, bucket: str, keys: Sequence[str]) -> None:
        """All hold nothing, as after `remove`."""
        ...

    async def page(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        """Keys with `prefix` after `after`, in UTF-8 byte order; those with `delimiter` beyond the prefix rolled up. An
        `after` that is a rolled-up prefix passes over all its keys."""
        ...

    async def create_upload(self, bucket: str, key: str, meta: Doc) -> Upload: ...

    async def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises NoUpload. A completed upload is remembered for a day, with its `result`."""
        ...

    async def uploads(self, bucket: str, prefix: str, after: tuple[str, str], limit: int) -> list[Upload]:
        """Unfinished uploads in order of (key, id), after that pair."""
        ...

    async def parts(self, upload: Upload, after: int, limit: int) -> list[Part]:
        """In order of their number."""
        ...

    async def complete(
        self, upload: Upload, parts: Sequence[Part], etag: str, meta: Doc, only_if: OnlyIf | None = None
    ) -> Stat:
        """The key holds the parts in this order, durably, and the upload is over. Asked again: the same answer. Raises
        NoUpload, PartChanged, ConditionFailed."""
        ...

    async def abort(self, upload: Upload) -> None:
        """The upload and its parts are gone. Raises NoUpload."""
        ...
