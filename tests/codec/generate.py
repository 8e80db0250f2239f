"""Values in handler form, drawn by hypothesis from the shapes of the models: within bounds, enums and patterns."""

import re
import string
import warnings
from datetime import UTC, datetime
from functools import cache
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from hypothesis import strategies as st

from clary.aws.model import Shape
from clary.aws.patterns import compile_pattern

LETTERS = string.ascii_letters + string.digits + "-_.é語 /:=+&<>\"'%#?@"
PLAIN = string.ascii_letters + string.digits + "-_./:=+@"
LATEST = 4_000_000_000
"""Past 2038 and 2^31, so that a 32-bit time would show."""
LONGEST = 24
DEEPEST = 5


def values(shape: Shape, *, xml: bool) -> st.SearchStrategy[Any]:
    """Valid values of `shape`. `xml`: empty containers may get lost on that wire, so none are made."""
    return _values(shape, "body", 0, xml)


def _values(shape: Shape, place: str, depth: int, xml: bool) -> st.SearchStrategy[Any]:
    match shape.kind:
        case "structure":
            return _structures(shape, place, depth, xml)
        case "list":
            low = max(shape.traits.get("min", 0), 1 if xml or place != "body" else 0)
            high = max(low, min(shape.traits.get("max", 3), 3 if depth < DEEPEST else 1))
            return st.lists(_values(shape.member, place, depth + 1, xml), min_size=low, max_size=high)
        case "map":
            low = max(shape.traits.get("min", 0), 1 if xml or place != "body" else 0)
            keys = _tokens() if place == "headers" else _values(shape.key, place, depth, xml)
            each = _values(shape.value, place, depth + 1, xml)
            return st.dictionaries(keys, each, min_size=low, max_size=max(low, 2))
        case "string" | "character":
            return _texts(shape, place)
        case "integer" | "long" | "short" | "byte":
            low, high = shape.traits.get("min", -(2**31)), shape.traits.get("max", 2**31 - 1)
            return st.integers(low, min(high, 2**63 - 1))
        case "float" | "double":
            return st.floats(
                shape.traits.get("min", -1e9),
                shape.traits.get("max", 1e9),
                allow_nan=False,
                allow_infinity=False,
                width=32,
            )
        case "boolean":
            return st.booleans()
        case "timestamp":
            return st.integers(0, LATEST).map(float)
        case "blob":
            low = shape.traits.get("min", 0)
            return st.binary(min_size=low, max_size=max(low, LONGEST))
    raise TypeError(f"no values of {shape.kind}")


def _structures(shape: Shape, place: str, depth: int, xml: bool) -> st.SearchStrategy[Any]:
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, member in shape.members.items():
        if member.streaming or member.traits.get("eventstream"):
            continue  # never passes a codec
        where = member.location or place
        if name in shape.required:
            required[name] = _later(member, where, depth, xml)
        elif depth < DEEPEST or member.kind not in ("structure", "list", "map"):
            optional[name] = _later(member, where, depth, xml)
    if xml and not required and not optional:
        # Too deep for containers, and nothing else is in it: one all the same, or it would be empty.
        optional = {name: _later(member, place, depth, xml) for name, member in list(shape.members.items())[:1]}
    if shape.traits.get("union"):
        every = {**required, **optional}
        return st.sampled_from(sorted(every)).flatmap(lambda name: st.fixed_dictionaries({name: every[name]}))

    @st.composite
    def some(draw: Any) -> dict[str, Any]:
        found = {name: draw(one) for name, one in required.items()}
        few = 6 if depth == 0 else 3 if depth < DEEPEST else 1
        wanted = draw(st.lists(st.sampled_from(sorted(optional)), max_size=few, unique=True)) if optional else []
        if not found and not wanted and xml and optional:
            wanted = [sorted(optional)[0]]
        return found | {name: draw(optional[name]) for name in wanted}

    return some()


def _later(shape: Shape, place: str, depth: int, xml: bool) -> st.SearchStrategy[Any]:
    # Deferred, because shapes may hold themselves.
    return st.deferred(lambda: _values(shape, place, depth + 1, xml))


def _texts(shape: Shape, place: str) -> st.SearchStrategy[str]:
    if enum := shape.traits.get("enum"):
        return st.sampled_from(enum)
    low = max(shape.traits.get("min", 0), 1 if place in ("uri", "header", "headers") else 0)
    high = min(shape.traits.get("max", LONGEST), max(low, LONGEST))
    if pattern := shape.traits.get("pattern"):
        return st.sampled_from(_matching(pattern, low, shape.traits.get("max", 10_000)))
    alphabet = PLAIN if place in ("header", "headers") else LETTERS
    return st.text(alphabet, min_size=low, max_size=high).filter(lambda text: place == "body" or text == text.strip())


