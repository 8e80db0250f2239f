"""Patterns over plain text: terms, "quoted phrases", ?optional and -excluded ones; or one %regular expression%."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clary.services.logs.patterns.base import Needs, rarest_first
from clary.services.logs.patterns.regexes import Regex, compile_regex
from clary.services.logs.patterns.scan import Scanner, unescaped, wrong

_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a message must and must not contain, in exactly this case."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """One of them must be there; they say nothing beside required or excluded terms, as in AWS."""
    excluded: tuple[str, ...] = ()
    regexes: int = 0
    selectors: frozenset[str] = frozenset()

    def __call__(self, message: str) -> bool:
        if self.required or self.excluded:
            return all(one in message for one in self.required) and not any(one in message for one in self.excluded)
        return not self.optional or any(one in message for one in self.optional)

    def match(self, message: str) -> Mapping[str, str] | None:
        return _NOTHING if self(message) else None

    @property
    def needs(self) -> Needs:
        if self.required:
            return rarest_first([(one.encode(),) for one in self.required])
        if self.optional and not self.excluded:
            return (tuple(one.encode() for one in self.optional),)
        return ()


@dataclass(frozen=True, slots=True)
class Expression:
    """A message in which a regular expression occurs."""

    regex: Regex
    regexes: int = 1
    selectors: frozenset[str] = frozenset()

    def __call__(self, message: str) -> bool:
        return bool(self.regex.search(message))

    def match(self, message: str) -> Mapping[str, str] | None:
        return _NOTHING if self(message) else None

    @property
    def needs(self) -> Needs:
        literals = self.regex.literals
        return (tuple(one.encode() for one in literals),) if literals else ()


def parse_terms(text: str) -> Terms:
    """Raises InvalidParameterException."""
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    scanner = Scanner(text)
    while scanner.peek():
        sign = "?" if scanner.take("?") else "-" if scanner.take("-") else ""
        at = scanner.at
        term = unescaped(scanner.quoted()) if text[at : at + 1] == '"' else _bare(scanner)
        if not term:
            raise wrong("a term is missing", at)
        terms[sign].append(term)
    return Terms(tuple(terms[""]), tuple(terms["?"]), tuple(terms["-"]))


def _bare(scanner: Scanner) -> str:
    at = scanner.at
    term = scanner.run()
    left = scanner.text[scanner.at : scanner.at + 1]
    if left == "%":
        raise wrong("a regular expression (%...%) stands beside other terms: it must be the whole pattern", scanner.at)
    if left and not left.isspace():
        raise wrong(
            f"the term that begins with {scanner.text[at : scanner.at + 1]!r} has other characters than letters, digits"
            ' and _, and must be put in double quotation marks (""); it stands',
            at,
        )
    return term


def parse_regex(text: str) -> Expression:
    """`text` begins with %. Raises InvalidParameterException."""
    if len(text) < 2 or not text.endswith("%"):
        raise wrong("the closing % of the regular expression is missing", len(text))
    if "%" in text[1:-1]:
        raise wrong("a second % ends the regular expression too early", text.index("%", 1))
    return Expression(compile_regex(text[1:-1], 1))
