"""How values are spread: exact while they are few, within the stated error when they are many, merged or not."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.engines.metrics.bucket import ERROR, EXACT, MOST_BINS, Bins, Bucket, bin_of, middle
from clary.engines.metrics.chunk import decode, encode, merge_into, spread
from clary.engines.metrics.spreads import of_spread
from clary.kernel.metrics import Statistic

VALUES = st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=400)
RANKS = st.floats(0, 100)


def bucket(values: list[float]) -> Bucket:
    made = Bucket(1.0, values[0], values[0], values[0])
    for value in values[1:]:
        made.add(value)
    return made


def nearest(values: list[float], percent: float) -> float:
    """The slow reading: the smallest value that is not below `percent` of all."""
    ordered = sorted(values)
    return next(v for i, v in enumerate(ordered, 1) if i >= len(ordered) * percent / 100 * (1 - 1e-12))


def percentile(made: Bucket, percent: float) -> float:
    found = of_spread(Statistic("percentile", percent), [], list(made.pairs() or ()))
    assert found is not None
    return found


@given(VALUES, RANKS)
def test_a_percentile_is_within_the_stated_error(values: list[float], percent: float) -> None:
    assert percentile(bucket(values), percent) == pytest.approx(nearest(values, percent), rel=ERROR * 1.0001)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, 1e12, -3.0]), min_size=1, max_size=500))
def test_few_different_values_are_exact_however_often_they_come(values: list[float]) -> None:
    made = bucket(values)
    found = dict(made.pairs() or ())
    assert found == {value: values.count(value) for value in set(values)}


@given(st.lists(VALUES, min_size=1, max_size=6), RANKS)
def test_merged_buckets_are_as_one_that_saw_all(parts: list[list[float]], percent: float) -> None:
    whole = [value for part in parts for value in part]
    made = bucket(parts[0])
    for part in parts[1:]:
        made.merge(bucket(part))
    assert (made.count, made.low, made.high) == (len(whole), min(whole), max(whole))
    assert made.sum == pytest.approx(math.fsum(whole))
    assert percentile(made, percent) == pytest.approx(nearest(whole, percent), rel=ERROR * 1.0001)


@given(st.floats(1e-300, 1e300))
def test_a_bin_holds_what_its_middle_stands_for(value: float) -> None:
    assert middle(bin_of(value)) == pytest.approx(value, rel=ERROR * 1.0001)


def test_bins_are_bounded_and_high_percentiles_stay_right() -> None:
    values = [10.0 ** (exponent / 10) for exponent in range(-3000, 3000)]
    made = bucket(values)
    assert isinstance(made.spread, Bins) and len(made.spread) <= MOST_BINS
    assert percentile(made, 99) == pytest.approx(nearest(values, 99), rel=ERROR * 1.0001)


def test_values_below_zero_are_kept_and_have_no_percentile() -> None:
    few = bucket([-1.0, 2.0])
    assert of_spread(Statistic("percentile", 50.0), [], list(few.pairs() or ())) is None
    many = bucket([float(value) for value in range(-EXACT, EXACT)])
    assert many.pairs() is None and many.low == -EXACT and many.count == 2 * EXACT


@settings(max_examples=60)
@given(st.dictionaries(st.integers(0, 59), st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=90), min_size=1))
def test_a_chunk_holds_what_was_written(found: dict[int, list[float]]) -> None:
    made = {3600 + 60 * offset: bucket(values) for offset, values in found.items()}
    back: dict[int, Bucket] = {}
    merge_into(back, decode(3600, 60, *encode(3600, 60, made, pack=True)), 60)
    assert back.keys() == made.keys()
    for start, one in made.items():
        other = back[start]
        assert (other.count, other.sum, other.low, other.high) == (one.count, one.sum, one.low, one.high)
        assert other.spread == one.spread and type(other.spread) is type(one.spread)


def test_a_chunk_of_single_values_takes_eight_bytes_each() -> None:
    data, spreads = encode(0, 1, {at: Bucket(1.0, at * 1.5, at * 1.5, at * 1.5) for at in range(3600)}, pack=False)
    assert spreads is None and len(data) < 3600 * 8 + 16


def test_an_empty_spread_is_none() -> None:
    assert spread(b"") is None


PAIRS = [(float(value), 1.0) for value in range(1, 11)]


@pytest.mark.parametrize(
    ("statistic", "wanted"),
    [
        (Statistic("percentile", 0.0), 1.0),
        (Statistic("percentile", 50.0), 5.0),
        (Statistic("percentile", 90.0), 9.0),
        (Statistic("percentile", 100.0), 10.0),
        (Statistic("TM", 10.0, 90.0), 5.5),
        (Statistic("TM", None, 50.0), 3.0),
        (Statistic("TM", 25.0, 75.0), (3 * 0.5 + 4 + 5 + 6 + 7 + 8 * 0.5) / 5),
        (Statistic("TM", 2.0, 4.0, absolute=True), 3.5),  # above the lower bound, up to the upper
        (Statistic("TM", 20.0, 40.0, absolute=True), None),
        (Statistic("TC", None, 90.0), 9.0),
        (Statistic("TC", 3.0, None, absolute=True), 7.0),
        (Statistic("TC", 20.0, None, absolute=True), 0.0),
        (Statistic("TS", 2.0, 4.0, absolute=True), 7.0),
        (Statistic("PR", None, 3.0, absolute=True), 30.0),
        (Statistic("PR", 3.0, None, absolute=True), 70.0),
        (Statistic("WM", 10.0, 90.0), (sum(range(1, 10)) + 9) / 10),
        (Statistic("WM", 3.0, 5.0, absolute=True), (3 * 3 + 4 + 5 * 6) / 10),
    ],
)
def test_statistics_between_bounds(statistic: Statistic, wanted: float | None) -> None:
    found = of_spread(statistic, [], PAIRS)
    assert found == (None if wanted is None else pytest.approx(wanted))
    assert of_spread(statistic, [value for value, _ in reversed(PAIRS)], []) == found
