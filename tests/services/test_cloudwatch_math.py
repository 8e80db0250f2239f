"""Metric math: its syntax with positions, its functions as CloudWatch documents them, its searches."""

import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.aws.errors import NotImplementedHere
from clary.kernel.metrics import MetricName, dimensions
from clary.services.cloudwatch.expressions import search
from clary.services.cloudwatch.expressions.evaluate import evaluate
from clary.services.cloudwatch.expressions.functions import FUNCTIONS
from clary.services.cloudwatch.expressions.syntax import BadExpression, names, parse
from clary.services.cloudwatch.expressions.values import Series, Value
from clary.services.cloudwatch.statistics import statistic

START, PERIOD = 1_795_284_000, 60  # a Saturday, 18:00 UTC
_ = None


def series(*values: float | None, period: int = PERIOD) -> Series:
    there = [(START + period * i, value) for i, value in enumerate(values) if value is not None]
    return Series([at for at, _ in there], [value for _, value in there], period)


class Scope:
    """An evaluate.Scope over given values; the grid is five periods long."""

    def __init__(self, length: int = 5, **values: Value) -> None:
        self.values = values
        self.length = length

    def value(self, name: str) -> Value | None:
        return self.values.get(name)

    def metrics(self) -> list[tuple[str, Series]]:
        return [(name, one) for name, one in self.values.items() if isinstance(one, Series)]

    def search(self, text: str, stat: str, period: int | None) -> list[Series]:
        search.parse(text)
        return [one for _, one in self.metrics()]

    def grid(self, period: int | None) -> range:
        period = period or PERIOD
        return range(START, START + self.length * period, period)


def compute(text: str, length: int = 5, **values: Value) -> Value:
    return evaluate(parse(text), Scope(length, **values))


def shown(value: Value, length: int = 5) -> Any:
    """A series with None where it has no value."""
    if isinstance(value, list):
        return [shown(one, length) for one in value]
    if isinstance(value, Series):
        there = value.points()
        return [there.get(START + value.period * i) for i in range(length)]
    return value


