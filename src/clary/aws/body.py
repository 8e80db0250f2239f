"""The body of a streaming request, as a handler sees it: decoded, counted, and proven at its end."""

from collections.abc import AsyncIterator

from clary.aws.checksums import Checks, Running
from clary.aws.errors import ServiceError


class IncompleteBody(ServiceError):
    """Fewer or more bytes arrived than the client announced."""


class Body:
    """An async iterator over the decoded bytes; it can be walked once.

    Its last step proves every checksum and signature that the request carried. When one does not hold it raises a
    ServiceError (BadDigest, XAmzContentSHA256Mismatch, SignatureDoesNotMatch, IncompleteBody) instead of ending, so
    whoever stores the bytes must let that pass and commit only after a normal end.
    """

    def __init__(self, source: AsyncIterator[bytes], length: int | None = None, checks: Checks | None = None) -> None:
        self._source = source
        self._checks = checks
        self._counts = checks is not None
        self.length = length
        """The decoded length that the client announced; None when it did not."""
        self.checksums: dict[str, str] = {}
        """After the end: the checksums the client sent and that were found true, base64 by algorithm ("CRC32")."""
        self.done = False
        """The iterator has ended normally: every byte was given out and proven."""

    def __aiter__(self) -> "Body":
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._source)
        except StopAsyncIteration:
            if self._counts:
                self.prove()
            self.done = True
            raise
        if self._counts and self._checks is not None:
            self._checks.update(piece)
        return piece

    def take_over(self) -> dict[str, Running]:
        """The checksums to prove, for a caller who counts them where it does not hold up the event loop: it feeds them
        every byte in order, and calls `prove` after the end."""
        self._counts = False
        return {f"wire {name}": one for name, one in self._checks.sums.items()} if self._checks is not None else {}

    def prove(self) -> None:
        """Raises ServiceError when a checksum does not hold."""
        if self._checks is not None:
            self.checksums.update(self._checks.verify())

    async def read(self) -> bytes:
        """What is left of it, whole. For bodies that are known to be small."""
        return b"".join([chunk async for chunk in self])


def of_bytes(data: bytes) -> Body:
    """A body already in memory, for calls from inside."""

    async def once() -> AsyncIterator[bytes]:
        if data:
            yield data

    return Body(once(), len(data))
