"""The filter-pattern language: what each kind matches, what it takes out, where it stops being one."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.aws.errors import ServiceError
from clary.services.logs.patterns import parse
from clary.services.logs.patterns.delimited import split


def matched(pattern: str, *messages: str) -> list[str]:
    """Those that match; the sieve must let them through."""
    compiled = parse(pattern)
    found = [one for one in messages if compiled(one)]
    for one in found:
        assert all(any(term in one.encode() for term in group) for group in compiled.needs), compiled.needs
        assert compiled.match(one) is not None
    return found


def document(text: str, **values: Any) -> bool:
    return bool(matched(text, json.dumps(values)))


# JSON.


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{$.eventType=UpdateTrail}", True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.eventType = "*Trail" }', True),
        ('{ $.eventType = "U*te*l" }', True),
        ('{ $.eventType = "*" }', True),
        ('{ $.eventType = "updatetrail" }', False),
        ('{ $.eventType != "UpdateTrail" }', False),
        ('{ $.missing != "UpdateTrail" }', False),
        ('{ $.missing = "*" }', False),
        ("{ $.ip != 123.123.* }", True),
        ("{ $.ip = 10.0.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[9] != "value" }', False),
        ('{ $.arrayKey[*] = "another value" }', True),
        ('{ $.arrayKey = "value" }', False),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[*].id > 1.5 }", True),
        ("{ $.objectList[*].id > 2 }", False),
        ("{ $.number = 1.5 }", True),
        ("{ $.number = 15e-1 }", True),
        ("{ $.number >= 1.5 && $.number < 1.50001 }", True),
        ("{ $.number > 1.5 || $.number < -1E+3 }", False),
        ('{ $.number = "1.5" }', True),
        ("{ $.asText > 40 }", True),
        ("{ $.status = 4* }", True),
        ("{ $.yes IS TRUE }", True),
        ("{ $.yes IS FALSE }", False),
        ("{ $.nothing IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.nothing NOT EXISTS }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.user.missing NOT EXISTS }", True),
        ("{ $.user.name EXISTS }", True),
        ("{ $.user EXISTS }", True),
        ("{ $['odd.key'] = 1 }", True),
        ("{ $.['odd.key'] = 1 }", True),
        ('{ $."odd.key" = 1 }', True),
        ('{ $.user["name"] = bob }', True),
        ("{ $.user-agent = curl }", True),
        ("{ $.eventType = %^Up[a-z]+T% }", True),
        ("{ $.eventType != %Trail$% }", False),
        ("{ ($.user.name = bob) && ($.yes IS TRUE) }", True),
        ("{ $.a = 1 && $.b = 2 || $.yes IS TRUE }", True),
        ("{ $.a = 1 && ($.b = 2 || $.yes IS TRUE) }", False),
        ('{ $.quote = "say \\"hi\\"" }', True),
        ('{ $.star = "a\\*b" }', True),
        ('{ $.eventType = "a\\*b" }', False),
        ("{ $.größe = 3 }", True),
    ],
)
def test_json_patterns(pattern: str, expected: bool) -> None:
    values = {
        "eventType": "UpdateTrail",
        "ip": "10.0.0.7",
        "arrayKey": ["value", "another value"],
        "objectList": [{"id": 1}, {"id": 2}],
        "number": 1.5,
        "asText": "41",
        "status": 404,
        "yes": True,
        "nothing": None,
        "user": {"name": "bob"},
        "odd.key": 1,
        "user-agent": "curl",
        "quote": 'say "hi"',
        "star": "a*b",
        "größe": 3,
    }
    for text in (json.dumps(values), json.dumps(values, ensure_ascii=False, indent=1)):
        assert matched(pattern, text) == ([text] if expected else [])


def test_only_json_matches_a_json_pattern() -> None:
    assert matched("{ $.a = * }", "a", "{", '{"a": 1}, {"a": 1}', 'INFO {"a": 1}', '{"a": 1}\n') == ['{"a": 1}\n']


def test_a_json_pattern_takes_out_what_it_names() -> None:
    pattern = parse('{ $.type = "a*" && ($.n > 1 || $.list[*].id = * || $.none NOT EXISTS) }')
    taken = pattern.match('{"type": "ab", "n": 2.5, "list": [{"id": 7}, {"id": 8}], "more": 1}')
    assert taken == {"$.type": "ab", "$.n": "2.5", "$.list[*].id": "7"}
    assert pattern.selectors == {"$.type", "$.n", "$.list[*].id", "$.none"}


# Space-delimited.

LINE = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, env, user, time, request, status, size]", True),
        ("[ip, env, user, time, request, status]", False),
        ("[ip, env, user, time, request, status, size, more]", False),
        ("[ip, env, user, time, request=*.html*, status = 4*, size]", True),
        ("[..., request=*.html*, status = 4*, size]", True),
        ("[..., status = 5*, size]", False),
        ("[ip, ...]", True),
        ("[...]", True),
        ("[ip=127.*, ..., size>=1534 && size<1.6e3]", True),
        ("[ip, ..., size > 1534]", False),
        ('[..., request = "GET *", status, size]', True),
        ("[..., status=404||status=5*, size]", True),
        ("[..., (status=404 || status=5*) && status != 404, size]", False),
        ("[..., request=%^GET .index%, status, size]", False),
        ("[..., request=%^GET\\s.index%, status, size]", True),
        ("[user!=root, ..., status<500, size]", True),
        ("[time, ..., user<5, size]", False),
    ],
)
def test_space_delimited_patterns(pattern: str, expected: bool) -> None:
    if "%^GET ." in pattern:
        with pytest.raises(ServiceError, match="' ' cannot stand in a regular expression"):
            parse(pattern)
        return
    assert matched(pattern, LINE) == ([LINE] if expected else [])


def test_fields_are_named_or_numbered() -> None:
    assert parse("[ip, ..., request, status, size]").match(LINE) == {
        **{"$ip": "127.0.0.1", "$2": "Prod", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700"},
        **{"$request": "GET /index.html HTTP/1.0", "$status": "404", "$size": "1534"},
    }


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("", []),
        ("  a\tb  ", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        ('"a \\"b\\" c" d', ['a \\"b\\" c', "d"]),
        ("[a b] [c] d", ["a b", "c", "d"]),
        ("[INFO]x y", ["[INFO]x", "y"]),
        ('"open end', ['"open', "end"]),
        ("[open end", ["[open", "end"]),
        ('[] "" x', ["", "", "x"]),
    ],
)
def test_a_line_falls_into_fields(line: str, fields: list[str]) -> None:
    assert split(line) == fields
    assert split(line, 1) == fields[:1]


def test_a_line_full_of_open_brackets_costs_no_more() -> None:
    assert len(split("[x " * 100_000 + "]y")) == 100_001
    assert len(split('"x ' * 100_000)) == 100_000


# Terms and regular expressions.


def test_terms_and_expressions() -> None:
    lines = ("[ERROR 400] BAD REQUEST", "[ERROR 419] MISSING ARGUMENTS", "[SUCCESS 200] AUTHORIZED", "say \\ hi")
    assert matched("ERROR", *lines) == [*lines[:2]]
    assert matched("ERROR -BAD", *lines) == [lines[1]]
    assert matched("?BAD ?AUTHORIZED", *lines) == [lines[0], lines[2]]
    assert matched('"BAD REQUEST"', *lines) == [lines[0]]
    assert matched('"say \\\\"', *lines) == [lines[3]]
    assert matched("%AUTHORIZED%", *lines) == [lines[2]]
    assert matched("%4[01][0-9]%", *lines) == [*lines[:2]]
    assert matched("%BAD|^say%", *lines) == [lines[0], lines[3]]
    assert matched("%\\s\\x42AD\\sREQ.+$%", *lines) == [lines[0]]
    assert matched("", *lines) == [*lines]


def test_a_regular_expression_is_linear_in_the_text() -> None:
    """An engine that goes back would be at this until the end of the world."""
    assert matched("%a*a*a*a*a*a*a*a*a*a*b%", "a" * 200_000) == []
    assert matched('{ $.a = "*a*a*a*a*a*a*a*a*a*b" }', json.dumps({"a": "a" * 200_000})) == []


_REGEX = st.lists(
    st.sampled_from(["a", "b", "ab", ".", "[ab]", "[^a]", "[]a]", "\\.", "\\d", "\\x61", "^", "$", "|"]), max_size=6
)
_COUNT = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{0,1}"])


@settings(max_examples=300, deadline=None)
@given(atoms=_REGEX, counts=st.lists(_COUNT, min_size=6, max_size=6), text=st.text("ab.]1", max_size=10))
def test_expressions_match_as_python_reads_them(atoms: list[str], counts: list[str], text: str) -> None:
    parts = [atom + (count if atom not in "^$|" else "") for atom, count in zip(atoms, counts, strict=False)]
    source = "".join(parts)
    if not source:
        return
    compiled = parse(f"%{source}%")
    expected = re.search(source.replace("$", r"\Z"), text, re.DOTALL) is not None
    assert bool(matched(f"%{source}%", text)) == expected == compiled(text)


# Against a slow reading of the rules.

_KEYS = ["a", "b", "long-key", "odd key"]
_SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, -1.5, 1e20]) | st.text("ab1.é/ ", max_size=4)
)
_DOCUMENTS = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner), max_leaves=8
)
_STEPS = st.lists(st.sampled_from(_KEYS) | st.integers(0, 1) | st.just("*"), min_size=1, max_size=2)
_WILD = st.text("ab1.é/ *", max_size=4)
_NUMBERS = st.sampled_from(["0", "1", "-1", "2.0", "5e-1", "0.5", "1E20", "-15e-1"])
_LEAVES = st.one_of(
    st.tuples(st.just("text"), _STEPS, st.sampled_from(["=", "!="]), _WILD),
    st.tuples(st.just("number"), _STEPS, st.sampled_from(["=", "!=", "<", ">", "<=", ">="]), _NUMBERS),
    st.tuples(st.just("state"), _STEPS, st.sampled_from(["IS TRUE", "IS FALSE", "IS NULL", "NOT EXISTS", "EXISTS"])),
)
_TREES = st.recursive(_LEAVES, lambda inner: st.tuples(st.sampled_from(["&&", "||"]), inner, inner), max_leaves=5)


def _written(tree: Any) -> str:
    if tree[0] in ("&&", "||"):
        return f"({_written(tree[1])} {tree[0]} {_written(tree[2])})"
    path = "$"
    for step in tree[1]:
        path += f"[{step}]" if isinstance(step, int) or step == "*" else f"['{step}']"
    if tree[0] == "state":
        return f"{path} {tree[2]}"
    return f'{path} {tree[2]} "{tree[3]}"' if tree[0] == "text" else f"{path}{tree[2]}{tree[3]}"


def _found(node: Any, steps: list[Any]) -> list[Any]:
    if not steps:
        return [node]
    first, *rest = steps
    if first == "*":
        return [one for inner in node for one in _found(inner, rest)] if isinstance(node, list) else []
    if isinstance(first, int):
        return _found(node[first], rest) if isinstance(node, list) and first < len(node) else []
    return _found(node[first], rest) if isinstance(node, dict) and first in node else []


def _text(node: Any) -> str | None:
    if node is None or isinstance(node, list | dict):
        return None
    return json.dumps(node) if isinstance(node, bool) else str(node)


def _number(node: Any) -> float | None:
    try:
        return None if node is None or isinstance(node, bool | list | dict) else float(node)
    except ValueError:
        return None


_ORDER: dict[str, Callable[[float, float], bool]] = {
    **{"<": lambda a, b: a < b, ">": lambda a, b: a > b},
    **{"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b},
}


def _holds(tree: Any, whole: Any) -> bool:
    if tree[0] == "&&":
        return _holds(tree[1], whole) and _holds(tree[2], whole)
    if tree[0] == "||":
        return _holds(tree[1], whole) or _holds(tree[2], whole)
    nodes = _found(whole, tree[1])
    if tree[0] == "state":
        if tree[2] in ("EXISTS", "NOT EXISTS"):
            return bool(nodes) == (tree[2] == "EXISTS")
        return any(one is {"TRUE": True, "FALSE": False, "NULL": None}[tree[2][3:]] for one in nodes)
    operator, value = tree[2], tree[3]
    wild = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
    for node in nodes:
        text, number = _text(node), _number(node)
        if operator in _ORDER:
            if number is not None and _ORDER[operator](number, float(value)):
                return True
        elif text is not None:
            same = bool(wild.fullmatch(text)) or (tree[0] == "number" and number == float(value))
            if same == (operator == "="):
                return True
    return False


@settings(max_examples=400, deadline=None)
@given(tree=_TREES, whole=_DOCUMENTS, ascii_=st.booleans())
def test_json_patterns_hold_as_the_rules_say(tree: Any, whole: Any, ascii_: bool) -> None:
    message = json.dumps(whole, ensure_ascii=ascii_)
    text = f"{{ {_written(tree)} }}"
    assert bool(matched(text, message)) == _holds(tree, whole), text


_NAMES = ["w", "x", "y", "z"]
_FIELDS = st.lists(
    st.just(None)
    | st.tuples(st.sampled_from(["=", "!="]), st.text("ab1*", min_size=1, max_size=3))
    | st.tuples(st.sampled_from(["<", ">=", "<=", ">"]), _NUMBERS),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(fields=_FIELDS, gap=st.integers(-1, 4), words=st.lists(st.text("ab1.", min_size=1, max_size=3), max_size=6))
def test_space_delimited_patterns_hold_as_the_rules_say(fields: list[Any], gap: int, words: list[str]) -> None:
    named = [name if one is None else f"{name} {one[0]} {one[1]}" for name, one in zip(_NAMES, fields, strict=False)]
    if gap >= 0:
        named.insert(gap, "...")
    if gap < 0 or gap > len(fields):
        expected = len(words) == len(fields) if gap < 0 else len(words) >= len(fields)
        aligned = list(zip(fields, words, strict=False))
    else:
        expected = len(words) >= len(fields)
        behind = len(fields) - gap
        aligned = list(zip(fields[:gap], words, strict=False))
        aligned += list(zip(fields[gap:], words[len(words) - behind :], strict=False)) if behind else []
    for one, word in aligned:
        if one is None:
            continue
        if one[0] in _ORDER:
            number = _number(word)
            expected &= number is not None and _ORDER[one[0]](number, float(one[1]))
        else:
            wild = re.compile(".*".join(map(re.escape, one[1].split("*"))))
            expected &= (wild.fullmatch(word) is not None) == (one[0] == "=")
    pattern = f"[{', '.join(named)}]"
    assert bool(matched(pattern, " ".join(words))) == expected, pattern


# What is none.


@pytest.mark.parametrize(
    ("pattern", "why", "position"),
    [
        ('say "hi', "quotation mark is not closed", 4),
        ("a.b", "double quotation marks", 0),
        ("x ?", "a term is missing", 3),
        ("ERROR %x%", "must be the whole pattern", 6),
        ("%abc", "closing % of the regular expression is missing", 4),
        ("%a%b%", "second %", 2),
        ("%a(b)%", "'(' cannot stand", 2),
        ("%something!%", "'!' cannot stand", 10),
        ("%a\\q%", "backslash", 2),
        ("%[a%", "not a regular expression", 1),
        ("%%", "a regular expression is missing", 1),
        ("{ }", "property selector", 2),
        ("{ $.a }", "a comparison", 6),
        ("{ $.a = }", "a value is missing", 8),
        ("{ $.a = 1", "closing brace", 9),
        ("{ $.a = 1 } x", "nothing can stand behind", 12),
        ("{ $. = 1 }", "name of a property is missing", 4),
        ("{ $ = 1 }", "name of a property", 3),
        ("{ $.a[x] = 1 }", "an index", 6),
        ("{ $.a[1 = 1 }", "closing bracket", 8),
        ("{ $.a > abc }", "compares numbers", 8),
        ('{ $.a > "1" }', "compares numbers", 8),
        ("{ $.a IS MAYBE }", "TRUE, FALSE or NULL", 9),
        ("{ $.a NOT HERE }", "NOT is followed by EXISTS", 10),
        ("{ ($.a = 1 }", "for the one opened at 2", 11),
        ("{ $.a = 1 & $.b = 2 }", "operator", 10),
        ('{ $.a = "x }', "quotation mark is not closed", 8),
        ("{ $.a = %x }", "closing % is missing", 8),
        ("{ $.a=%a% && $.b=%b% && $.c=%c% }", "2 regular expressions", 28),
        ("{" + "(" * 30 + "$.a = 1" + ")" * 30 + "}", "20 deep", 21),
        ("[", "name of a field", 1),
        ("[]", "name of a field", 1),
        ("[a, b", "comma or the closing bracket", 5),
        ("[a, , b]", "name of a field", 4),
        ("[a, a]", "second field named 'a'", 4),
        ("[..., a, ...]", "one ellipsis", 9),
        ("[a = 1 || b = 2]", "a condition on 'b' stands in the field 'a'", 10),
        ("[a ! 3]", "a comparison", 3),
        ("[a = 1] x", "nothing can stand behind", 8),
        ("[a < x]", "compares numbers", 5),
    ],
)
def test_what_is_no_pattern_names_the_position(pattern: str, why: str, position: int) -> None:
    with pytest.raises(ServiceError) as caught:
        parse(pattern)
    assert caught.value.error_code == "InvalidParameterException"
    assert why in caught.value.message
    assert caught.value.message.endswith(f"at position {position}.")


@settings(max_examples=500, deadline=None)
@given(st.text('{}[]()$.,*%"\\ =<>!&|?-abISNOT019', max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        compiled = parse(text)
    except ServiceError as error:
        assert error.error_code == "InvalidParameterException"
        return
    for message in ("", "a b", '{"a": 1}', text):
        matched(text, message)
        compiled(message)
