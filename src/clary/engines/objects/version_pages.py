"""Versions a page at a time: keys of the tree and keys of the rows as one list, the newest of each key first."""

import heapq
import os
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from clary.engines.objects.base import Version, VersionPage
from clary.engines.objects.site import Identity, Site, described, identity, in_place_etag
from clary.engines.objects.versions import NULL, Versions
from clary.engines.objects.walk import Walker, rolled
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat

_KEYS: Final = 100
"""Keys of rows that are read at once."""
_LAST: Final = b"\xff"
"""No UTF-8 text has this byte."""
_TIME: Final = 14
"""Digits of the time at the beginning of a version id."""
_TOP: Final = 1 << 62
_SQL: Final = (
    "SELECT v.seq, v.id, v.marker, v.ino, v.size, v.mtime, v.modified, o.etag, o.meta FROM version v"
    " LEFT JOIN object o ON o.bucket = v.bucket AND o.key = v.key AND o.ino = v.ino AND o.size = v.size"
    " AND o.mtime = v.mtime WHERE v.bucket = ? AND v.key = ? AND v.phase != 2 AND v.seq < ? AND v.id != ?"
    " ORDER BY v.seq DESC LIMIT ?"
)


class VersionPages:
    """All methods run in threads."""

    def __init__(self, site: Site, versions: Versions, walker: Walker) -> None:
        self._site = site
        self._versions = versions
        self._walker = walker

    def page(self, bucket: str, prefix: str, delimiter: str, after: tuple[str, str], limit: int) -> VersionPage:
        found: list[Version | str] = []
        key, version = after
        if version and key.startswith(prefix) and not rolled(key, prefix, delimiter):
            found += self._of_key(bucket, key, version, limit + 1)
        for name, is_prefix in self._names(bucket, prefix, delimiter, key):
            if len(found) > limit:
                break
            found += [name] if is_prefix else self._of_key(bucket, name, "", limit + 1 - len(found))
        truncated, found = len(found) > limit, found[:limit]
        last = ("", "")
        if found:
            end = found[-1]
            last = (end, "") if isinstance(end, str) else (end.key, end.id)
        return VersionPage(
            [one for one in found if isinstance(one, Version)],
            [one for one in found if isinstance(one, str)],
            last,
            truncated,
        )

    def _names(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, bool]]:
        """Keys and rolled-up prefixes in order, each once: (name, is a prefix)."""
        in_tree = ((one.key, one.path is None) for one in self._walker.walk(bucket, prefix, delimiter, after))
        in_rows = self._names_of_rows(bucket, prefix, delimiter, after)
        for one, _ in groupby(heapq.merge(in_tree, in_rows)):
            yield one

    def _names_of_rows(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, bool]]:
        low, end = after.encode(), prefix.encode() + _LAST
        if after and rolled(after, prefix, delimiter) == after:
            low += _LAST
        while True:
            rows = self._site.index.read(
                "SELECT DISTINCT key FROM version WHERE bucket = ? AND key > ? AND key >= ? AND key < ? AND phase != 2"
                " ORDER BY key LIMIT ?",
                (bucket, low, prefix.encode(), end, _KEYS),
            )
            for (raw,) in rows:
                if raw <= low:
                    continue  # it has been rolled up
                key = raw.decode()
                up = rolled(key, prefix, delimiter)
                yield up or key, bool(up)
                low = up.encode() + _LAST if up else raw
            if len(rows) < _KEYS:
                return

    def _of_key(self, bucket: str, key: str, after: str, limit: int) -> list[Version]:
        """Its versions after the one of that id. Looked at again when the key changed between the two looks."""
        while True:
            try:
                current = self._site.tree.stat(bucket, key)
            except Missing:
                current = None
            in_place = None
            if current is not None and not self._versions.is_version(bucket, key, identity(current), leaving=True):
                in_place = self._site.known(bucket, key, current)
                if in_place is None or in_place.version is not None:
                    continue
            return self._listed(bucket, key, after, limit, current, in_place)

    def _listed(
        self, bucket: str, key: str, after: str, limit: int, current: os.stat_result | None, in_place: Stat | None
    ) -> list[Version]:
        found: list[Version] = []
        if in_place is not None and not after:
            found.append(Version(key, NULL, True, in_place.modified, in_place))
        replaced = NULL if in_place is not None else ""  # by what was written in place
        below = _TOP if in_place is not None and after == NULL else self._below(bucket, key, after)
        held, top = self._latest(bucket, key, current)
        for row in self._site.index.read(_SQL, (bucket, key.encode(), below, replaced, limit)):
            latest = top == row[1] if held is None else row[3] is not None and Identity(*row[3:6]) == held
            found.append(_version(bucket, key, row, latest))
        return found[:limit]

    def _latest(self, bucket: str, key: str, current: os.stat_result | None) -> tuple[Identity | None, str | None]:
        """The file that tells the latest version, or its id where no file does: a delete marker has none, and what
        leaves is still at the key for a moment. Where a file was removed by hand, nothing is the latest."""
        newest = self._versions.newest(bucket, key)
        if current is None:
            return None, newest.id if newest is not None and newest.marker else None
        if self._versions.is_version(bucket, key, identity(current)) or newest is None:
            return identity(current), None
        leaving = self._versions.is_version(bucket, key, identity(current), leaving=True)
        return (None, newest.id) if leaving else (identity(current), None)

    def _below(self, bucket: str, key: str, after: str) -> int:
        """The place in the order of a key's versions to go on below."""
        if not after:
            return _TOP
        rows = self._site.index.read(
            "SELECT max(seq) FROM version WHERE bucket = ? AND key = ? AND id = ?", (bucket, key.encode(), after)
        )
        if rows[0][0] is not None:
            return int(rows[0][0])
        # It is gone meanwhile, or has no row: its id tells when it came.
        try:
            return int(after[:_TIME], 16)
        except ValueError:
            return _TOP


def _version(bucket: str, key: str, row: Any, latest: bool) -> Version:
    _, version, marker, ino, size, mtime, modified, etag, meta = row
    if marker:
        return Version(key, version, latest, modified, None)
    file = Identity(ino, size, mtime)
    record = (etag, meta) if etag is not None else (in_place_etag(file), "{}")
    return Version(key, version, latest, modified, described(bucket, key, file, *record))
