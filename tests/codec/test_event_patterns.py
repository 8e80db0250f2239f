"""Event patterns: what they match, by example and against a slow reading of the rules, and what is refused where."""

import ipaddress
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clary.aws.event_patterns import Malformed, compile_pattern, values_at
from clary.aws.event_patterns.texts import wildcard

MANY = settings(
    max_examples=300, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def matches(pattern: Any, event: Any) -> bool:
    return compile_pattern(json.dumps(pattern)).matches(event)


def leaf(*alternatives: Any) -> dict[str, Any]:
    return {"detail": {"x": list(alternatives)}}


def event(*values: Any) -> dict[str, Any]:
    """An event whose detail.x is the value; without one, it has none."""
    return {"source": "app", "detail": {"x": values[0]} if values else {}}


@pytest.mark.parametrize(
    ("alternatives", "good", "bad"),
    [
        (["a", ""], ["a", ""], ["A", None, 1, True, ["b"], {}, []]),
        ([300], [300, 300.0, 3.0e2, [1, 300]], ["300", 301, True]),
        ([3.0e2], [300], [30]),
        ([1], [1], [True]),
        ([True], [True], [1, "true", False]),
        ([None], [None, [None]], ["", 0, False, "null"]),
        ([{"exactly": "a"}], ["a"], ["b"]),
        ([{"prefix": "ab"}], ["ab", "abc", ["x", "abc"]], ["a", "AB", 1, None]),
        ([{"prefix": {"equals-ignore-case": "Ab"}}], ["ab", "ABC"], ["ba"]),
        ([{"suffix": ".csv"}], ["a.csv"], ["a.CSV", "csv"]),
        ([{"suffix": {"equals-ignore-case": ".Csv"}}], ["a.csv", "a.CSV"], ["csv"]),
        ([{"equals-ignore-case": "Abc"}], ["aBC"], ["abcd", 1]),
        ([{"wildcard": "a*b\\*\\\\"}], ["ab*\\", "axxb*\\"], ["axbc\\", "ab*"]),
        ([{"wildcard": "*x*"}], ["x", "axb", "xx"], ["", "y"]),
        ([{"wildcard": "plain"}], ["plain"], ["plainer"]),
        ([{"anything-but": "a"}], ["b", 1, None, True, ["a", "b"]], ["a", ["a"], [], {}]),
        ([{"anything-but": ["a", "b"]}], ["c"], ["a", "b"]),
        ([{"anything-but": [1, 2]}], [3, "1", True], [1, 2.0]),
        ([{"anything-but": {"prefix": "a"}}], ["b", 1], ["a", "ab"]),
        ([{"anything-but": {"prefix": ["a", "b"]}}], ["c"], ["ab", "bb"]),
        ([{"anything-but": {"suffix": "a"}}], ["ab"], ["a", "ba"]),
        ([{"anything-but": {"equals-ignore-case": ["A", "b"]}}], ["c"], ["a", "B"]),
        ([{"anything-but": {"wildcard": "*/lib/*"}}], ["/x"], ["/a/lib/b"]),
        ([{"numeric": ["=", 3.018e2]}], [301.8], [301, "301.8"]),
        ([{"numeric": [">", 0, "<=", 5]}], [0.1, 5], [0, 5.1, "1", True]),
        ([{"numeric": ["<", 10]}], [-1e12, 9], [10]),
        ([{"numeric": [">=", -5e9]}], [-5e9, 1e300], [-5.1e9]),
        ([{"cidr": "10.0.0.0/24"}], ["10.0.0.255"], ["10.0.1.0", "::1", "10.0.0", 1]),
        ([{"cidr": "2001:db8::/32"}], ["2001:db8::1"], ["2001:db9::1", "10.0.0.1"]),
        ([{"cidr": "10.0.0.7"}], ["10.0.0.7"], ["10.0.0.8"]),
        ([{"exists": True}], ["", None, 0, False, [1], [[2]]], [{}, {"y": 1}, [], [{"y": 1}]]),
        ([{"exists": False}], [{}, {"y": 1}, []], ["", None, 0, [1]]),
        ([{"exists": False}, "a"], ["a", {}], ["b"]),
        (["a", {"prefix": "b"}, 7], ["a", "bb", 7, ["z", 7]], ["c", 8]),
    ],
)
def test_values(alternatives: list[Any], good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert matches(leaf(*alternatives), event(value)), value
    for value in bad:
        assert not matches(leaf(*alternatives), event(value)), value


def test_what_is_absent() -> None:
    assert matches(leaf({"exists": False}), event())
    assert matches(leaf({"exists": False}), {"source": "app"})
    assert matches({"detail": {"x": {"y": [{"exists": False}]}}}, event("text"))
    for alternative in ("a", None, {"anything-but": "a"}, {"exists": True}, {"prefix": ""}):
        assert not matches(leaf(alternative), event())


def test_arrays_of_objects_match_by_one_object() -> None:
    pattern = {"items": {"a": [1], "b": [2]}}
    assert matches(pattern, {"items": [{"a": 0}, {"a": 1, "b": 2}]})
    assert matches(pattern, {"items": [[{"a": 1, "b": [3, 2]}]]})
    assert not matches(pattern, {"items": [{"a": 1}, {"b": 2}]})
    # Absent is what stands nowhere.
    absent = {"items": {"a": [{"exists": False}]}}
    assert not matches(absent, {"items": [{"a": 1}, {"b": 2}]})
    assert matches(absent, {"items": [{"b": 2}]})
    assert matches(absent, {"items": [1, 2]})


def test_or() -> None:
    pattern = {"s": ["x"], "$or": [{"a": [1]}, {"b": [2], "c": [3]}, {"d": {"$or": [{"e": [1]}, {"f": [1]}]}}]}
    assert matches(pattern, {"s": "x", "a": 1})
    assert matches(pattern, {"s": "x", "b": 2, "c": 3})
    assert matches(pattern, {"s": "x", "d": {"f": 1}})
    assert not matches(pattern, {"s": "x", "b": 2})
    assert not matches(pattern, {"s": "y", "a": 1})
    # With one object, or with a reserved name, it is a field of that name.
    assert matches({"$or": {"a": [1]}}, {"$or": {"a": 1}})
    assert not matches({"$or": {"a": [1]}}, {"a": 1})
    with pytest.raises(Malformed, match="Unrecognized"):
        compile_pattern('{"$or": [{"like": [1]}]}')


@pytest.mark.parametrize(
    ("text", "reason", "line", "column"),
    [
        ("", "Invalid JSON: a value is missing", 1, 1),
        ("[1]", "Filter is not an object", 1, 1),
        ("{}", "Empty objects are not allowed", 1, 1),
        ('{"a": {}}', "Empty objects are not allowed", 1, 7),
        ('{"a": []}', "Empty arrays are not allowed", 1, 7),
        ('{\n "a": "b"}', '"a" must be an object or an array', 2, 7),
        ('{"a": 1}', '"a" must be an object or an array', 1, 7),
        ('{"a": [1}', "Invalid JSON: ',' or ']' is missing", 1, 9),
        ('{"a" [1]}', "Invalid JSON: ':' is missing", 1, 6),
        ('{"a": [1]} x', "Invalid JSON: something stands behind the pattern", 1, 12),
        ('{"a": [NaN]}', "Invalid JSON: no value begins so", 1, 8),
        ('{"a": [1e999]}', "Invalid JSON: 1e999 is too large", 1, 8),
        ('{"a": ["b]}', "Invalid JSON: Unterminated string", 1, 8),
        ('{"a": [[1]]}', "Match value must be String, number, true, false, or null", 1, 8),
        ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string", 1, 19),
        ('{"a": [{"like": "b"}]}', "Unrecognized match type like", 1, 8),
        ('{"a": [{"prefix": "b", "suffix": "c"}]}', "Only one key allowed in match expression", 1, 8),
        ('{"a": [{"exists": "yes"}]}', "exists match pattern must be either true or false.", 1, 19),
        ('{"a": [{"numeric": 5}]}', "Value of numeric must be an array.", 1, 20),
        ('{"a": [{"numeric": ["~", 5]}]}', "Unrecognized numeric range operator: ~", 1, 21),
        ('{"a": [{"numeric": [">", "5"]}]}', "Value of > must be numeric", 1, 26),
        ('{"a": [{"numeric": [">", 5, ">", 6]}]}', "Bad numeric range operator: >", 1, 29),
        ('{"a": [{"numeric": [">", 5, "<", 4]}]}', "Bottom must be less than top", 1, 29),
        ('{"a": [{"numeric": ["<", 5, ">", 4]}]}', "Too many terms in numeric range expression", 1, 29),
        ('{"a": [{"numeric": [">", 5e10]}]}', "Value must be between", 1, 26),
        ('{"a": [{"cidr": "10.0.0.0/99"}]}', "Malformed CIDR", 1, 17),
        ('{"a": [{"cidr": "ten/8"}]}', "Malformed CIDR, IP address required", 1, 17),
        ('{"a": [{"anything-but": [1, "b"]}]}', "mixed type is not supported", 1, 25),
        ('{"a": [{"anything-but": [null]}]}', "start|null|boolean is not supported", 1, 26),
        ('{"a": [{"anything-but": {"cidr": "1"}}]}', "Unsupported anything-but pattern: cidr", 1, 25),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix not allowed", 1, 36),
        ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 1", 1, 21),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 1", 1, 21),
        ('{"a": [{"wildcard": "' + "*a" * 70 + '"}]}', "Rule is too complex", 1, 21),
        ('{"a": [{"wildcard": "*' + "a" * 70 + '"}]}', "Rule is too complex", 1, 21),
        ('{"a":' * 150 + "[1]" + "}" * 150, "more than 100 levels", 1, 506),
    ],
)
def test_what_does_not_parse_is_refused_with_its_place(text: str, reason: str, line: int, column: int) -> None:
    with pytest.raises(Malformed) as caught:
        compile_pattern(text)
    assert reason in caught.value.reason
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith("Event pattern is not valid. Reason: ")
    assert f"line: {line}, column: {column}]" in str(caught.value)


def test_too_many_combinations_are_refused() -> None:
    pair = [{"a": [1]}, {"b": [1]}]
    deep: Any = {"x": [1]}
    for number in range(10):
        deep = {f"n{number}": deep, "$or": pair}
    with pytest.raises(Malformed, match="combinations"):
        compile_pattern(json.dumps(deep))


def test_an_event_may_be_nested_as_deep_as_json_goes() -> None:
    deep: Any = 7
    for _ in range(900):
        deep = [deep]
    assert matches(leaf(7), event(deep))


def test_the_texts_that_a_pattern_needs_are_known() -> None:
    pattern = compile_pattern(
        '{"source": ["a", "b"], "detail-type": [{"prefix": "x"}], "detail": {"k": ["c"], "n": ["c", 1]},'
        ' "$or": [{"x": ["d"]}, {"y": ["e"]}]}'
    )
    assert pattern.needs == {("source",): frozenset({"a", "b"}), ("detail", "k"): frozenset({"c"})}


# -- against a slow reading -------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["", "a", "b", "ab", "ba", "aab", "A", "10.0.0.1", "10.0.1.1"])
NUMBERS = st.sampled_from([0, 1, 2, 2.0, -1, 1.5])
SCALARS = st.one_of(WORDS, NUMBERS, st.booleans(), st.none())
NAMES = st.sampled_from(["x", "y"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=6,
)
OF_TEXT = st.sampled_from(["prefix", "suffix", "equals-ignore-case"])
BUTS = st.one_of(
    WORDS,
    NUMBERS,
    st.lists(WORDS, min_size=1, max_size=2),
    st.lists(NUMBERS, min_size=1, max_size=2),
    st.builds(
        lambda kind, word: {kind: word or "a"}, st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), WORDS
    ),
)
RANGES = st.one_of(
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS).map(list),
    st.tuples(st.sampled_from([">", ">="]), st.just(0), st.sampled_from(["<", "<="]), st.just(2)).map(list),
)
MATCHES = st.one_of(
    SCALARS,
    st.builds(lambda kind, word: {kind: word}, OF_TEXT, WORDS),
    st.builds(lambda kind, word: {kind: {"equals-ignore-case": word}}, st.sampled_from(["prefix", "suffix"]), WORDS),
    st.builds(lambda word: {"wildcard": word}, st.sampled_from(["*", "a*", "*b", "a*b", "ab", "*a*b"])),
    st.builds(lambda given: {"anything-but": given}, BUTS),
    st.builds(lambda given: {"numeric": given}, RANGES),
    st.builds(lambda given: {"exists": given}, st.booleans()),
    st.just({"cidr": "10.0.0.0/24"}),
)
LEAVES = st.lists(MATCHES, min_size=1, max_size=3)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(NAMES, inner, min_size=1, max_size=2)
    either = st.lists(plain, min_size=2, max_size=3)
    return st.one_of(
        plain, st.builds(lambda some, ors: {**some, "$or": ors}, plain, either), either.map(lambda ors: {"$or": ors})
    )


