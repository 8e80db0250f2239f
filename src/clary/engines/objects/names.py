"""How an object's key becomes a path below its bucket's directory, and back.

An ordinary key is its own path: "raw/2024/a.csv" lies at raw/2024/a.csv. What a file system cannot hold is escaped, one
component at a time, so that no two keys share a path and no path leaves the bucket:

    ""  "."  ".."           .%   .%.   .%..                  ("a/" is the file a/.%, "a//b" is a/.%/b)
    a NUL, or a leading .%  .%x%00y   .%.%25x                (after the mark, "%" and NUL are written as %25 and %00)
    more than 255 bytes     .%<piece>%-/.%<piece>            (%- : the component goes on in the next one)

The object "a" beside "a/b" cannot be a file where a directory has to be. It then lies *aside*, at .%a%o in the same
directory. Escaped names begin with a dot, so Spark and the shell pass over them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MARK: Final = ".%"
_MORE: Final = "%-"
_ASIDE: Final = "%o"
_NAME_MAX: Final = 255
_PIECE_MAX: Final = 240
"""Bytes of a piece of an escaped component: leaves room for the mark and the ending within 255."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key lies: file `leaf` below the directories `dirs` below the bucket."""

    dirs: tuple[str, ...]
    leaf: str

    @property
    def path(self) -> str:
        return "/".join((*self.dirs, self.leaf))


@dataclass(frozen=True, slots=True)
class Piece:
    """What one name in a directory says."""

    text: str
    more: bool = False
    """The component goes on inside this directory."""
    aside: bool = False
    """An object that lies aside."""


def place(key: str) -> Place:
    """Where the object is, unless it lies aside."""
    parts = key.split("/")
    return _place(parts, _component(parts[-1]))


def aside(key: str) -> Place:
    """Where the object is when its first place is, or once was, a directory."""
    parts = key.split("/")
    return _place(parts, _escaped(parts[-1], _ASIDE))


def ancestors(key: str) -> list[str]:
    """The keys whose files would stand where `key` needs directories: "a/b/c" has "a" and "a/b"."""
    parts = key.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def read(name: str) -> Piece | None:
    """What the name of a directory entry stands for; None: no key leads there, so it is not an object of ours."""
    if not name.startswith(MARK):
        return Piece(name) if name.isascii() or _is_text(name) else None
    body = name[len(MARK) :]
    more, put_aside = body.endswith(_MORE), body.endswith(_ASIDE)
    if more or put_aside:
        body = body[:-2]
    text = _unquoted(body)
    return None if text is None else Piece(text, more, put_aside)


def is_canonical(text: str, names: Sequence[str], put_aside: bool) -> bool:
    """The component `text` is written as `names` and in no other way."""
    return tuple(names) == (_escaped(text, _ASIDE) if put_aside else _component(text))


def _place(parts: list[str], leaf: tuple[str, ...]) -> Place:
    return Place((*_dirs(parts[:-1]), *leaf[:-1]), leaf[-1])


def _dirs(parts: list[str]) -> tuple[str, ...]:
    return tuple(name for part in parts for name in _component(part))


def _component(text: str) -> tuple[str, ...]:
    return (text,) if _is_plain(text) else _escaped(text, "")


def _is_plain(text: str) -> bool:
    if text in ("", ".", "..") or text.startswith(MARK) or "\0" in text:
        return False
    return len(text) <= _NAME_MAX // 4 or len(text.encode()) <= _NAME_MAX


def _escaped(text: str, ending: str) -> tuple[str, ...]:
    pieces, piece, size = [], "", 0
    for char in text:
        token = "%25" if char == "%" else "%00" if char == "\0" else char
        width = len(token.encode())
        if size + width > _PIECE_MAX:
            pieces.append(MARK + piece + _MORE)
            piece, size = "", 0
        piece, size = piece + token, size + width
    pieces.append(MARK + piece + ending)
    return tuple(pieces)


def _unquoted(body: str) -> str | None:
    first, *rest = body.split("%")
    text = first
    for chunk in rest:
        if chunk.startswith("25"):
            text += "%" + chunk[2:]
        elif chunk.startswith("00"):
            text += "\0" + chunk[2:]
        else:
            return None
    return text if text.isascii() or _is_text(text) else None


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8, as os.scandir smuggles them
        return False
    return True