M1, M2 = series(30, 20, 0, 0, _), series(20, _, 20, _, _)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # Missing values count as 0 between two series; a division by zero drops the point.
        ("m1 + m2", [50, 20, 20, 0, _]),
        ("m1 - m2", [10, 20, -20, 0, _]),
        ("m1 / m2", [1.5, _, 0, _, _]),
        ("100 / m1", [100 / 30, 5, _, _, _]),
        ("5 * m1", [150, 100, 0, 0, _]),
        ("-m1", [-30, -20, 0, 0, _]),
        ("-m1 ^ 2", [-900, -400, 0, 0, _]),
        ("2 ^ 3 ^ 2 * (m1 > 0)", [512, 512, 0, 0, _]),
        ("m2 ^ -1", [0.05, _, 0.05, _, _]),
        ("(m1 - 100) ^ 0.5", [_, _, _, _, _]),
        ("1 - 2 - 3 + m2", [16, _, 16, _, _]),
        ("(1 / 0) + m1", [_, _, _, _, _]),
        # The examples of the user guide.
        ("m1 < m2", [0, 0, 1, 0, _]),
        ("m1 >= 30", [1, 0, 0, 0, _]),
        ("m1 > 15 AND m2 > 15", [1, 0, 0, 0, _]),
        ("m1 > 15 && m2 > 15 || m2 == 20", [1, 0, 1, 0, _]),
        ("m1 != 0 OR m2 != 0", [1, 1, 1, 0, _]),
        ("[m1, m2] * 2", [[60, 40, 0, 0, _], [40, _, 40, _, _]]),
        ("m2 + [m1, m2]", [[50, 20, 20, 0, _], [40, _, 40, _, _]]),
        ("SUM([m1, m2])", [50, 20, 20, 0, _]),
        ("AVG([m1, m2])", [25, 10, 10, 0, _]),
        ("MAX([m1, m2])", [30, 20, 20, 0, _]),
        ("MIN(METRICS())", [20, 20, 0, 0, _]),
        ("SUM(METRICS('1'))", [30, 20, 0, 0, _]),
        ("STDDEV([m1, m2])", [5, 0, 10, 0, _]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 1, 2, 1, _]),
        ("m2 * 0 + DATAPOINT_COUNT(m1)", [4, _, 4, _, _]),
        ("m2 * 0 + SUM(m1)", [50, _, 50, _, _]),
        ("m2 - AVG(m1)", [7.5, _, 7.5, _, _]),
        ("m2 + MAX(m1) - MIN(m1)", [50, _, 50, _, _]),
        ("m2 * 0 + STDDEV(m2)", [0, _, 0, _, _]),
        ("m1 / PERIOD(m1)", [0.5, 1 / 3, 0, 0, _]),
        ("m1 / METRIC_COUNT(METRICS())", [15, 10, 0, 0, _]),
        ("ABS(-[m1, m2])", [[30, 20, 0, 0, _], [20, _, 20, _, _]]),
        ("CEIL(m1 / 7) + FLOOR(m1 / 7)", [9, 5, 0, 0, _]),
        ("LOG10(m1)", [math.log10(30), math.log10(20), _, _, _]),
        ("LOG(m2)", [math.log(20), _, math.log(20), _, _]),
        ("RATE(m1)", [_, -10 / 60, -20 / 60, 0, _]),
        ("RATE(m2)", [_, _, 0, _, _]),
        ("DIFF(m1)", [_, -10, -20, 0, _]),
        ("DIFF_TIME(m2)", [_, _, 120, _, _]),
        ("RUNNING_SUM(m1)", [30, 50, 50, 50, _]),
        ("FILL(m2, 7)", [20, 7, 20, 7, 7]),
        ("FILL(m2, REPEAT)", [20, 20, 20, 20, 20]),
        ("FILL(m2 * m2 - 100 * (m1 == 0), LINEAR)", [400, 0, 300, -100, _]),
        ("FILL(IF(m1 != 20, m1), LINEAR)", [30, 15, 0, 0, _]),
        ("FILL(m2, m1)", [20, 20, 20, 0, _]),
        ("FILL([m2], MIN(m1))", [[20, 0, 20, 0, 0]]),
        ("TIME_SERIES(MAX(m1))", [30, 30, 30, 30, 30]),
        ("IF(m1, m2, 5)", [20, 0, 5, 5, _]),
        ("IF(m1 > 25, m1)", [30, _, _, _, _]),
        ("IF(m1 > 25, 1, 0)", [1, 0, 0, 0, _]),
        ("IF(m1, 5, m2)", [5, 5, 20, _, _]),
        ("IF(1, m1, m2)", [30, 20, 0, 0, _]),
        ("IF(0, m1, m2)", [20, _, 20, _, _]),
        ("IF(0, m1)", [_, _, _, _, _]),
        ("HOUR(m2)", [18, 18, 18, 18, 18]),
        ("MINUTE(m2)", [0, 1, 2, 3, 4]),
        ("DAY(m1) * 10000 + DATE(m1) * 100 + MONTH(m1)", [62111] * 5),
        ("YEAR(m1)", [2026] * 5),
        ("EPOCH(m1)", [START + 60 * i for i in range(5)]),
        ("SORT([m1, m2], MAX, ASC)", [[20, _, 20, _, _], [30, 20, 0, 0, _]]),
        ("SORT([m2, m1], SUM, DESC, 1)", [[30, 20, 0, 0, _]]),
        ("SLICE([m1, m2], 1)", [[20, _, 20, _, _]]),
        ("SLICE([m1, m2], 0, 1)", [[30, 20, 0, 0, _]]),
        ("FIRST(SORT([m1, m2], AVG, DESC))", [20, _, 20, _, _]),
        ("LAST(REMOVE_EMPTY([m1, IF(0, m1)]))", [30, 20, 0, 0, _]),
        ("METRICS()", [[30, 20, 0, 0, _], [20, _, 20, _, _]]),
        ("SUM(SEARCH('{N,host} cpu', 'Average', 60))", [50, 20, 20, 0, _]),
    ],
)
def test_what_the_functions_compute(text: str, wanted: Any) -> None:
    found = shown(compute(text, m1=M1, m2=M2))
    assert found == _approx(wanted)


def _approx(wanted: Any) -> Any:
    if isinstance(wanted, list):
        return [one if one is None else _approx(one) for one in wanted]
    return pytest.approx(wanted)


