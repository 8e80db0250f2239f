"""Bodies of PutObject that come through the Hadoop door: as long as an object may be, or staged already."""

from collections.abc import AsyncIterator
from typing import Final

from clary.aws.body import Body

OBJECT_MAX: Final = 5 << 40
"""Bytes of the largest object. A single PutObject of S3's own wire has a lower bound; Hadoop knows no parts."""


class Incoming(Body):
    """`staged` is (bucket, key) of an object whose bytes the new one takes over, without copying them where the disk
    can; then there is nothing to iterate over, and who asked removes the staged one afterwards."""

    def __init__(self, source: AsyncIterator[bytes], staged: tuple[str, str] | None = None) -> None:
        super().__init__(source)
        self.most = OBJECT_MAX
        self.staged = staged
