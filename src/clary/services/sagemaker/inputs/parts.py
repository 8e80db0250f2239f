"""Which of a channel's objects a host gets, and in which order: the same wherever it is worked out."""

from collections.abc import Sequence
from typing import TypeVar

from clary.engines.pipes.base import shuffled
from clary.kernel.resource import Doc

__all__ = ["part", "seed_of", "sharded", "shuffled"]

T = TypeVar("T")


def part(items: Sequence[T], host: int, hosts: int) -> Sequence[T]:
    """Every `hosts`-th item from that of the host (counted from 0) on: each item goes to exactly one host, and no host
    has two more than another. With fewer items than hosts some get none, as on AWS."""
    return items[host::hosts]


def sharded(source: Doc, hosts: int) -> bool:
    """The hosts share the objects of the data source instead of having all of them each."""
    return hosts > 1 and source.get("S3DataDistributionType") == "ShardedByS3Key"


def seed_of(channel: Doc) -> int | None:
    seed = (channel.get("ShuffleConfig") or {}).get("Seed")
    return None if seed is None else int(seed)
