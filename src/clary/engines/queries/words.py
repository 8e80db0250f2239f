"""A statement as a row of words, for what is read by hand: Athena's DDL, which is Hive's."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from clary.engines.queries.base import QueryError

_TOKENS: Final = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z_]))
    |(?P<word>[^\W]\w*)
    |(?P<symbol>.)""",
    re.X | re.S,
)


_ESCAPES: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-7]{3}|.)", re.S)
_MEANT: Final = {"t": "\t", "n": "\n", "r": "\r"}


def _meant(found: re.Match[str]) -> str:
    """Hive's escapes: \\t, \\\\, \\001, \\u0001. Before anything else a backslash is one: \\. is in patterns."""
    said = found[1]
    if said[0] == "u" and len(said) == 5:
        return chr(int(said[1:], 16))
    if len(said) == 3:
        return chr(int(said, 8))
    return _MEANT.get(said) or (said if said in "\\'\"" else f"\\{said}")


class Token(NamedTuple):
    kind: str
    """"text" (in single quotes), "name" (in double quotes or backquotes), "number", "word" or "symbol"."""
    text: str
    """Without its quotes."""
    start: int
    end: int
    """Offset behind it."""

    @property
    def upper(self) -> str:
        """What keywords are compared with: what is quoted is none."""
        return self.text.upper() if self.kind in ("word", "symbol") else ""


def place(sql: str, at: int) -> str:
    """An offset as Athena tells it: line and column from 1."""
    line = sql.count("\n", 0, at) + 1
    return f"line {line}:{at - (sql.rfind(chr(10), 0, at) + 1) + 1}"


def tokens(sql: str) -> list[Token]:
    found = []
    for match in _TOKENS.finditer(sql):
        kind, said = match.lastgroup or "", match.group()
        if kind in ("text", "name"):
            said = said[1:-1].replace(said[0] * 2, said[0])
        if kind != "skip":
            found.append(Token(kind, said, match.start(), match.end()))
    return found


_QUOTED: Final = ("text", "name")
_OPENS: Final = ("(", "<", "[")
_CLOSES: Final = (")", ">", "]")


class Words:
    """Where one has read up to. Every `take...` goes on; what is not there is a QueryError that says where."""

    def __init__(self, sql: str, found: Sequence[Token]) -> None:
        self.sql = sql
        self._tokens = found
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def fail(self, expecting: str) -> NoReturn:
        if self.done:
            where, got = place(self.sql, len(self.sql)), "<EOF>"
        else:
            token = self._tokens[self._at]
            where, got = place(self.sql, token.start), self.sql[token.start : token.end]
        raise QueryError(f"{where}: mismatched input '{got}'. Expecting: {expecting}", code="SYNTAX_ERROR")

    def looks(self, *words: str) -> bool:
        """The next words are these; all keywords may be written in any case."""
        wanted = [part for word in words for part in word.split()]
        return [one.upper for one in self._tokens[self._at : self._at + len(wanted)]] == wanted

    def accept(self, *words: str) -> bool:
        if not self.looks(*words):
            return False
        self._at += sum(len(word.split()) for word in words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            self.fail(" ".join(f"'{word}'" for word in words))

    def name(self) -> str:
        """An identifier, quoted or not, in lower case as the catalog keeps it."""
        if self.done or self._tokens[self._at].kind not in ("word", "name", "number"):
            self.fail("<identifier>")
        self._at += 1
        return self._tokens[self._at - 1].text.lower()

    def dotted(self, database: str) -> tuple[str, str]:
        """(database, name) of `name`, `database.name` or `awsdatacatalog.database.name`."""
        said = [self.name()]
        while self.accept("."):
            said.append(self.name())
        if len(said) == 3 and said[0] == "awsdatacatalog":
            said = said[1:]
        if len(said) > 2:
            raise QueryError(f"line 1:1: Catalog '{said[0]}' does not exist", code="CATALOG_NOT_FOUND")
        return (said[0], said[1]) if len(said) == 2 else (database, said[0])

    def text(self) -> str:
        """A string; Hive takes double quotes, too."""
        if self.done or self._tokens[self._at].kind not in _QUOTED:
            self.fail("<string>")
        self._at += 1
        return _ESCAPES.sub(_meant, self._tokens[self._at - 1].text)

    def literal(self) -> str:
        """A string, a number, or a word like DATE before a string: its value as text."""
        if self.looks("DATE") or self.looks("TIMESTAMP"):
            self._at += 1
        if not self.done and self._tokens[self._at].kind in _QUOTED:
            return self.text()
        sign = "-" if self.accept("-") else ""
        if self.done:
            self.fail("<literal>")
        self._at += 1
        return sign + self._tokens[self._at - 1].text

    def raw(self, until: Sequence[str]) -> str:
        """The text as it stands up to one of these words, or up to the end of the list it is in."""
        depth, start = 0, self._at
        while not self.done:
            token = self._tokens[self._at]
            said = token.text
            if depth == 0 and token.upper in (",", ")", *until):
                break
            depth += (said in _OPENS) - (said in _CLOSES) if token.kind == "symbol" else 0
            self._at += 1
        if start == self._at:
            self.fail("<type>")
        return self.sql[self._tokens[start].start : self._tokens[self._at - 1].end]

    def rest(self) -> str:
        """The text from here to the end."""
        if self.done:
            self.fail("<statement>")
        return self.sql[self._tokens[self._at].start : self._tokens[-1].end]

    def offset(self) -> int:
        return len(self.sql) if self.done else self._tokens[self._at].start

    def enclosed(self) -> str:
        """What stands in the next parentheses; they are taken too."""
        self.expect("(")
        start, depth = self._at, 1
        while not self.done:
            said = self._tokens[self._at].upper
            depth += {"(": 1, ")": -1}.get(said, 0)
            self._at += 1
            if depth == 0:
                inner = self._tokens[start : self._at - 1]
                if not inner:
                    break
                return self.sql[inner[0].start : inner[-1].end]
        self.fail("<statement>")

    def properties(self) -> dict[str, Any]:
        """('key' = 'value', key = ARRAY['x'], ...)"""
        self.expect("(")
        found: dict[str, Any] = {}
        while True:
            key = self.text() if not self.done and self._tokens[self._at].kind in _QUOTED else self.name()
            self.expect("=")
            if self.accept("ARRAY"):
                self.expect("[")
                found[key] = [self.text()]
                while self.accept(","):
                    found[key].append(self.text())
                self.expect("]")
            else:
                found[key] = self.literal()
            if not self.accept(","):
                self.expect(")")
                return found

    def end(self) -> None:
        if not self.done:
            self.fail("<EOF>")
