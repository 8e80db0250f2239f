"""The request that is coming in on a client's connection: bytes, then a head, then a body."""

from clary.engines.serving.framing import HEAD_LIMIT, BadRequest, Chunked, Head, parse_head, too_long
from clary.engines.serving.shared import Shared


class Incoming:
    """One request at a time. What comes behind it stays in `buffer`."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._chunked: Chunked | None = None
        self.buffer = bytearray()
        self.head: Head | None = None
        """Of the request whose body is to come, or that is being answered."""
        self.block = b""
        """That head as it came."""
        self.held = 0
        """Bytes of bodies that count against the front's bound."""

    def read_head(self) -> Head | None:
        """The head, if the buffer begins with a whole one; room is reserved for its body. Raises BadRequest."""
        end = self.buffer.find(b"\r\n\r\n", 0, HEAD_LIMIT)
        if end < 0:
            if len(self.buffer) >= HEAD_LIMIT:
                raise BadRequest(431, f"The head of the request is longer than {HEAD_LIMIT} bytes.")
            return None
        self.block = bytes(self.buffer[: end + 4])
        head = parse_head(self.block)
        del self.buffer[: end + 4]
        most = self._shared.bounds.body_bytes
        if head.length is None:
            self._chunked = Chunked(most)
        elif head.length > most:
            raise BadRequest(413, too_long(most))
        else:
            self.hold(head.length)
        self.head = head
        return head

    def read_body(self, head: Head) -> bytes | None:
        """The body, once it is here to its last byte. Raises BadRequest."""
        if self._chunked is not None:
            body = self._chunked.feed(self.buffer)
            self.hold(self._chunked.size - self.held)
            return body
        assert head.length is not None
        if len(self.buffer) < head.length:
            return None
        whole = bytes(self.buffer[: head.length])
        del self.buffer[: head.length]
        return whole

    def hold(self, size: int) -> None:
        """So many bytes more are held. Raises BadRequest when the front holds too many."""
        if self._shared.held + size > self._shared.bounds.held_bytes:
            raise BadRequest(503, "Too many large requests are in progress; try again.")
        self._shared.held += size
        self.held += size

    def release(self) -> None:
        """The body is of no use any more."""
        self._shared.held -= self.held
        self.held = 0

    def clear(self) -> None:
        """The request is over; the next one begins with what is in the buffer."""
        self.release()
        self.head = None
        self._chunked = None
