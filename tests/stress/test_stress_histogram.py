"""Latencies in slots, and windows in a row: what is merged is what was seen."""

import random

from hypothesis import given
from hypothesis import strategies as st

from clary.stress import windows
from clary.stress.histogram import Histogram, figures, merged, middle, slot
from clary.stress.windows import Series, Window

latencies = st.lists(st.integers(0, 10**9), min_size=1, max_size=200)


def seen(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(st.integers(0, 10**12))
def test_the_middle_of_a_slot_is_within_half_a_percent(value: int) -> None:
    assert abs(middle(slot(value)) - value) <= 0.004 * value + 0.5


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_slots_keep_the_order(one: int, other: int) -> None:
    assert (slot(one) <= slot(other)) == (one <= other) or slot(one) == slot(other)


@given(latencies, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_percentiles_are_the_nearest_rank(values: list[int], shares: list[float]) -> None:
    shares.sort()
    ranked = sorted(values)
    for share, found in zip(shares, seen(values).percentiles(shares), strict=True):
        rank = max(0, -int(-(share * len(ranked) - 1e-9) // 1) - 1)
        exact = ranked[min(rank, len(ranked) - 1)]
        assert abs(found - exact) <= 0.004 * exact + 0.5


@given(st.lists(latencies, max_size=4))
def test_merging_is_seeing_everything_in_one_place(several: list[list[int]]) -> None:
    whole = merged(Histogram.unpacked(seen(values).packed()) for values in several)
    together = seen([value for values in several for value in values])
    assert whole.packed()[:4] == together.packed()[:4]
    assert whole.counts == together.counts


def test_figures_of_nothing_are_zeros() -> None:
    assert set(figures(Histogram()).values()) == {0.0}


def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    source = random.Random(1)
    histogram = seen([int(source.expovariate(1 / 5000)) for _ in range(50_000)])
    assert len(histogram.counts) < 1300


def window(answers: int, errors: int = 0) -> Window:
    made = Window()
    made.variants["a"] = seen([100] * answers)
    made.errors["503"] = errors
    return made


def test_a_long_series_has_wider_windows_and_the_same_counts() -> None:
    series = Series()
    for second in range(3 * windows.MOST):
        series.add(second, window(2, 1))
    assert series.width == 4
    assert len(series.windows) <= windows.MOST
    assert (series.whole().answered, series.whole().failed) == (6 * windows.MOST, 3 * windows.MOST)


def test_kinds_of_errors_are_bounded() -> None:
    whole = Window()
    for number in range(1000):
        one = Window()
        one.errors[f"kind {number}"] = 1
        whole.merge(one)
    assert len(whole.errors) == windows.KINDS + 1
    assert whole.failed == 1000
