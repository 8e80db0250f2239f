"""Which state points make: AWS's own tables of missing data, and every short range against a slow reading."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.services.cloudwatch.alarm_states import MISSING, UNSEEN, Point, Treat, decide, few_samples

KEEP = None
I, K, A, O = "INSUFFICIENT_DATA", KEEP, "ALARM", "OK"  # noqa: E741
SIGNS: dict[str, Point] = {"0": False, "X": True, "-": MISSING, "?": UNSEEN}
TREATS: tuple[Treat, ...] = ("missing", "ignore", "breaching", "notBreaching")


def points(text: str) -> list[Point]:
    return [SIGNS[one] for one in text.split()]


@pytest.mark.parametrize(
    ("breaching", "text", "states"),
    [
        # The table for 3 out of 3.
        (3, "0 - X - X", (O, O, O, O)),
        (3, "0 - - - -", (O, O, O, O)),
        (3, "- - - - -", (I, K, A, O)),
        (3, "0 X X - X", (A, A, A, A)),
        (3, "- - X - -", (A, K, A, O)),
        # The table for 2 out of 3.
        (2, "0 - X - X", (A, A, A, A)),
        (2, "0 0 X 0 X", (A, A, A, A)),
        (2, "0 - X - -", (O, O, A, O)),
        (2, "- - - - 0", (O, O, A, O)),
        (2, "- - - X -", (A, K, A, O)),
        # What the text below the tables says of premature alarms.
        (3, "- - - - X", (K, K, A, O)),
        (3, "- - - X -", (K, K, A, O)),
        (3, "- - - X 0", (O, O, O, O)),
        (3, "- - X - 0", (O, O, O, O)),
    ],
)
def test_the_tables_of_aws(breaching: int, text: str, states: tuple[str | None, ...]) -> None:
    assert tuple(decide(points(text), 3, breaching, treat) for treat in TREATS) == states


@pytest.mark.parametrize(
    ("breaching", "text", "states"),
    [
        # A stop is no missing data: what could be otherwise stays as it is, what could not is told.
        (3, "? ? ? ? ?", (K, K, K, K)),
        (3, "- - ? ? ?", (K, K, K, O)),  # one that was not seen makes no three
        (3, "? ? - - -", (I, K, A, O)),
        (3, "? ? ? ? 0", (O, O, O, O)),
        (3, "? ? ? ? X", (K, K, K, K)),
        (3, "X X X ? ?", (A, A, A, A)),
        (1, "? ? ? ? 0", (K, K, K, K)),
        (1, "? ? ? ? X", (A, A, A, A)),
        (3, "? ? X - -", (A, K, A, O)),
    ],
)
def test_what_was_not_seen_does_not_decide(breaching: int, text: str, states: tuple[str | None, ...]) -> None:
    assert tuple(decide(points(text), 3, breaching, treat) for treat in TREATS) == states


def slow(text: str, needed: int, breaching: int, treat: Treat) -> str | None:
    """The rules as the documentation tells them, one after the other, without what is unseen."""
    newest_first = text.split()[::-1]
    real = [one for one in newest_first if one != "-"]
    if len(real) >= needed:
        return A if real[:needed].count("X") >= breaching else O
    fill = needed - len(real)
    if treat == "breaching":
        return A if real.count("X") + fill >= breaching else O
    if treat == "notBreaching":
        return A if real.count("X") >= breaching else O
    if not real:
        return I if treat == "missing" else KEEP
    if real.count("X") >= breaching:
        return A
    if "0" in real:
        return O
    if treat == "ignore":
        return KEEP
    within = [age for age, one in enumerate(newest_first[:needed], 1) if one == "X"]
    return A if within and max(within) >= breaching else KEEP


@pytest.mark.parametrize("needed", [1, 2, 3, 4])
def test_every_range_is_read_as_the_slow_reading_does(needed: int) -> None:
    for signs in product("0X-", repeat=needed + 2):
        text = " ".join(signs)
        for breaching in range(1, needed + 1):
            for treat in TREATS:
                assert decide(points(text), needed, breaching, treat) == slow(text, needed, breaching, treat), text


@settings(max_examples=500, deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda needed: st.tuples(
            st.just(needed),
            st.integers(1, needed),
            st.lists(st.sampled_from("0X-?"), min_size=needed + 2, max_size=needed + 2),
        )
    ),
    st.sampled_from(TREATS),
)
def test_what_is_told_with_gaps_is_true_however_they_are_filled(case: tuple[int, int, list[str]], treat: Treat) -> None:
    """Where unseen points do not keep the alarm from a state, no value of theirs as newest points would have changed
    an alarm that needs no more points."""
    needed, breaching, signs = case
    state = decide(points(" ".join(signs)), needed, breaching, treat)
    if "?" not in signs:
        assert state == slow(" ".join(signs), needed, breaching, treat)
    elif state == A:
        worst = " ".join(signs).replace("?", "-")
        assert slow(worst, needed, breaching, "breaching" if treat == "breaching" else "missing") == A
    elif state == O:
        known = [one for one in signs if one in "0X"][-needed:]
        assert known.count("X") < breaching
    elif state == I:
        assert not {"0", "X"} & set(signs) and signs.count("-") >= needed


def test_percentiles_want_enough_values() -> None:
    assert few_samples("p99", 999) and not few_samples("p99", 1000)
    assert few_samples("p50", 19) and not few_samples("p50", 20)
    assert few_samples("p10", 99) and not few_samples("p10", 100)
    assert not few_samples("p100", 1) and not few_samples("tm99", 1) and not few_samples("pr(:5)", 1)