def test_the_tables_of_if_in_the_user_guide() -> None:
    metric1, metric2, metric3 = series(1, 1, 0, 0, _), series(30, _, 0, 0, 30), series(0, 0, 20, _, 20)
    given = {"m1": metric1, "m2": metric2, "m3": metric3}
    assert shown(compute("IF(m1, m2, m3)", **given)) == [30, 0, 20, _, _]
    assert shown(compute("IF(m1, 5, m3)", **given)) == [5, 5, 20, _, _]
    assert shown(compute("IF(m1, m2, 5)", **given)) == [30, 0, 5, 5, _]


@pytest.mark.parametrize(
    ("text", "words", "position"),
    [
        ("m1 +", "The expression ends too early", 5),
        ("m1 + * m2", "Unexpected '*'", 6),
        ("(m1", "The expression ends too early", 4),
        ("m1)", "Unexpected ')'", 3),
        ("m1 $ m2", "Unexpected character '$'", 4),
        ("m1 + 'a", "A text without its end", 6),
        ("m1 m2", "Unexpected 'm2'", 4),
        ("m1 < m2 < m1", "Unexpected '<'", 9),
        ("[]", "An array needs at least one member", 1),
        ("SUM(m1,)", "Unexpected ')'", 8),
        ("SUM(m1 m2)", "Expected ')' instead of 'm2'", 8),
        ("AND", "Unexpected 'AND'", 1),
        ("m3 + 1", "Undefined variable 'm3'", 1),
        ("m1 + sum(m2)", "There is no function 'sum' (functions are written in upper case)", 6),
        ("NOPE(m1)", "There is no function 'NOPE'", 1),
        ("SUM()", "SUM takes 1 arguments and was given 0", 1),
        ("SUM(5)", "SUM takes one time series here", 5),
        ("FILL(m1, [m2])", "FILL takes a number, a time series, REPEAT or LINEAR here", 10),
        ("FILL(m1, NEVER)", "Undefined variable 'NEVER'", 10),
        ("SORT([m1], MEDIAN, ASC)", "Undefined variable 'MEDIAN'", 12),
        ("SORT([m1], ASC, AVG)", "SORT takes AVG or MIN or MAX or SUM here", 12),
        ("SLICE([m1], -1)", "SLICE takes a whole number from 0 here", 13),
        ("FIRST(m1)", "FIRST takes an array of time series here", 7),
        ("IF([m1], 1, 0)", "IF takes one time series here", 4),
        ("IF(m1, [m1], 0)", "IF takes a number or one time series here", 8),
        ("[m1, 5]", "An array holds time series only", 1),
        ("[m1] + [m2]", "The operator + does not take two arrays", 6),
        ("m1 + 'a'", "A text is no operand of +", 4),
        ("SUM('a')", "A text is no argument of SUM", 5),
        ("PERIOD(5)", "PERIOD takes one time series here", 8),
        ("SEARCH('{N,host} cpu=', 'Sum', 60)", "The search ends too early", 22),
        ("SEARCH(' (a OR ', 'Sum')", "The search ends too early", 16),
        ("(" * 70 + "m1" + ")" * 70, "The expression is nested more than 64 deep", 65),
        ("2^" * 70 + "m1", "The expression is nested more than 64 deep", 128),
    ],
)
def test_errors_name_the_position(text: str, words: str, position: int) -> None:
    with pytest.raises(BadExpression) as caught:
        compute(text, m1=M1, m2=M2)
    assert (str(caught.value), caught.value.position) == (f"{words} at position {position}", position)


@pytest.mark.parametrize("name", ["ANOMALY_DETECTION_BAND", "INSIGHT_RULE_METRIC", "LAMBDA", "DB_PERF_INSIGHTS"])
def test_what_is_not_here_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotImplementedHere, match=f"The function {name} of metric math is not served"):
        compute(f"{name}(m1)", m1=M1)


def test_long_sums_need_no_deep_stack() -> None:
    assert shown(compute("+".join(["m1"] * 5000), m1=M1)) == [150_000, 100_000, 0, 0, _]
    assert names(parse("-".join(["m1"] * 5000))) == {"m1"}


# -- against a slow reading -------------------------------------------------------------------------------------------

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3), st.just(0.0)), min_size=6, max_size=6)
LEAVES = st.one_of(st.sampled_from(["a", "b", "c"]), st.integers(0, 9).map(str))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "AND", "OR"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map(lambda text: f"(-{text})"),
    ),
    max_leaves=8,
)