PATTERNS = _objects(st.recursive(LEAVES, _objects, max_leaves=4))


@MANY
@given(PATTERNS, st.dictionaries(NAMES, VALUES, max_size=2))
@example({"x": {"y": [{"exists": False}]}}, {"x": [{"y": 1}, {}]})
def test_matching_reads_as_the_rules_do(pattern: Any, found: Any) -> None:
    assert matches(pattern, found) == _slow(pattern, found)


@MANY
@given(PATTERNS, st.dictionaries(NAMES, VALUES, max_size=2))
def test_what_matches_has_what_the_pattern_needs(pattern: Any, found: Any) -> None:
    compiled = compile_pattern(json.dumps(pattern))
    if compiled.matches(found):
        for path, texts in compiled.needs.items():
            assert any(isinstance(one, str) and one in texts for one in values_at(found, path))


def _slow(pattern: dict[str, Any], found: Any) -> bool:
    return any(_plain(rule, found) for rule in _without_or(pattern))


def _without_or(pattern: dict[str, Any]) -> list[dict[str, Any]]:
    """All plain patterns that it stands for, as (path -> alternatives) trees."""
    rules: list[list[tuple[tuple[str, ...], list[Any]]]] = [[]]
    for name, inner in pattern.items():
        if name == "$or":
            some = [rule for one in inner for rule in _without_or(one)]
            rules = [rule + list(one) for rule in rules for one in some]
        elif isinstance(inner, dict):
            some = [[((name, *path), leaf) for path, leaf in one] for one in _without_or(inner)]
            rules = [rule + one for rule in rules for one in some]
        else:
            rules = [[*rule, ((name,), inner)] for rule in rules]
    return rules  # type: ignore[return-value]


