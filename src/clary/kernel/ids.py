"""Names that are given out once."""

import secrets


def new() -> str:
    """A fresh uid: 20 lower-case characters that are safe in a path, a host name and a URL."""
    return secrets.token_hex(10)


def request_id() -> str:
    """A request id as AWS prints them: a random UUID."""
    # As `str(uuid.uuid4())`, in a third of the time: every request gets one.
    digits = secrets.token_hex(16)
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def account() -> str:
    """A fresh 12-digit account id that does not start with zero."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)
