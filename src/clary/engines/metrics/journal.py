"""What is known in memory and stands in the journal: records, and the buckets that they add up to."""

from typing import Any

import orjson

from clary.engines.metrics.bucket import Bucket
from clary.engines.metrics.tiers import SPAN, step_for
from clary.kernel.metrics import Sample, Summary

Record = list[Any]
"""[series, begin of the bucket, step, values], with counts behind it, or [.., count, sum, minimum, maximum]."""
Block = tuple[int, int]
"""(step, where the block begins)."""


def record(series: int, sample: Sample | Summary, now: float) -> Record:
    step = step_for(sample.at, sample.resolution, now)
    start = int(sample.at // step) * step
    if isinstance(sample, Summary):
        return [series, start, step, sample.count, sample.sum, sample.minimum, sample.maximum]
    if sample.counts:
        return [series, start, step, list(sample.values), list(sample.counts)]
    return [series, start, step, list(sample.values)]


def dumps(records: list[Record]) -> bytes:
    """Raises ValueError: a number is not finite, or none."""
    try:
        text = orjson.dumps(records)
    except TypeError as error:
        raise ValueError(f"a metric's value must be a number: {error}") from None
    if b"null" in text:  # what JSON makes of NaN and the infinite; nothing else here is null
        raise ValueError("a metric's value must be finite")
    return text


def loads(data: bytes) -> list[Record]:
    read: list[Record] = orjson.loads(data)
    return read


class Buckets:
    """Buckets in memory, by series, block and begin."""

    __slots__ = ("blocks", "count", "seen")

    def __init__(self) -> None:
        self.blocks: dict[int, dict[Block, dict[int, Bucket]]] = {}
        self.count = 0
        self.seen: dict[int, int] = {}
        """The newest begin of a bucket, by series."""

    def take(self, records: list[Record]) -> None:
        """What the records tell is counted."""
        for one in records:
            series, start, step = one[0], one[1], one[2]
            buckets = self._block(series, step, start)
            if len(one) == 7:
                self._merge(buckets, start, Bucket(one[3], one[4], one[5], one[6]))
                continue
            values = one[3]
            if len(one) == 5:
                for value, count in zip(values, one[4], strict=True):
                    if count > 0:
                        self._merge(buckets, start, Bucket(count, value * count, value, value))
                continue
            bucket = buckets.get(start)
            for value in values:
                if bucket is None:
                    bucket = buckets[start] = Bucket(1.0, value, value, value)
                    self.count += 1
                else:
                    bucket.add(value)

    def _block(self, series: int, step: int, start: int) -> dict[int, Bucket]:
        blocks = self.blocks.get(series)
        if blocks is None:
            blocks = self.blocks[series] = {}
        if start > self.seen.get(series, 0):
            self.seen[series] = start
        place = (step, start - start % SPAN[step])
        buckets = blocks.get(place)
        if buckets is None:
            buckets = blocks[place] = {}
        return buckets

    def _merge(self, buckets: dict[int, Bucket], start: int, more: Bucket) -> None:
        bucket = buckets.get(start)
        if bucket is None:
            buckets[start] = more
            self.count += 1
        else:
            bucket.merge(more)