def _plain(rule: Any, found: Any) -> bool:
    """Some choice of one element for each array on the way makes every path true. What is absent is absent in all."""
    values = _flat(found, (), ())
    return _choose(list(rule), values, {})


def _flat(value: Any, path: tuple[str, ...], at: tuple[tuple[tuple[str, ...], int], ...]) -> list[Any]:
    """(path, value, which element of which array) for each value."""
    if isinstance(value, dict):
        return [one for name, inner in value.items() for one in _flat(inner, (*path, name), at)]
    if isinstance(value, list):
        return [one for number, inner in enumerate(_spread(value)) for one in _flat(inner, path, (*at, (path, number)))]
    return [(path, value, dict(at))]


def _spread(listed: list[Any]) -> list[Any]:
    return [inner for one in listed for inner in (_spread(one) if isinstance(one, list) else [one])]


def _choose(rule: list[Any], values: list[Any], chosen: dict[Any, int]) -> bool:
    if not rule:
        return True
    (path, alternatives), *others = rule
    here = [one for one in values if one[0] == path]
    for _, value, at in here:
        agrees = all(chosen.get(array, number) == number for array, number in at.items() if array != path)
        if agrees and any(_accepts(one, value) for one in alternatives):
            inner = {array: number for array, number in at.items() if array != path}
            if _choose(others, values, {**chosen, **inner}):
                return True
    if {"exists": False} in alternatives and not here:
        return _choose(others, values, chosen)
    return False


