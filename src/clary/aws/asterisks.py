"""Text with asterisks, compared without ever going back further than one piece."""

from collections.abc import Callable


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
