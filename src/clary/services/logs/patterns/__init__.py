"""Filter patterns, the whole language: terms, regular expressions, JSON and space-delimited patterns."""

from clary.services.logs.patterns.base import Needs, Pattern
from clary.services.logs.patterns.delimited import parse_delimited
from clary.services.logs.patterns.json_pattern import parse_json
from clary.services.logs.patterns.text import parse_regex, parse_terms

__all__ = ["Needs", "Pattern", "parse"]


def parse(text: str) -> Pattern:
    """The pattern that `text` is; "" matches everything. Raises InvalidParameterException, with the position where it
    stops being one (counted in characters from 0, without the spaces around)."""
    text = text.strip()
    if text.startswith("{"):
        return parse_json(text)
    if text.startswith("["):
        return parse_delimited(text)
    return parse_regex(text) if text.startswith("%") else parse_terms(text)
