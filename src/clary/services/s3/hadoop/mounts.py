"""The table by which Hadoop's view file system finds our buckets, read anew whenever it meets a bucket: one that was
made a moment ago is in it.

The table names every bucket of the account to whoever may ask at all. Names are no secret of S3; what is in a bucket
is asked for bucket by bucket, key by key.
"""

from typing import Final
from xml.sax.saxutils import escape

import orjson

from clary.aws.http import Answer
from clary.kernel.store import Where
from clary.services.s3.api import BUCKET
from clary.services.s3.hadoop.places import Place
from clary.services.s3.hadoop.refused import absent
from clary.services.s3.hadoop.status import Entry, described
from clary.services.s3.hadoop.visit import Visit, said

PLACE: Final = "~mounts"
"""No bucket can have this name."""
_FILE: Final = "mount-table.1.xml"
"""Hadoop takes the number for a version."""
_PAGE: Final = 1000


def is_mounts(place: Place) -> bool:
    return place.bucket == PLACE


def get_file_status(visit: Visit) -> Answer:
    entry = Entry("", True) if not visit.place.key else _entry(visit, "")
    return said(orjson.dumps({"FileStatus": described(entry)}))


def list_status(visit: Visit) -> Answer:
    name = "" if visit.place.key else _FILE
    return said(orjson.dumps({"FileStatuses": {"FileStatus": [described(_entry(visit, name))]}}))


def read(visit: Visit) -> Answer:
    if visit.place.key != _FILE:
        raise absent(visit.place.url)
    table, start = _table(visit), visit.number("offset") or 0
    return Answer(200, [(b"content-type", b"application/xml")], table[start:])


def _entry(visit: Visit, name: str) -> Entry:
    if visit.place.key not in ("", _FILE):
        raise absent(visit.place.url)
    return Entry(name, False, len(_table(visit)), visit.ctx.clock.now())


def _table(visit: Visit) -> bytes:
    secure = visit.request.scheme == "https"
    target = f"{'swebhdfs' if secure else 'webhdfs'}://{visit.request.headers.get('host', '')}"
    names = set(_buckets(visit))
    lines = [
        f"<property><name>fs.viewfs.mounttable.{name}.linkFallback</name>"
        f"<value>{escape(target)}/{name}</value></property>"
        for name in sorted(names)
        if not _is_shadowed(name, names)
    ]
    return "\n".join(("<configuration>", *lines, "</configuration>")).encode()


def _is_shadowed(name: str, names: set[str]) -> bool:
    """Hadoop would take the entry of `a.b` for a broken one of `a`, and refuse both."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in names for count in range(1, len(parts)))


def _buckets(visit: Visit) -> list[str]:
    found: list[str] = []
    after: list[object] | None = None
    while page := visit.ctx.store.page(BUCKET, Where(account=visit.ctx.account), after=after, limit=_PAGE):
        found += [one.name for one in page]
        last = page[-1]
        after = [last.name, last.name, last.account, last.region]
    return found