def slow(text: str, values: dict[str, list[float | None]]) -> Any:
    """A number, or a list with None where there is no value; point by point, by Python's own evaluator."""
    names_in = [name for name in values if name in text]
    # Between two plain numbers Python's own & and | would work on their bits.
    python = re.sub(r"\d+", r"_Number(\g<0>)", text).replace("AND", " & ").replace("OR", " | ")
    known = {name: _Slow(values[name]) for name in names_in} | {"_Number": _Number, "__builtins__": {}}
    whole = eval(python, known) if names_in else None
    return whole.values if isinstance(whole, _Slow) else None


class _Number(float):
    """A number whose AND and OR are 1 or 0, as CloudWatch's are."""


def _of_numbers(function: Any) -> Any:
    def applied(self: _Number, *others: Any) -> Any:
        if not all(isinstance(other, float | int) for other in others):
            return NotImplemented
        return _Number(function(float(self), *others))

    return applied


for _name, _function in {
    "neg": lambda a: -a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "rand": lambda a, b: bool(a) and bool(b),
    "ror": lambda a, b: bool(a) or bool(b),
}.items():
    setattr(_Number, f"__{_name}__", _of_numbers(_function))


class _Slow:
    """A list of points with CloudWatch's rules, written out as plainly as they can be."""

    def __init__(self, values: list[float | None]) -> None:
        self.values = values

    def _do(self, other: Any, function: Any, swapped: bool = False) -> "_Slow":
        made = []
        for i, mine in enumerate(self.values):
            theirs = other.values[i] if isinstance(other, _Slow) else other
            if isinstance(other, _Slow):
                if mine is None and theirs is None:
                    made.append(None)
                    continue
                mine, theirs = mine or 0.0, theirs or 0.0
            elif mine is None:
                made.append(None)
                continue
            left, right = (theirs, mine) if swapped else (mine, theirs)
            try:
                value = float(function(left, right))
            except (ZeroDivisionError, OverflowError):
                value = math.nan
            made.append(value if math.isfinite(value) else None)
        return _Slow(made)

    def __neg__(self) -> "_Slow":
        return self._do(-1.0, lambda a, b: a * b)


def _operator(function: Any) -> Any:
    return lambda self, other: self._do(other, function)


def _swapped(function: Any) -> Any:
    return lambda self, other: self._do(other, function, swapped=True)


for _name, _function in {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
}.items():
    setattr(_Slow, f"__{_name}__", _operator(_function))
    setattr(_Slow, f"__r{_name}__", _swapped(_function))
for _name, _function in {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}.items():
    setattr(_Slow, f"__{_name}__", _operator(_function))


@settings(max_examples=300)
@given(TREES, VALUES, VALUES, VALUES)
def test_operators_agree_with_a_slow_reading(
    text: str, a: list[float | None], b: list[float | None], c: list[float | None]
) -> None:
    given_ = {"a": a, "b": b, "c": c}
    try:
        wanted = slow(text, given_)
    except ZeroDivisionError:
        return  # a division of two numbers: Python's evaluator stops, ours drops the points
    if wanted is None:
        return
    found = compute(text, 6, **{name: series(*values) for name, values in given_.items()})
    assert shown(found, 6) == wanted


@given(VALUES)
def test_functions_over_time_agree_with_a_slow_reading(values: list[float | None]) -> None:
    given_ = {"a": series(*values)}
    there = [(i, value) for i, value in enumerate(values) if value is not None]
    pairs = list(pairwise(there))
    wanted: list[float | None] = [None] * 6
    for (i, old), (j, new) in pairs:
        wanted[j] = (new - old) / (60 * (j - i))
    assert shown(compute("RATE(a)", 6, **given_), 6) == wanted
    repeated: list[float | None] = []
    for value in values:
        repeated.append(value if value is not None else (repeated[-1] if repeated else None))
    assert shown(compute("FILL(a, REPEAT)", 6, **given_), 6) == repeated
    linear = list(values)
    for (i, old), (j, new) in pairs:
        for k in range(i + 1, j):
            linear[k] = old + (new - old) * ((k - i) / (j - i))
    found = shown(compute("FILL(a, LINEAR)", 6, **given_), 6)
    assert found == [one if one is None else pytest.approx(one) for one in linear]
    assert compute("SUM(a)", 6, **given_) == pytest.approx(math.fsum(value for _, value in there))


