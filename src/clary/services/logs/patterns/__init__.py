"""Filter patterns, the whole language: terms, regular expressions, JSON and space-delimited patterns."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from clary.services.logs.api import InvalidParameterException
from clary.services.logs.patterns.base import Needs, Pattern
from clary.services.logs.patterns.delimited import DelimitedPattern, parse_delimited
from clary.services.logs.patterns.json_pattern import JsonPattern, parse_json
from clary.services.logs.patterns.selector import selector_of
from clary.services.logs.patterns.text import parse_regex, parse_terms

__all__ = ["Needs", "Pattern", "parse", "taking"]

_NUMBERED: Final = re.compile(r"\$[1-9][0-9]{0,3}", re.ASCII)
"""A field under an ellipsis, by its place."""


def parse(text: str) -> Pattern:
    """The pattern that `text` is; "" matches everything. Raises InvalidParameterException, with the position where it
    stops being one (counted in characters from 0, without the spaces around)."""
    text = text.strip()
    if text.startswith("{"):
        return parse_json(text)
    if text.startswith("["):
        return parse_delimited(text)
    return parse_regex(text) if text.startswith("%") else parse_terms(text)


def taking(pattern: Pattern, wanted: Sequence[str]) -> Pattern:
    """The same pattern, whose matches have these selectors too, where the message has them. Raises
    InvalidParameterException: it is a pattern over plain text, or has no such field, or that is no selector."""
    missing = [one for one in wanted if one not in pattern.selectors]
    if isinstance(pattern, JsonPattern):
        return replace(pattern, read=(*pattern.read, *map(selector_of, missing)))
    fields = isinstance(pattern, DelimitedPattern)
    for one in missing:
        if not (fields and _NUMBERED.fullmatch(one)):
            what = "a space-delimited" if fields else "a plain-text"
            raise InvalidParameterException(f"Invalid metric transformation: {one!r} is no field of {what} pattern.")
    return pattern
