"""Text with asterisks, compared without ever going back further than one piece."""

from collections.abc import Callable


def pieces_of(text: str) -> list[str]:
    """What stands between the asterisks of `text`; one piece: there is none. A backslash takes the next character as
    it is, an asterisk too."""
    pieces: list[str] = []
    piece: list[str] = []
    chars = iter(text)
    for char in chars:
        if char == "*":
            pieces.append("".join(piece))
            piece = []
        else:
            piece.append(next(chars, "\\") if char == "\\" else char)
    return [*pieces, "".join(piece)]


def compile_wildcard(pieces: list[str]) -> Callable[[str], bool]:
    """Does a text consist of these pieces with anything in between?"""
    if len(pieces) == 1:
        whole = pieces[0]
        return lambda text: text == whole
    first, *middle, last = pieces
    middle = [one for one in middle if one]

    def matches(text: str) -> bool:
        # The earliest place of each piece leaves most room for the next: no other choice could do better.
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return matches