@settings(max_examples=300)
@given(st.text(alphabet="m12 +-*/^()[],<>=!&|'\"SUMAVGIF.eE", max_size=40))
def test_whatever_is_written_is_computed_or_refused(text: str) -> None:
    try:
        compute(text, m1=M1, m2=M2)
    except BadExpression as error:
        assert 0 <= error.position <= len(text) + 1


# -- statistics and searches ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "avg", "p101", "p", "tm", "TM()", "TM(:)", "TM(1%:2)", "PR(1%:2%)", "PR90",
                                  "TM(9:1)", "TM(%:5%)", "TM(-1%:5%)", "p99.99999999999"])  # fmt: skip
def test_what_is_no_statistic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no statistic"):
        statistic(text)


@pytest.mark.parametrize(("text", "kind", "low", "high", "absolute"), [
    ("p99.9", "percentile", 99.9, _, False), ("P50", "percentile", 50.0, _, False), ("tm99", "TM", _, 99.0, False),
    ("TM(10%:90%)", "TM", 10.0, 90.0, False), ("TM(:95%)", "TM", _, 95.0, False), ("IQM", "TM", 25.0, 75.0, False),
    ("WM(150:1000)", "WM", 150.0, 1000.0, True), ("PR(:300)", "PR", _, 300.0, True), ("TC(0.5:)", "TC", 0.5, _, True),
    ("ts90", "TS", _, 90.0, False), ("Average", "Average", _, _, False),
])  # fmt: skip
def test_statistics_are_read(text: str, kind: str, low: float, high: float, absolute: bool) -> None:
    found = statistic(text)
    assert (found.kind, found.low, found.high, found.absolute) == (kind, low, high, absolute)


COUNTED = MetricName("1", "r", "MyApp", "CustomCount1", dimensions(InstanceType="t2.micro", host="i-12ab"))


@pytest.mark.parametrize(("text", "found"), [
    ("count", True), ("Count", True), ("COUNT", True), ("couNT", False), ("CustomCount", True), ("Count1", True),
    ("customcount", False), ("count1", False), ("1", True), ("micro", True), ("t2.micro", True), ("type", True),
    ('"CustomCount1"', True), ('"Custom"', False), ('"customcount1"', False), ('"t2.micro"', True), ('"host"', True),
    ("MetricName=count", True), ('MetricName="CustomCount1"', True), ("MetricName=micro", False),
    ("InstanceType=micro", True), ("host=micro", False), ("Namespace=MyApp", True), ("NOT Namespace=MyApp", False),
    ("count micro", True), ("count AND nothing", False), ("nothing OR count", True), ("count NOT micro", False),
    ("(nothing OR count) NOT nothing", True), ("NOT NOT count", True), ("count OR nothing AND nothing", True),
    ("i-12ab", True), ("i+12", True), ("{MyApp} count", True),
])  # fmt: skip
def test_searches_find(text: str, found: bool) -> None:
    assert search.parse(text).test(COUNTED) is found


def test_a_schema_says_where_to_look() -> None:
    match = search.parse('{AWS/EC2, InstanceId, "Other Name"}, cpu').match
    assert (match.namespace, match.exactly) == ("AWS/EC2", ("InstanceId", "Other Name"))
    assert search.parse("{MyApp}").match.exactly is None
    escaped = search.parse(r'"Europe\\France Traffic\(Network\)"')
    assert escaped.test(MetricName("1", "r", "N", r"Europe\France Traffic(Network)"))


@pytest.mark.parametrize(("text", "position"), [
    ("", 1), ("{}", 2), ("{N", 3), ("cpu)", 4), ("(cpu", 5), ("a OR", 5), ("OR a", 1), ("a=", 3), ("a==b", 3),
    ('"a', 1), ("NOT", 4), (":aws.AccountId=1", 1),
])  # fmt: skip
def test_searches_that_do_not_parse_name_the_position(text: str, position: int) -> None:
    with pytest.raises(BadExpression) as caught:
        search.parse(text)
    assert caught.value.position == position


def test_every_function_is_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert not [name for name in FUNCTIONS if f"`{name}`" not in page]
