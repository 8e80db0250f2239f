"""Mail goes no farther than a directory of the home: one `.eml` file a message, to be read by its owner."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_LONGEST_LINE: Final = 998


class MailDirectory:
    """engines.web.base.Mailbox over `directory`, made with the first message."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, name: str, headers: Mapping[str, str], text: str) -> None:
        await asyncio.to_thread(self._put, name, headers, text)

    def _put(self, name: str, headers: Mapping[str, str], text: str) -> None:
        from email.message import EmailMessage
        from email.policy import SMTP

        message = EmailMessage(policy=SMTP)
        for header, value in headers.items():
            message[header] = value
        # Unwrapped where that is allowed: people look at these files as they are, and links must be whole.
        short = all(len(line) < _LONGEST_LINE for line in text.encode().splitlines())
        message.set_content(text, cte="8bit" if short else "quoted-printable")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{name}.eml"
        scratch = path.with_name(f".{name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, message.as_bytes())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Whole or not at all: who watches the directory never reads half a message.
        scratch.rename(path)
