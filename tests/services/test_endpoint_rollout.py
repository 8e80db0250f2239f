"""The stages of an update, as plain arithmetic: how many instances, which share of the traffic, in which order."""

from itertools import pairwise

import pytest

from clary.aws.errors import ValidationException
from clary.kernel.resource import Doc
from clary.services.sagemaker.endpoints import rollout

COUNT = "INSTANCE_COUNT"
PERCENT = "CAPACITY_PERCENT"


def deployment(generation: int, *counts: int, **more: float) -> Doc:
    variants = [{"name": f"v{n}", "count": count, "weight": 1.0} for n, count in enumerate(counts)]
    return {"generation": generation, "variants": variants, **more}


def blue_green(kind: str, wait: int = 0, **sizes: Doc) -> Doc:
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}}
    }


def rolling(kind: str, value: int, **more: object) -> Doc:
    size = {"Type": kind, "Value": value}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 0, **more}}


def shares(config: Doc, *counts: int) -> list[list[float]]:
    found = rollout.stages(config, deployment(1, *counts), deployment(2, *counts))
    return [[round(one, 6) for one in stage.share.values()] for stage in found]


def test_all_at_once_is_one_stage() -> None:
    assert shares({}, 2) == [[1.0]]
    assert shares(blue_green("ALL_AT_ONCE", 600), 2, 3) == [[1.0, 1.0]]


def test_a_canary_is_two_stages_whatever_its_size() -> None:
    assert shares(blue_green("CANARY", CanarySize={"Type": PERCENT, "Value": 10}), 1) == [[0.1], [1.0]]
    assert shares(blue_green("CANARY", CanarySize={"Type": COUNT, "Value": 1}), 4, 2) == [[0.25, 0.5], [1.0, 1.0]]


def test_linear_steps_add_up_to_all() -> None:
    assert shares(blue_green("LINEAR", LinearStepSize={"Type": PERCENT, "Value": 30}), 1) == [[0.3], [0.6], [0.9], [1]]
    tenths = shares(blue_green("LINEAR", LinearStepSize={"Type": PERCENT, "Value": 10}), 1)
    assert len(tenths) == 10
    assert tenths[-1] == [1.0]
    assert shares(blue_green("LINEAR", LinearStepSize={"Type": COUNT, "Value": 1}), 3, 2) == [
        [0.333333, 0.5],
        [0.666667, 1.0],
        [1.0, 1.0],
    ]


def test_a_rolling_update_never_has_more_than_a_batch_too_many() -> None:
    old, new = deployment(1, 5), deployment(2, 5)
    found = rollout.stages(rolling(COUNT, 2), old, new)
    assert [(stage.new["v0"], stage.old["v0"], stage.share["v0"]) for stage in found] == [
        (2, 5, 0.4),
        (4, 3, 0.8),
        (5, 1, 1.0),
    ]
    for percent in range(5, 51):
        for count in range(1, 12):
            stages = rollout.stages(rolling(PERCENT, percent), deployment(1, count), deployment(2, count))
            assert stages[-1].share["v0"] == 1.0
            assert all(stage.new["v0"] + stage.old["v0"] > count for stage in stages)
            assert all(stage.old["v0"] >= count - before.new["v0"] for before, stage in pairwise(stages))


def test_the_way_back_is_one_stage_unless_batches_are_asked() -> None:
    old, new = deployment(1, 4), deployment(2, 4)
    config = rolling(COUNT, 1)
    (only,) = rollout.stages_back(config, old, new, 2)
    assert (dict(only.new), dict(only.old), only.share["v0"]) == ({"v0": 3}, {}, 0.0)
    (only,) = rollout.stages_back(config, old, new, -1)
    assert (dict(only.new), dict(only.old), only.share["v0"]) == ({"v0": 0}, {}, 0.0)
    batches = rolling(COUNT, 1, RollbackMaximumBatchSize={"Type": COUNT, "Value": 2})
    found = rollout.stages_back(batches, old, new, 2)  # three quarters were there
    assert [(stage.new["v0"], stage.old["v0"], stage.share["v0"]) for stage in found] == [(3, 3, 0.25), (1, 4, 0.0)]


def test_variants_may_come_and_go() -> None:
    old, new = deployment(1, 2, 2), deployment(2, 4)
    (one, two, three, four) = rollout.stages(rolling(PERCENT, 25), old, new)
    assert [stage.new for stage in (one, two, three, four)] == [{"v0": 1}, {"v0": 2}, {"v0": 3}, {"v0": 4}]
    assert [stage.old["v1"] for stage in (one, two, three, four)] == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("config", "counts", "why"),
    [
        (blue_green("CANARY"), (2,), "CANARY needs the member CanarySize"),
        (blue_green("LINEAR", CanarySize={"Type": COUNT, "Value": 1}), (2,), "CanarySize does not go with"),
        (blue_green("CANARY", CanarySize={"Type": PERCENT, "Value": 51}), (2,), "at most 50 percent"),
        (blue_green("CANARY", CanarySize={"Type": COUNT, "Value": 1}), (1,), "at most 50 percent of the instances"),
        (blue_green("LINEAR", LinearStepSize={"Type": PERCENT, "Value": 9}), (2,), "between 10 and 50 percent"),
        (rolling(PERCENT, 4), (2,), "between 5 and 50 percent"),
        (rolling(COUNT, 2), (4, 2), "variant 'v1', which are 2"),
        ({**rolling(COUNT, 1), **blue_green("ALL_AT_ONCE")}, (2,), "not both"),
        (rolling(COUNT, 1, MaximumExecutionTimeoutInSeconds=600, WaitIntervalInSeconds=300), (2,), "larger than all"),
    ],
)
def test_what_cannot_be_is_refused_in_words(config: Doc, counts: tuple[int, ...], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        rollout.check(config, deployment(2, *counts))
