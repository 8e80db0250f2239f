"""Keys in UTF-8 byte order out of a directory tree, a page at a time, without reading what the page does not need.

A directory "a" sorts among its neighbours as "a/": then a walk in order of names is a walk in order of keys. (Python
compares strings by code point, and UTF-8 keeps that order.)
"""

import contextlib
import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clary.engines.objects import names
from clary.engines.objects.tree import Tree
from clary.kernel.errors import Missing

_LAST: Final = "\U0010ffff"
_CACHED_NAMES: Final = 500_000
"""How many names of large directories are remembered."""
_WORTH_CACHING: Final = 500
_TICK_NS: Final = 50_000_000
"""A directory changed this short a time ago could change again without its time showing it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One directory: sorted names ("/" ends a directory's), and where those lie whose file has another name."""

    names: list[str]
    escaped: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """A key and the path that its file has, or a rolled-up prefix (`path` is None)."""

    key: str
    path: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Span:
    """Which keys are wanted."""

    prefix: str
    after: str
    over: str
    """Keys that start with this are passed over, when it is not empty."""
    fold: bool
    """A directory beyond the prefix stands for all that is in it."""


class _Level:
    """A directory in the middle of being walked."""

    __slots__ = ("at", "base", "dirs", "here")

    def __init__(self, dirs: tuple[str, ...], base: str, here: Listing, span: _Span) -> None:
        self.dirs = dirs
        self.base = base
        self.here = here
        self.at = max(_start(here.names, base, span.prefix), _start(here.names, base, span.after))

    def jump(self, over: str) -> None:
        """On to the first name past all that start with `over`."""
        self.at = max(self.at, bisect_left(self.here.names, over[len(self.base) :] + _LAST))


