"""Choices in the order in which people read them: low, med, high; 2, 10, more."""

import re
from collections.abc import Iterable
from typing import Final

_SCALES: Final = (
    ("very low", "vlow", "low", "med", "medium", "mid", "middle", "high", "vhigh", "very high"),
    ("xs", "tiny", "small", "s", "med", "medium", "m", "big", "large", "l", "xl", "huge"),
    ("very bad", "bad", "poor", "fair", "ok", "good", "vgood", "very good", "best", "excellent"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("none", "some", "many", "all"),
)
_PARTS: Final = re.compile(r"(\d+)")


def ordered(words: Iterable[str]) -> list[str]:
    """By the scale that knows all of them, else by their numbers and letters."""
    found = list(words)
    plain = [word.strip().lower().replace("_", " ") for word in found]
    for scale in _SCALES:
        if all(word in scale for word in plain):
            return [word for _, word in sorted(zip(map(scale.index, plain), found, strict=True))]
    return sorted(found, key=_natural)


def _natural(word: str) -> tuple[list[tuple[int, int, str]], str]:
    """Numbers in a word count as numbers: "5more" before "10"."""
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in _PARTS.split(word) if part]
    return parts, word