def _tokens() -> st.SearchStrategy[str]:
    return st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8)


@cache
def _matching(pattern: str, low: int, high: int) -> tuple[str, ...]:
    """Some texts that satisfy a pattern: made once a pattern."""
    matches = compile_pattern(pattern)
    tries = [*_texts_of(pattern), *_SAMPLES, "a" * low, "1" * low, "a" * min(high, 40), "0" * 12]
    found = tuple(text for text in dict.fromkeys(tries) if low <= len(text) <= high and matches(text))
    if not found:
        raise LookupError(f"no text for the pattern {pattern!r}: give one in _SAMPLES")
    return found


def _texts_of(pattern: str) -> list[str]:
    """Texts that a pattern asks for: with the fewest repeats, and with more. None where `re` refuses it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = parser.parse(pattern)
    except (re.error, Warning):
        return []
    return [_spelt(tree, more) for more in (0, 1, 20)]


def _spelt(tree: Any, more: int) -> str:
    out = ""
    for operation, argument in tree:
        match str(operation):
            case "LITERAL":
                out += chr(argument)
            case "ANY" | "NOT_LITERAL":
                out += "a"
            case "IN":
                out += _one_of(argument)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, body = argument
                out += _spelt(body, more) * min(low + more, high)
            case "SUBPATTERN":
                out += _spelt(argument[3], more)
            case "BRANCH":
                out += _spelt(argument[1][0], more)
    return out


def _one_of(items: Any) -> str:
    kind, value = items[0]
    match str(kind):
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " "}.get(str(value), "a")
    return "a"


_ARN = "arn:aws:{}:us-east-1:123456789012:{}"
_SAMPLES = (
    "",
    "a",
    "abc-def",
    "Some Text. (with) marks",
    "text/csv",
    "s3://bucket/some/key.csv",
    "https://s3.amazonaws.com/bucket/key",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
    "arn:aws:iam::123456789012:role/service-role/some-role",
    "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess",
    *(
        _ARN.format(service, rest)
        for service, rest in (
            ("sagemaker", "training-job/some-job"),
            ("sagemaker", "endpoint/some-endpoint"),
            ("sagemaker", "endpoint-config/some-config"),
            ("sagemaker", "model/some-model"),
            ("sagemaker", "processing-job/some-job"),
            ("kms", "key/12345678-1234-1234-1234-123456789012"),
            ("lambda", "function:some-function"),
            ("sns", "some-topic"),
            ("logs", "log-group:/aws/sagemaker/TrainingJobs:*"),
        )
    ),
    "subnet-12345678",
    "sg-12345678",
    "/opt/ml/input/data",
    "/aws/sagemaker/TrainingJobs",
    "12345678-1234-1234-1234-123456789012",
    "2026-01-31T12:00:00Z",
    "AKIAIOSFODNN7EXAMPLE",
    "1.0",
    "é",
)


def to_botocore(shape: Shape, value: Any) -> Any:
    """Times as datetimes, as boto3 wants them."""
    return _walk(shape, value, lambda kind, one: datetime.fromtimestamp(one, UTC) if kind == "timestamp" else one)


def from_botocore(shape: Shape, value: Any) -> Any:
    """Times as epoch seconds, and streams as bytes."""

    def leaf(kind: str, one: Any) -> Any:
        if isinstance(one, datetime):
            return one.timestamp()
        return one.read() if hasattr(one, "read") else one

    return _walk(shape, value, leaf)


def pruned(value: Any) -> Any:
    """Without empty containers, which XML and forms cannot tell from absent ones."""
    if isinstance(value, dict):
        kept = {name: pruned(one) for name, one in value.items()}
        # What held nothing but empty ones has become one.
        return {name: one for name, one in kept.items() if one not in ({}, [])}
    return [pruned(one) for one in value] if isinstance(value, list) else value


def _walk(shape: Shape, value: Any, leaf: Any) -> Any:
    match shape.kind:
        case "structure":
            return {name: _walk(shape.members[name], one, leaf) for name, one in value.items() if name in shape.members}
        case "list":
            return [_walk(shape.member, one, leaf) for one in value]
        case "map":
            return {name: _walk(shape.value, one, leaf) for name, one in value.items()}
    return leaf(shape.kind, value)
