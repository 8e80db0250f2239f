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
    """Request ids for who needs very many: randomness is fetched from the system for a few hundred at a time."""

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def next(self) -> str:
        """As `request_id`."""
        at = self._at
        if at >= len(self._digits):
            self._digits, at = secrets.token_hex(8192), 0
        self._at = at + 32
        digits = self._digits
        return (
            f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-4{digits[at + 13 : at + 16]}"
            f"-{_VARIANT[digits[at + 16]]}{digits[at + 17 : at + 20]}-{digits[at + 20 : at + 32]}"
        )


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def account() -> str:
    """A fresh 12-digit account id that does not start with zero."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)
