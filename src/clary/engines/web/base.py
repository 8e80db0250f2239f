"""The ports of what leaves this machine's services for people and programs outside: signatures and mail."""

from collections.abc import Mapping
from typing import Literal, Protocol


class Signer(Protocol):
    """Signs what others check by a certificate. The key is the home's own and never leaves it."""

    async def sign(self, text: bytes, digest: Literal["SHA1", "SHA256"]) -> bytes:
        """The RSA signature (PKCS #1 v1.5) over that digest of the text."""
        ...

    async def certificate(self) -> tuple[str, bytes]:
        """(a name of it that is never another's, itself in PEM)."""
        ...


class Mailbox(Protocol):
    """Where mail goes that Clary sends."""

    async def put(self, name: str, headers: Mapping[str, str], text: str) -> None:
        """The message is there, whole, durably; one of the same name is replaced by it. Raises OSError."""
        ...
