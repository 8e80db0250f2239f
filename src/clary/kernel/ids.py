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


class RequestIds:
    """Request ids for who needs very many: a counter in front of what was drawn once. No two are the same, nor those of
    two processes."""

    def __init__(self) -> None:
        self._count = secrets.randbits(32)
        self._end = ""

    def next(self) -> str:
        """As `request_id`."""
        count = self._count = (self._count + 1) & 0xFFFFFFFF
        if not count or not self._end:
            self._end = request_id()[8:]
        return f"{count:08x}{self._end}"


def account() -> str:
    """A fresh 12-digit account id that does not start with zero."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)
