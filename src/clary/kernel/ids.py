"""Names that are given out once."""

import secrets
import uuid


def new() -> str:
    """A fresh uid: 20 lower-case characters that are safe in a path, a host name and a URL."""
    return secrets.token_hex(10)


def request_id() -> str:
    """A request id as AWS prints them: a random UUID."""
    return str(uuid.uuid4())


def account() -> str:
    """A fresh 12-digit account id that does not start with zero."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)
