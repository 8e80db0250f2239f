"""Ranges, and what is chosen from them: where a value stands, and what stands there."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.tuning import criteria, stopping
from clary.services.sagemaker.tuning.definitions import Definition
from clary.services.sagemaker.tuning.ranges import Axis, Scale, axes
from clary.services.sagemaker.tuning.strategies import Known, choose

SCALES: tuple[Scale, ...] = ("Linear", "Logarithmic", "ReverseLogarithmic")


@given(st.floats(0, 1), st.sampled_from(SCALES))
def test_a_number_stands_where_it_was_taken_from(place: float, scale: Scale) -> None:
    axis = Axis("x", 0.001, 0.999, scale)
    value = axis.at(place)
    assert 0.001 <= float(value) <= 0.999
    assert axis.place(value) == pytest.approx(place, abs=1e-6)


@given(st.floats(0, 1), st.sampled_from(SCALES[:2]), st.integers(1, 5), st.integers(6, 5000))
def test_a_whole_number_is_one_and_stands_among_those_that_are_it(
    place: float, scale: Scale, low: int, high: int
) -> None:
    axis = Axis("x", low, high, scale, whole=True)
    value = axis.at(place)
    assert low <= int(value) <= high
    there = axis.place(value)
    assert there is not None
    assert axis.at(there) == value


def test_whole_numbers_have_equal_shares() -> None:
    axis = Axis("x", 1, 4, "Linear", whole=True)
    drawn = [axis.at(step / 1000) for step in range(1000)]
    assert [drawn.count(str(value)) for value in range(1, 5)] == [250] * 4
    assert (axis.at(0.0), axis.at(1.0)) == ("1", "4")


def test_by_magnitude_each_power_has_its_share() -> None:
    axis = Axis("x", 0.001, 1.0, "Logarithmic")
    drawn = [float(axis.at(step / 999)) for step in range(1000)]
    assert [sum(low <= one < 10 * low for one in drawn) for low in (0.001, 0.01, 0.1)] == pytest.approx(
        [333] * 3, abs=2
    )
    near_one = Axis("x", 0.0, 0.999, "ReverseLogarithmic")
    drawn = [1 - float(near_one.at(step / 999)) for step in range(1000)]
    assert [sum(low < one <= 10 * low for one in drawn) for low in (0.001, 0.01, 0.1)] == pytest.approx(
        [333] * 3, abs=2
    )


@pytest.mark.parametrize(
    ("low", "high", "scale"), [("0.001", "1", "Logarithmic"), ("0.01", "1", "Linear"), ("0", "5000", "Linear")]
)
def test_auto_goes_by_magnitude_where_the_range_does(low: str, high: str, scale: str) -> None:
    (axis,) = axes(
        {"ContinuousParameterRanges": [{"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": "Auto"}]}
    )
    assert axis.scale == scale


def test_what_is_outside_stands_nowhere() -> None:
    assert Axis("x", 0.0, 1.0).place("1.5") is None
    assert Axis("x", 0.0, 1.0).place("deep") is None
    assert Axis("x", values=("a", "b")).place("c") is None


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "nan", "MaxValue": "1"}]}, "is no number: 'nan'"),
        ({"CategoricalParameterRanges": [{"Name": "x", "Values": ["a", "a"]}]}, "the same category twice"),
        (
            {
                "CategoricalParameterRanges": [{"Name": "x", "Values": ["a"]}],
                "IntegerParameterRanges": [{"Name": "x", "MinValue": "1", "MaxValue": "2"}],
            },
            "two ranges of the hyperparameter 'x'",
        ),
        (
            {
                "IntegerParameterRanges": [
                    {"Name": "x", "MinValue": "0", "MaxValue": "2", "ScalingType": "ReverseLogarithmic"}
                ]
            },
            "needs a continuous range in",
        ),
    ],
)
def test_ranges_that_cannot_be_are_refused(ranges: Doc, sentence: str) -> None:
    with pytest.raises(ValidationException, match=sentence):
        axes(ranges)


def test_ranges_of_autotune_are_refused_by_name() -> None:
    with pytest.raises(NotImplementedHere, match="Autotune"):
        axes({"AutoParameters": [{"Name": "x", "ValueHint": "1"}]})


def tuning(**config: Any) -> Resource:
    said = {"ResourceLimits": {"MaxNumberOfTrainingJobs": 20}, "RandomSeed": 1, **config}
    return Resource("k", "job", "1", "r", uid="u", spec={"HyperParameterTuningJobConfig": said})


def trial(number: int, value: float | None, phase: str = "Completed", **tuned: str) -> Resource:
    status: Doc = {"ObjectiveStatus": "Failed", "TrainingEndTime": float(number)}
    if value is not None:
        told = {"MetricName": "m", "Value": value}
        status |= {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": told}
    spec = {"Number": number, "Definition": 0, "TunedHyperParameters": tuned}
    return Resource("t", str(number), "1", "r", uid=str(number), phase=phase, spec=spec, status=status)


async def test_few_combinations_are_not_tried_twice_before_all_were() -> None:
    three = Definition(0, "", {}, {"Type": "Minimize", "MetricName": "m"}, (Axis("x", values=("a", "b", "c")),))
    made: list[Resource] = []
    for number in range(1, 4):
        drawn = await choose("Random", Known(three, made), tuning(), number, None)
        made.append(trial(number, 1.0, **drawn))
    assert {one.spec["TunedHyperParameters"]["x"] for one in made} == {"a", "b", "c"}
    assert (await choose("Random", Known(three, made), tuning(), 4, None))["x"] in "abc"


async def test_the_first_bayesian_trials_lie_apart() -> None:
    flat = Definition(0, "", {}, {"Type": "Minimize", "MetricName": "m"}, (Axis("x", 0.0, 1.0), Axis("y", 0.0, 1.0)))
    made: list[Resource] = []
    for number in range(1, 7):
        drawn = await choose("Bayesian", Known(flat, made), tuning(), number, None)
        made.append(trial(number, None, phase="Failed", **drawn))
    points = [tuple(float(one) for one in row.spec["TunedHyperParameters"].values()) for row in made]
    assert min(max(abs(a - b) for a, b in zip(p, q, strict=True)) for p, q in itertools.combinations(points, 2)) > 0.12


def test_the_best_is_the_least_or_the_most() -> None:
    rows = [trial(1, 3.0), trial(2, None, phase="Failed"), trial(3, 1.0), trial(4, 1.0)]
    least, most = criteria.best(rows, True), criteria.best(rows, False)
    assert (least and least.name, most and most.name) == ("3", "1")
    assert criteria.best([rows[1]], True) is None


def test_a_hundredth_is_an_improvement_and_less_is_none() -> None:
    values = [10.0, 9.95, 9.91, 9.8, 9.79, 9.78]
    counts = [criteria.not_improving([trial(n, v) for n, v in enumerate(values[:end])], True) for end in range(1, 7)]
    assert counts == [0, 1, 2, 0, 1, 2]
    upwards = [trial(n, -v) for n, v in enumerate(values)]
    assert criteria.not_improving(upwards, False) == 2


def test_the_median_rule_compares_at_the_same_epoch() -> None:
    others = [[0.9, 0.5, 0.1], [0.8, 0.6, 0.2], [0.7, 0.4, 0.3, 0.2]]
    assert stopping.below_median([0.85], others)
    assert not stopping.below_median([0.75], others)
    assert stopping.below_median([0.75, 0.71], others)
    assert not stopping.below_median([0.75, 0.65], others)
    assert not stopping.below_median([9.0], others[:2])
    assert not stopping.below_median([9.0] * 4, others)
    assert not stopping.below_median([], others)


def test_hyperband_lets_a_third_go_on() -> None:
    others = [[value] * 3 for value in (0.1, 0.2, 0.3, 0.4, 0.5)]
    assert not stopping.out_of_band([0.15], others, [1, 3], 9)
    assert stopping.out_of_band([0.25], others, [1, 3], 9)
    assert not stopping.out_of_band([0.25], others, [3], 9)
    assert not stopping.out_of_band([9.0], others[:1], [1, 3], 9)
    assert stopping.out_of_band([0.01] * 9, [], [1, 3], 9)


def test_hyperbands_brackets_begin_later_for_fewer() -> None:
    found = [tuple(stopping.rungs(1, 81, 3, number)) for number in range(400)]
    assert set(found) == {(1, 3, 9, 27), (3, 9, 27), (9, 27), (27,)}
    counts = [found.count(one) for one in sorted(set(found), key=len, reverse=True)]
    assert counts == sorted(counts, reverse=True)
    assert found == [tuple(stopping.rungs(1, 81, 3, number)) for number in range(400)]


@pytest.mark.parametrize(
    ("config", "static", "found"),
    [
        ({"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 2, "MaxResource": 50}}}, {}, (2, 50)),
        ({}, {"n_epochs": "30", "epochs": "20"}, (1, 20)),
        ({}, {"num_round": "30"}, (1, None)),
    ],
)
def test_hyperbands_resources_are_said_or_inferred(config: Doc, static: Doc, found: tuple[int, int | None]) -> None:
    assert stopping.resources(config, static) == found
