"""Text with asterisks, as filter patterns write it."""


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
