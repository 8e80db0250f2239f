"""The lifecycle carried out: a bucket with rules is due at every midnight (UTC) and is walked through, a page a step.

What is deleted is looked at in the same atomic step: an object that was written anew meanwhile stays. Every step may be
repeated; how far the walk has come stands in the bucket's row."""

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from clary.engines.objects.base import BucketStore, ConditionFailed, NoBucket, NoUpload, OnlyIf, Removed, Version
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource
from clary.services.s3.happenings import Asker, Change, Happenings
from clary.services.s3.lifecycle import applies, due_at, enabled, is_large_enough, moved_to, next_midnight, tags_of

PAGE: Final = 500
_ASKER: Final = "s3.amazonaws.com"

log = logging.getLogger(__name__)


class BucketReconciler:
    """Desired: nothing is there whose time by the bucket's rules has come."""

    def __init__(self, objects: BucketStore, happenings: Happenings, clock: Clock) -> None:
        self._objects = objects
        self._happenings = happenings
        self._clock = clock

    async def __call__(self, bucket: Resource) -> Step:
        """One page of the walk; after the last one, the bucket is due at the next midnight."""
        rules = enabled(bucket.status.get("_lifecycle"))
        if not rules:
            return rest(_scan=None)
        now = self._clock.now()
        scan: Doc = bucket.status.get("_scan") or {"now": now, "after": ["", ""]}
        try:
            after = await self._page(bucket, rules, scan)
            if after is not None:
                return again(0.0, _scan={**scan, "after": list(after)})
            await self._abort(bucket, rules, scan["now"])
        except NoBucket:
            return rest(_scan=None)
        return again(max(next_midnight(scan["now"]) - now, 0.0), _scan=None)

    def give_up(self, bucket: Resource, error: Exception) -> Step:
        """The walk begins again in an hour."""
        log.error("a lifecycle could not be carried out", exc_info=error, extra={"bucket": bucket.name})
        return again(3600.0, _scan=None)

    async def _page(self, bucket: Resource, rules: Sequence[Doc], scan: Doc) -> tuple[str, str] | None:
        """Where to go on; None: that was all. A key's versions are always looked at together."""
        before = (str(scan["after"][0]), str(scan["after"][1]))
        found = await self._objects.versions(bucket.name, "", "", before, PAGE)
        versions = list(found.versions)
        while found.truncated and versions[0].key == versions[-1].key:
            found = await self._objects.versions(bucket.name, "", "", found.last, PAGE)
            versions += found.versions
        whole = [list(some) for _, some in groupby(versions, key=lambda one: one.key)]
        if found.truncated:
            whole.pop()
        for one in whole:
            await self._key(bucket, rules, one, float(scan["now"]))
        # Nothing is after a key's "" but the next key.
        return (whole[-1][0].key, "") if found.truncated else None

    async def _key(self, bucket: Resource, rules: Sequence[Doc], versions: list[Version], now: float) -> None:
        """`versions` of one key, the newest first."""
        current = versions[0] if versions[0].latest else None
        older = versions[1:] if current is not None else versions
        least = bucket.status["_lifecycle"].get("Least", "")
        if current is not None and current.stat is not None:
            await self._current(bucket, rules, current.stat, now, least)
        elif current is not None and not older and _marker_expires(rules, current, now):
            await self._remove(bucket, current.key, current.id, None, "LifecycleExpiration:Delete")
        since = [versions[index - 1].modified for index in range(len(versions) - len(older), len(versions)) if index]
        for newer, (one, at) in enumerate(zip(older, since, strict=False)):
            await self._noncurrent(bucket, rules, one, at, newer, now, least)

    async def _current(self, bucket: Resource, rules: Sequence[Doc], stat: Stat, now: float, least: str) -> None:
        fitting = [rule for rule in rules if applies(rule, stat.key, stat.size, tags_of(stat))]
        if any(_expires(rule, stat, now) for rule in fitting):
            only_if = OnlyIf(etag=stat.etag, size=stat.size, modified=float(int(stat.modified)))
            await self._remove(bucket, stat.key, None, only_if, "LifecycleExpiration:Delete")
            return
        kinds = [kind for rule in fitting if (kind := moved_to(rule, stat, least, now))]
        if kinds and kinds[-1] != stat.meta.get("StorageClass"):
            await self._move(bucket, stat, kinds[-1])

    async def _noncurrent(
        self, bucket: Resource, rules: Sequence[Doc], one: Version, since: float, newer: int, now: float, least: str
    ) -> None:
        """`since`: when the next newer one came; `newer`: how many noncurrent ones are newer."""
        size = one.stat.size if one.stat is not None else None
        kind = None
        for rule in rules:
            if not applies(rule, one.key, size, tags_of(one.stat)):
                continue
            ends = rule.get("NoncurrentVersionExpiration")
            if ends is not None and _is_old(ends, since, newer, now):
                await self._remove(bucket, one.key, one.id, None, "LifecycleExpiration:Delete")
                return
            for step in rule.get("NoncurrentVersionTransitions", []):
                large = size is not None and is_large_enough(rule, step["StorageClass"], size, least)
                if large and _is_old(step, since, newer, now):
                    kind = step["StorageClass"]
        if kind is not None and one.stat is not None and one.stat.meta.get("StorageClass") != kind:
            await self._move(bucket, one.stat, kind)

    async def _remove(self, bucket: Resource, key: str, version: str | None, only_if: OnlyIf | None, name: str) -> None:
        change = Change(name, key, "Lifecycle Expiration", version)
        async with self._happenings.telling(bucket, _asker(bucket), [change]):
            try:
                removed = await self._objects.remove(bucket.name, key, version, only_if)
            except (ConditionFailed, Missing):
                change.done = False  # written anew, or gone, since it was listed
                removed = Removed()
            if removed.marker and version is None:
                change.name = "LifecycleExpiration:DeleteMarkerCreated"
                change.version = removed.version

    async def _move(self, bucket: Resource, stat: Stat, kind: str) -> None:
        """The version is told to be of that storage class. It can be read at once, as ever."""
        change = Change("LifecycleTransition", stat.key, "", stat.version, stat=stat)
        change.more = {"destination-storage-class": kind}
        async with self._happenings.telling(bucket, _asker(bucket), [change]):
            try:
                await self._objects.set_meta(stat, {**stat.meta, "StorageClass": kind})
            except Missing:
                change.done = False

    async def _abort(self, bucket: Resource, rules: Sequence[Doc], now: float) -> None:
        """Multipart uploads that were begun too long ago are gone."""
        wanted = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
        after = ("", "")
        while wanted and (some := await self._objects.uploads(bucket.name, "", after, PAGE)):
            for upload in some:
                days = [
                    rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
                    for rule in wanted
                    if applies(rule, upload.key, None, {})
                ]
                if days and due_at(upload.initiated, min(days)) <= now:
                    try:
                        await self._objects.abort(upload)
                    except NoUpload:
                        continue  # it was completed, or aborted, meanwhile
            after = (some[-1].key, some[-1].id)


def _expires(rule: Doc, stat: Stat, now: float) -> bool:
    action = rule.get("Expiration", {})
    if "Days" in action:
        return due_at(stat.modified, action["Days"]) <= now
    return "Date" in action and float(action["Date"]) <= now


def _marker_expires(rules: Sequence[Doc], marker: Version, now: float) -> bool:
    """A delete marker with nothing behind it."""
    for rule in rules:
        action = rule.get("Expiration", {})
        if applies(rule, marker.key, None, {}) and (
            action.get("ExpiredObjectDeleteMarker")
            or ("Days" in action and due_at(marker.modified, action["Days"]) <= now)
        ):
            return True
    return False


def _is_old(action: Doc, since: float, newer: int, now: float) -> bool:
    return newer >= action.get("NewerNoncurrentVersions", 0) and due_at(since, action["NoncurrentDays"]) <= now


def _asker(bucket: Resource) -> Asker:
    return Asker(ids.request_id(), _ASKER, _ASKER)
