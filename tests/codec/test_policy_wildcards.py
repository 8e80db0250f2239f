"""Patterns of policies against an oracle that is slow and plain, and their bounded time."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clary.aws.policy.wildcard import Pattern


def oracle(pattern: str, text: str) -> bool:
    """By the definition: every prefix of the pattern against every prefix of the text."""
    row = [True] + [False] * len(text)
    for sign in pattern:
        if sign == "*":
            new = [row[0]]
            for at in range(1, len(text) + 1):
                new.append(row[at] or new[at - 1])
        else:
            new = [False] + [row[at - 1] and sign in ("?", text[at - 1]) for at in range(1, len(text) + 1)]
        row = new
    return row[-1]


def nothing(key: str) -> None:
    return None


def says(**known: str | tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return {"aws:" + name: (value,) if isinstance(value, str) else value for name, value in known.items()}


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=14))
def test_a_pattern_matches_what_its_definition_says(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text, nothing) == oracle(pattern, text)


@given(st.text("aB.[\n*?", max_size=8), st.text("Ab.[\n", max_size=8))
def test_nothing_else_has_a_meaning_and_case_may_be_ignored(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text, nothing) == oracle(pattern, text)
    assert Pattern(pattern, fold=True).matches(text, nothing) == oracle(pattern.lower(), text.lower())


@pytest.mark.parametrize(
    "pattern", ["a*" * 3000 + "b", "*a" * 3000 + "*b", "?*" * 3000 + "b", "*" * 6000 + "b", "*a?" * 2000]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    text = "a" * 10_000
    one, began = Pattern(pattern), time.process_time()
    assert not one.matches(text, nothing) or pattern.endswith("?")
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ann/x", True),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/x", False),
        ("${AWS:UserName}", "ann", True),
        ("${aws:absent}", "", False),
        ("${aws:absent, 'some'}", "some", True),
        ("${aws:username, 'some'}", "ann", True),
        ("${aws:star}", "a*", True),
        ("${aws:star}", "ab", False),  # A star in a value is a star.
        ("${aws:many}", "a", False),  # A key of many values is no variable.
        ("${*}${?}${$}", "*?$", True),
        ("${*}", "x", False),
        ("${}", "${}", True),
        ("$x{y}", "$x{y}", True),
    ],
)
def test_variables_are_text(pattern: str, text: str, matches: bool) -> None:
    lookup = says(username="ann", star="a*", many=("a", "b")).get
    assert Pattern(pattern).matches(text, lookup) == matches


def test_documents_of_2008_know_no_variables() -> None:
    lookup = says(username="ann").get
    assert not Pattern("${aws:username}", variables=False).matches("ann", lookup)
    assert Pattern("${aws:username}", variables=False).matches("${aws:username}", lookup)
