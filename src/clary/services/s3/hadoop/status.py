"""Files and directories as Hadoop sees a bucket: an object is a file, what keys have in common is a directory, and so
is what a job has made and not filled."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clary.aws.http import Answer
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.services.s3.api import modified
from clary.services.s3.hadoop import staging
from clary.services.s3.hadoop.places import Place, is_name
from clary.services.s3.hadoop.refused import absent
from clary.services.s3.hadoop.visit import Visit, said

BLOCK: Final = 128 << 20
"""Bytes of what Hadoop takes for a block: what one task reads of a large file that can be split."""
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    directory: bool
    size: int = 0
    modified: float = 0.0


def of_stat(stat: Stat, name: str = "") -> Entry:
    return Entry(name, False, stat.size, modified(stat))


async def find(visit: Visit, place: Place) -> Entry | None:
    """What is there; None: nothing. Raises AccessDenied."""
    if not place.key:
        return Entry("", True)
    store = visit.objects
    if place.staged:
        visit.must("PutObject", place)
        try:
            return of_stat(await store.head(staging.STAGED, staging.key_of(place)))
        except Missing:
            return Entry("", True) if await _any(visit, place, visible=False) else None
    try:
        stat = await store.head(place.bucket, place.key)
    except Missing:
        visit.must_list(place)
        return Entry("", True) if await _any(visit, place, visible=True) else None
    if not visit.may("HeadObject", place):
        visit.must_list(place)
    return of_stat(stat)


async def _any(visit: Visit, place: Place, *, visible: bool) -> bool:
    """Something is below the place, or it was made as a directory."""
    if visible:
        found = await visit.objects.page(place.bucket, place.prefix, "", "", 1)
        if found.objects:
            return True
    return bool((await staging.page(visit.objects, staging.prefix_of(place), "", "", 1)).objects)


async def children(visit: Visit, place: Place) -> list[Entry]:
    """What is directly below the place, by name. Raises AccessDenied."""
    found: list[Entry] = []
    names: set[str] = set()
    if place.staged:
        visit.must("PutObject", place)
    else:
        visit.must_list(place)
        found, names = await _listed(visit, place.bucket, place.prefix)
    more, _ = await _listed(visit, staging.STAGED, staging.prefix_of(place))
    found += [one for one in more if not (one.directory and one.name in names)]
    return sorted(found, key=lambda one: one.name)


async def _listed(visit: Visit, bucket: str, prefix: str) -> tuple[list[Entry], set[str]]:
    """(entries, names of the directories among them)."""
    found: list[Entry] = []
    names: set[str] = set()
    after = ""
    while True:
        try:
            page = await visit.objects.page(bucket, prefix, "/", after, _PAGE)
        except Missing:
            return found, names  # nothing was ever staged; that the bucket is there has been seen
        cut = len(prefix)
        found += [of_stat(stat, stat.key[cut:]) for stat in page.objects if is_name(stat.key[cut:])]
        for one in page.prefixes:
            name = one[cut:-1]
            if is_name(name):
                names.add(name)
                found.append(Entry(name, True))
        if not page.truncated:
            return found, names
        after = page.last


async def below(visit: Visit, place: Place) -> AsyncIterator[Stat]:
    """Every object below the place, with the marker that S3's tools leave of a directory. Raises AccessDenied."""
    visit.must_list(place)
    after = ""
    while True:
        page = await visit.objects.page(place.bucket, place.prefix, "", after, _PAGE)
        for stat in page.objects:
            yield stat
        if not page.truncated:
            return
        after = page.last


# Operations


async def get_file_status(visit: Visit) -> Answer:
    found = await find(visit, visit.place)
    if found is None:
        raise absent(visit.place.url)
    return said(orjson.dumps({"FileStatus": described(found)}))


async def list_status(visit: Visit) -> Answer:
    return said(orjson.dumps({"FileStatuses": {"FileStatus": await _statuses(visit)}}))


async def list_status_batch(visit: Visit) -> Answer:
    """All at once: nothing remains. (What is listed page by page may change between pages.)"""
    found = await _statuses(visit) if not visit.text("startafter") else []
    partial = {"FileStatuses": {"FileStatus": found}}
    return said(orjson.dumps({"DirectoryListing": {"partialListing": partial, "remainingEntries": 0}}))


async def _statuses(visit: Visit) -> list[dict[str, Any]]:
    place = visit.place
    if place.key:
        found = await find(visit, place)
        if found is None:
            raise absent(place.url)
        if not found.directory:
            return [described(found)]
    return [described(one) for one in await children(visit, place)]


async def get_content_summary(visit: Visit) -> Answer:
    found = await find(visit, visit.place)
    if found is None:
        raise absent(visit.place.url)
    directories: set[str] = set()
    files, size = 1, found.size
    if found.directory:
        files, directories = 0, {""}
        if not visit.place.staged:
            async for stat in below(visit, visit.place):
                name = stat.key[len(visit.place.prefix) :]
                parts = name.split("/")
                directories.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
                if parts[-1]:
                    files, size = files + 1, size + stat.size
    summary = {
        "directoryCount": len(directories),
        "fileCount": files,
        "length": size,
        "quota": -1,
        "spaceConsumed": size,
        "spaceQuota": -1,
        "typeQuota": {},
    }
    return said(orjson.dumps({"ContentSummary": summary}))


async def check_access(visit: Visit) -> Answer:
    """What is asked (`fsaction`: r--, -w-, ...) may be done to the file; of a directory, that it may be listed."""
    found = await find(visit, visit.place)
    if found is None:
        raise absent(visit.place.url)
    if not found.directory:
        wanted = visit.text("fsaction", "r--")
        for letter, operation in (("r", "GetObject"), ("w", "PutObject")):
            if letter in wanted:
                visit.must(operation, visit.place)
    return said(b"")


def described(entry: Entry) -> dict[str, Any]:
    # With a colon in it, Hadoop would take what is before it for a scheme.
    name = f"./{entry.name}" if ":" in entry.name else entry.name
    return {
        "accessTime": 0,
        "blockSize": 0 if entry.directory else BLOCK,
        "childrenNum": 0,
        "fileId": 0,
        "group": "clary",
        "length": entry.size,
        "modificationTime": int(entry.modified * 1000),
        "owner": "clary",
        "pathSuffix": name,
        "permission": "777" if entry.directory else "666",
        "replication": 0 if entry.directory else 1,
        "storagePolicy": 0,
        "type": "DIRECTORY" if entry.directory else "FILE",
    }


def block_locations(visit: Visit) -> Answer:
    """One block, on this machine. It tells nothing of the object, not even that it is there."""
    start, length = visit.number("offset") or 0, visit.number("length") or 0
    block = {
        "cachedHosts": [],
        "corrupt": False,
        "hosts": ["localhost"],
        "length": length,
        "names": ["localhost:9866"],
        "offset": start,
        "storageTypes": ["DISK"],
        "topologyPaths": ["/default-rack/localhost:9866"],
    }
    return said(orjson.dumps({"BlockLocations": {"BlockLocation": [block] if length else []}}))
