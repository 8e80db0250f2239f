"""Filter patterns over plain text: terms, "quoted phrases", ?optional and -excluded ones."""

from dataclasses import dataclass
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.services.logs.api import InvalidParameterException

_LATER: Final = {
    "{": "JSON filter patterns ({ $.field = value }) are not implemented in Clary yet: filter by terms.",
    "[": "Space-delimited filter patterns ([field, ...]) are not implemented in Clary yet: filter by terms.",
    "%": "Regular expressions in filter patterns (%...%) are not implemented in Clary yet: filter by terms.",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a message must and must not contain, in exactly this case."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """One of them must be there; they say nothing beside required or excluded terms, as in AWS."""
    excluded: tuple[str, ...] = ()

    def __call__(self, message: str) -> bool:
        if self.required or self.excluded:
            return all(one in message for one in self.required) and not any(one in message for one in self.excluded)
        return not self.optional or any(one in message for one in self.optional)

    @property
    def needs(self) -> tuple[tuple[bytes, ...], ...]:
        """The sieve for the log store: of every group one must occur."""
        if self.required:
            # Longest first: it is likely the rarest, and the store looks for messages by the first group.
            return tuple((one.encode(),) for one in sorted(self.required, key=len, reverse=True))
        if self.optional and not self.excluded:
            return (tuple(one.encode() for one in self.optional),)
        return ()


def parse(text: str) -> Pattern:
    """Raises InvalidParameterException when the pattern is not one, NotImplementedHere when it is of a language that is
    not spoken here."""
    text = text.strip()
    if text[:1] in _LATER:
        raise NotImplementedHere(_LATER[text[0]])
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        sign = text[at] if text[at] in "?-" else ""
        at += len(sign)
        term, at = _quoted(text, at + 1) if text[at : at + 1] == '"' else _bare(text, at)
        if not term:
            raise InvalidParameterException(f"Invalid filter pattern: a term is missing at position {at}.")
        terms[sign].append(term)
    return Pattern(tuple(terms[""]), tuple(terms["?"]), tuple(terms["-"]))


def _quoted(text: str, at: int) -> tuple[str, int]:
    """(the phrase up to its closing quote, where to go on). A backslash takes the next character as it is."""
    phrase: list[str] = []
    while at < len(text):
        if text[at] == '"':
            return "".join(phrase), at + 1
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in '"\\':
            at += 1
        phrase.append(text[at])
        at += 1
    raise InvalidParameterException("Invalid filter pattern: a quotation mark is not closed.")


def _bare(text: str, at: int) -> tuple[str, int]:
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    term = text[at:end]
    if not all(char.isalnum() or char == "_" for char in term):
        raise InvalidParameterException(
            f"Invalid character(s) in term '{term}': put terms with other characters than letters, digits and _ "
            'in double quotation marks ("").'
        )
    return term, end