def _accepts(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return _same(wanted, value)
    [(kind, given_)] = wanted.items()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "exists":
        return bool(given_)
    if kind == "anything-but":
        if isinstance(given_, dict):
            return not _accepts(given_, value)
        return not any(_same(one, value) for one in (given_ if isinstance(given_, list) else [given_]))
    if kind == "numeric":
        pairs = zip(given_[::2], given_[1::2], strict=True)
        return number and all(_compare(sign, value, bound) for sign, bound in pairs)
    if not isinstance(value, str):
        return False
    if isinstance(given_, dict):
        return _accepts({kind: given_["equals-ignore-case"].lower()}, value.lower())
    match kind:
        case "prefix":
            return value.startswith(given_)
        case "suffix":
            return value.endswith(given_)
        case "equals-ignore-case":
            return value.lower() == given_.lower()
        case "wildcard":
            return re.fullmatch(".*".join(map(re.escape, given_.split("*"))), value, re.DOTALL) is not None
        case _:
            try:
                return ipaddress.ip_address(value) in ipaddress.ip_network(given_)
            except ValueError:
                return False


def _same(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
        return wanted is value
    return (type(wanted) in (int, float) and type(value) in (int, float) and wanted == value) or (
        isinstance(wanted, str) and wanted == value
    )


def _compare(sign: str, value: float, bound: float) -> bool:
    if value == bound:
        return "=" in sign
    return sign.startswith("<" if value < bound else ">")


@MANY
@given(st.text("ab*\\", max_size=8), st.text("ab*\\", max_size=10))
def test_wildcards_read_as_regular_expressions_do(wanted: str, text: str) -> None:
    read: list[str] = []
    at = 0
    try:
        test = wildcard(wanted)
    except ValueError:
        assert "**" in wanted or "\\" in wanted
        return
    while at < len(wanted):
        if wanted[at] == "\\":
            at += 1
            read.append(re.escape(wanted[at]))
        else:
            read.append(".*" if wanted[at] == "*" else re.escape(wanted[at]))
        at += 1
    assert test(text) == (re.fullmatch("".join(read), text, re.DOTALL) is not None)
