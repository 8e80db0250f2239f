"""Where a request came from, as condition keys in lower case."""

from collections.abc import Mapping


def origin(client: str, headers: Mapping[str, str], scheme: str = "http") -> dict[str, str]:
    """`client` is the address of the peer, "" when it is not known.

    Loopback counts as secure transport: what is sent there cannot be read on the way, and the usual bucket policies
    that deny plain HTTP would otherwise shut out every job on this machine."""
    loopback = client in ("127.0.0.1", "::1")
    said = {
        "aws:securetransport": "true" if loopback or scheme == "https" else "false",
        "aws:sourceip": client,
        "aws:useragent": headers.get("user-agent", ""),
        "aws:referer": headers.get("referer", ""),
    }
    return {key: value for key, value in said.items() if value}
