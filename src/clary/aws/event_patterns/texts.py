"""What a pattern can ask of a text: beginning, end, case, wildcards, addresses."""

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address, NetmaskValueError, ip_address, ip_network
from typing import Final

from clary.aws.asterisks import compile_wildcard

Text = Callable[[str], bool]

MOST_COMPLEX: Final = 64
"""So many places of a wildcard pattern may be live at once for some text."""


def prefix(wanted: str) -> Text:
    return lambda text: text.startswith(wanted)


def suffix(wanted: str) -> Text:
    return lambda text: text.endswith(wanted)


def ignoring_case(wanted: str) -> Text:
    low = wanted.lower()
    return lambda text: text.lower() == low


def prefix_ignoring_case(wanted: str) -> Text:
    low = wanted.lower()
    return lambda text: text.lower().startswith(low)


def suffix_ignoring_case(wanted: str) -> Text:
    low = wanted.lower()
    return lambda text: text.lower().endswith(low)


def wildcard(wanted: str) -> Text:
    """`*` is any run of characters, `\\*` and `\\\\` are themselves. Raises ValueError."""
    pieces = _pieces(wanted)
    _check_complexity(pieces[1:])
    return compile_wildcard(pieces)


def _pieces(wanted: str) -> list[str]:
    """What stands between the wildcards. Raises ValueError."""
    pieces: list[str] = []
    now, at = "", 0
    while at < len(wanted):
        letter = wanted[at]
        if letter == "\\":
            if wanted[at + 1 : at + 2] not in ("*", "\\"):
                raise ValueError(f"Invalid escape character at pos {at}")
            now += wanted[at + 1]
            at += 1
        elif letter == "*":
            if pieces and not now:
                raise ValueError(f"Consecutive wildcard characters at pos {at - 1}")
            pieces.append(now)
            now = ""
        else:
            now += letter
        at += 1
    return [*pieces, now]


def _check_complexity(behind: list[str]) -> None:
    """Raises ValueError when, for some text, too many places of the pattern could be live: each wildcard, and as often
    as what follows it can begin within itself."""
    total = sum(1 + _overlaps(piece) for piece in behind)
    if total > MOST_COMPLEX:
        raise ValueError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
            "wildcard character"
        )


def _overlaps(piece: str) -> int:
    """How many proper beginnings of `piece` can end at one place of a text, at most (borders of borders)."""
    borders, most = [0] * len(piece), 0
    depth = [0] * (len(piece) + 1)
    for at in range(1, len(piece)):
        width = borders[at - 1]
        while width and piece[width] != piece[at]:
            width = borders[width - 1]
        borders[at] = width + (piece[width] == piece[at])
        depth[at + 1] = depth[borders[at]] + 1 if borders[at] else 0
        most = max(most, depth[at + 1])
    return most


def cidr(wanted: str) -> Text:
    """Addresses, IPv4 or IPv6, of a network or one address. Raises ValueError."""
    address, slash, bits = wanted.partition("/")
    try:
        ip_address(address)
    except ValueError:
        raise ValueError(f"Malformed CIDR, IP address required: {wanted}") from None
    if slash and not bits.isdecimal():
        raise ValueError(f"Malformed CIDR, mask bits must be an integer: {wanted}")
    try:
        network = ip_network(wanted, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise ValueError(f"Malformed CIDR, too many mask bits: {wanted}") from None
    low, high = int(network.network_address), int(network.broadcast_address)
    kind = IPv4Address if network.version == 4 else IPv6Address

    def matches(text: str) -> bool:
        try:
            return low <= int(kind(text)) <= high
        except ValueError:
            return False

    return matches
