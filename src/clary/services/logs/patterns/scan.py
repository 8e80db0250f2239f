"""Reading a pattern from left to right, and saying where it stops being one."""

from typing import Final

from clary.services.logs.api import InvalidParameterException

OPERATORS: Final = ("!=", "<=", ">=", "=", "<", ">")
"""The longer ones first."""


def wrong(why: str, at: int) -> InvalidParameterException:
    """The refusal of a pattern. Positions count characters from 0."""
    return InvalidParameterException(f"Invalid filter pattern: {why} at position {at}.")


class Scanner:
    """A pattern and a place in it."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at

    def skip(self) -> None:
        """Behind the spaces that stand here."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def peek(self, size: int = 1) -> str:
        """The next characters, after spaces; fewer or none at the end."""
        self.skip()
        return self.text[self.at : self.at + size]

    def take(self, token: str) -> bool:
        """True: `token` stood here (after spaces), and is passed."""
        self.skip()
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def want(self, token: str, why: str) -> None:
        """Pass `token`. Raises InvalidParameterException."""
        if not self.take(token):
            raise wrong(why, self.at)

    def word(self) -> str:
        """The letters that stand here (after spaces), in upper case and not yet passed."""
        self.skip()
        end = self.at
        while end < len(self.text) and self.text[end].isalpha():
            end += 1
        return self.text[self.at : end].upper()

    def run(self, allowed: str = "") -> str:
        """Letters, digits, "_" and `allowed` characters that stand here; passed."""
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in "_" + allowed):
            self.at += 1
        return self.text[start : self.at]

    def quoted(self, quote: str = '"') -> str:
        """What stands between this quotation mark and its partner, with its backslashes; both are passed."""
        opened = self.at
        self.at += 1
        start = self.at
        while self.at < len(self.text):
            if self.text[self.at] == "\\":
                self.at += 2
                continue
            if self.text[self.at] == quote:
                self.at += 1
                return self.text[start : self.at - 1]
            self.at += 1
        raise wrong("the quotation mark is not closed that stands", opened)

    def operator(self) -> str:
        """The comparison that stands here; "" for none."""
        for one in OPERATORS:
            if self.take(one):
                return one
        return ""


def unescaped(text: str) -> str:
    """A backslash takes the next character as it is."""
    chars = iter(text)
    return "".join(next(chars, "\\") if char == "\\" else char for char in chars)