class Walker:
    """Walks buckets. Large directories are remembered as long as their time of change stands."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._seen: OrderedDict[tuple[str, ...], tuple[tuple[int, int], Listing]] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def walk(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[Found]:
        """Keys with `prefix` after `after`; those with `delimiter` beyond the prefix rolled up into one."""
        over = ""
        """Every key that starts with this has been rolled up."""
        if delimiter and rolled(after, prefix, delimiter) == after:
            over = after
        while True:
            for found in self._keys(bucket, (), "", _Span(prefix, after, over, delimiter == "/")):
                up = found.key if found.path is None else rolled(found.key, prefix, delimiter)
                if up:
                    yield Found(up, None)
                    over = after = up
                    break
                yield found
            else:
                return

    def _keys(self, bucket: str, dirs: tuple[str, ...], base: str, span: "_Span") -> Iterator[Found]:
        """What lies below the directory `dirs`, whose keys start with `base`. (A stack of its own: a key can have more
        components than Python has frames.)"""
        open_ = [_Level(dirs, base, self._list(bucket, dirs), span)]
        while open_:
            level = open_[-1]
            if level.at >= len(level.here.names):
                open_.pop()
                continue
            name = level.here.names[level.at]
            level.at += 1
            full = level.base + name
            if span.over and full.startswith(span.over):
                level.jump(span.over)
                continue
            is_directory = name.endswith("/")
            if not full.startswith(span.prefix) and not (is_directory and span.prefix.startswith(full)):
                if full > span.prefix:
                    return
                continue
            if not is_directory:
                if full > span.after:
                    yield Found(full, (*level.dirs, *level.here.escaped.get(name, (name,))))
                continue
            if full <= span.after and not span.after.startswith(full):
                continue
            below = (*level.dirs, *level.here.escaped.get(name, (name[:-1],)))
            if span.fold and not span.after.startswith(full) and full.find("/", len(span.prefix)) == len(full) - 1:
                # Rolled up as soon as anything is known to be in it, however much there is.
                if self._holds(bucket, below):
                    yield Found(full, None)
                continue
            with contextlib.suppress(Missing):  # gone meanwhile
                open_.append(_Level(below, full, self._list(bucket, below), span))

    def _holds(self, bucket: str, dirs: tuple[str, ...]) -> bool:
        """Some key lies below the directory."""
        look = [dirs]
        while look:
            here = look.pop()
            with (
                contextlib.suppress(Missing),
                self._tree.directory(bucket, here) as handle,
                os.scandir(handle) as entries,
            ):
                for entry in entries:
                    if entry.name.startswith(names.MARK) or not entry.name.isascii():
                        if next(self._keys(bucket, here, "/", _Span("", "", "", False)), None) is not None:
                            return True
                        break
                    if entry.is_file(follow_symlinks=False):
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        look.append((*here, entry.name))
        return False

    def _list(self, bucket: str, dirs: tuple[str, ...]) -> Listing:
        with self._tree.directory(bucket, dirs) as handle:
            known = os.fstat(handle)
            version = (known.st_ino, known.st_mtime_ns)
            where = (bucket, *dirs)
            with self._lock:
                seen = self._seen.get(where)
                if seen is not None and seen[0] == version:
                    self._seen.move_to_end(where)
                    return seen[1]
            # The time of the file system, not Clary's clock: is the change old enough for the next one to show?
            settled = time.time_ns() - known.st_mtime_ns > _TICK_NS
            listing = self._scan(bucket, dirs, handle)
        if settled and len(listing.names) >= _WORTH_CACHING and not _is_split(listing):
            self._keep(where, version, listing)
        return listing

    def _keep(self, where: tuple[str, ...], version: tuple[int, int], listing: Listing) -> None:
        with self._lock:
            old = self._seen.pop(where, None)
            self._count += len(listing.names) - (len(old[1].names) if old else 0)
            self._seen[where] = (version, listing)
            while self._count > _CACHED_NAMES and len(self._seen) > 1:
                _, (_, dropped) = self._seen.popitem(last=False)
                self._count -= len(dropped.names)

    def _scan(self, bucket: str, dirs: tuple[str, ...], handle: int) -> Listing:
        found: list[str] = []
        escaped: dict[str, tuple[str, ...]] = {}
        aside: dict[str, tuple[str, ...]] = {}
        odd: list[tuple[str, bool]] = []
        with os.scandir(handle) as entries:
            for entry in entries:
                name = entry.name
                is_directory = entry.is_dir(follow_symlinks=False)
                if not is_directory and not entry.is_file(follow_symlinks=False):
                    continue  # a symbolic link, a socket: nothing of ours
                if name.startswith(names.MARK) or not name.isascii():
                    odd.append((name, is_directory))
                else:
                    found.append(name + "/" if is_directory else name)
        for text, path, is_directory, put_aside in self._decode(bucket, dirs, (), "", odd):
            name = text + "/" if is_directory else text
            (aside if put_aside else escaped)[name] = path
        found.extend(escaped)
        if aside:
            # A file in the first place hides one aside.
            hidden = set(found)
            aside = {name: path for name, path in aside.items() if name not in hidden}
            found.extend(aside)
        found.sort()
        return Listing(found, escaped | aside)

    def _decode(
        self, bucket: str, dirs: tuple[str, ...], path: tuple[str, ...], text: str, entries: list[tuple[str, bool]]
    ) -> Iterator[tuple[str, tuple[str, ...], bool, bool]]:
        """(component, its names, is a directory, lies aside) of entries that need a closer look."""
        for name, is_directory in entries:
            piece = names.read(name)
            if piece is None:
                continue
            whole, parts = text + piece.text, (*path, name)
            if piece.more:
                if is_directory:
                    yield from self._decode(bucket, dirs, parts, whole, self._raw(bucket, (*dirs, *parts)))
            elif names.is_canonical(whole, parts, piece.aside) and not (piece.aside and is_directory):
                yield whole, parts, is_directory, piece.aside

    def _raw(self, bucket: str, dirs: tuple[str, ...]) -> list[tuple[str, bool]]:
        try:
            with self._tree.directory(bucket, dirs) as handle, os.scandir(handle) as entries:
                return [
                    (entry.name, entry.is_dir(follow_symlinks=False))
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
                ]
        except Missing:
            return []


def _start(sorted_names: list[str], base: str, bound: str) -> int:
    """The first name that can lead to a key at or after `bound`."""
    if not bound.startswith(base) or bound == base:
        return 0
    first, slash, _ = bound[len(base) :].partition("/")
    return bisect_left(sorted_names, first + slash)


def rolled(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that stands for the key; "" when it stands for itself."""
    if not delimiter or not key.startswith(prefix):
        return ""
    at = key.find(delimiter, len(prefix))
    return key[: at + len(delimiter)] if at >= 0 else ""


def _is_split(listing: Listing) -> bool:
    """Some names come from directories below, whose changes this one's time does not show."""
    return any(len(path) > 1 for path in listing.escaped.values())
