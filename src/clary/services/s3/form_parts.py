"""multipart/form-data, read as it comes: the fields before the file into memory, bounded; the file as a stream."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Final

from clary.aws.errors import ServiceError

FIELDS_BYTES: Final = 20 * 1024
"""All that may stand before the file."""
_HEAD_BYTES: Final = 8 * 1024
_BOUNDARY: Final = re.compile(r"""[0-9A-Za-z'()+_,./:=? -]{1,70}""")


class MalformedPOSTRequest(ServiceError):
    def __init__(self) -> None:
        super().__init__("The body of your POST request is not well-formed multipart/form-data.")


class MaxPostPreDataLengthExceededError(ServiceError):
    def __init__(self) -> None:
        super().__init__("Your POST request fields preceding the upload file were too large.")


@dataclass(slots=True)
class Form:
    """What stood before the file, and the file."""

    fields: dict[str, str]
    """By name in lower case."""
    names: dict[str, str] = field(default_factory=dict)
    """The names as they were written, by name in lower case."""
    filename: str | None = None
    content: AsyncIterator[bytes] | None = None
    """The file's bytes; None: there is no file. What comes behind the file is not looked at."""


async def read_form(content_type: str, source: AsyncIterator[bytes]) -> Form:
    """Everything up to the first byte of the file. Raises MalformedPOSTRequest, MaxPostPreDataLengthExceededError."""
    reader = _Reader(source, _boundary(content_type))
    form, size = Form({}), 0
    if not await reader.begin():
        return form
    while True:
        headers = await reader.headers()
        name = headers.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise MalformedPOSTRequest
        if name.lower() == "file":
            filename = headers.get_filename()
            form.filename = (filename or "").replace("\\", "/").rpartition("/")[2]
            form.content = reader.body()
            return form
        value = b""
        async for piece in reader.body():
            value += piece
            if size + len(value) > FIELDS_BYTES:
                raise MaxPostPreDataLengthExceededError
        size += len(name) + len(value)
        form.fields[name.lower()] = value.decode("utf-8", "replace")
        form.names[name.lower()] = name
        if not await reader.more():
            return form


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    found = message.get_param("boundary")
    if not isinstance(found, str) or not _BOUNDARY.fullmatch(found):
        raise MalformedPOSTRequest
    return found.encode()


class _Reader:
    """Cuts a stream at its boundaries. Holds no more than a piece of it and a boundary."""

    def __init__(self, source: AsyncIterator[bytes], boundary: bytes) -> None:
        self._source = source
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"  # so that the first boundary is as all others

    async def begin(self) -> bool:
        """Whether there is a part at all; what stands before the first boundary is passed over."""
        async for _ in self._until_mark():
            pass
        return await self.more()

    async def more(self) -> bool:
        """After a boundary: whether another part follows. Raises MalformedPOSTRequest."""
        while len(self._held) < 2:
            await self._fill()
        mark, self._held = self._held[:2], self._held[2:]
        if mark not in (b"\r\n", b"--"):
            raise MalformedPOSTRequest
        return mark == b"\r\n"

    async def headers(self) -> Message:
        """Of the part that begins here."""
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > _HEAD_BYTES:
                raise MalformedPOSTRequest
            await self._fill()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        if len(head) > _HEAD_BYTES:
            raise MalformedPOSTRequest
        message = Message()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if not colon:
                raise MalformedPOSTRequest
            message[name.strip()] = value.strip()
        return message

    async def body(self) -> AsyncIterator[bytes]:
        """Of the part that begins here, up to the next boundary. Once only."""
        async for piece in self._until_mark():
            yield piece

    async def _until_mark(self) -> AsyncIterator[bytes]:
        while (at := self._held.find(self._mark)) < 0:
            # What may be the beginning of a boundary is kept back.
            keep = len(self._mark) - 1
            piece, self._held = self._held[:-keep], self._held[-keep:]
            if piece:
                yield piece
            await self._fill()
        piece, self._held = self._held[:at], self._held[at + len(self._mark) :]
        if piece:
            yield piece

    async def _fill(self) -> None:
        try:
            self._held += await anext(self._source)
        except StopAsyncIteration:
            raise MalformedPOSTRequest from None
