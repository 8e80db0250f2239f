"""Header fields as they stood on the wire, as one dict."""

from collections.abc import Sequence

Raw = Sequence[tuple[bytes, bytes]]


def read(raw: Raw) -> dict[str, str]:
    """By lower-case name, without the blanks around a value; the values of a repeated name are joined by commas."""
    found: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found
