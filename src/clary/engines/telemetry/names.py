"""Names of accounts, regions, groups and streams as names of directories: injective, and never a way out."""

from hashlib import sha256
from urllib.parse import quote, unquote

_LONGEST = 180
"""Of an escaped name that is spelt out; file systems stop at 255 bytes."""


def escape(name: str) -> str:
    """A directory name for `name`. No two names share one; none is "", starts with "." or holds a separator.

    A name too long for a file system keeps its start and ends in "~" and its SHA-256: `unescape` cannot undo that."""
    # quote leaves letters, digits, "_", "-", "." and "~"; "~" marks hashed names, a leading "." marks Clary's own
    # temporary directories (and "..", the way out), so neither may come from a name.
    spelt = quote(name, safe="", errors="surrogatepass").replace("~", "%7E")
    if spelt.startswith("."):
        spelt = "%2E" + spelt[1:]
    if not spelt:
        return "~"
    if len(spelt) <= _LONGEST:
        return spelt
    # "~" stands once in the result and nowhere else, so a hashed name cannot equal a spelt one.
    return f"{spelt[:64]}~{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def unescape(directory: str) -> str | None:
    """The name that `escape` was given; None for a hashed one, whose name is kept inside."""
    if directory == "~":
        return ""
    if "~" in directory:
        return None
    if "%" not in directory:
        return directory
    return unquote(directory, errors="surrogatepass")
