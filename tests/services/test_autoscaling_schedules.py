"""Scheduled actions: moments, zones, bounds, refusals, through boto3."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.autoscaling_house import NAMED, RESOURCE, ScalingHouse, scaling_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

NAMESPACE = {"ServiceNamespace": "sagemaker"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScalingHouse]:
    with scaling_house(tmp_path, monkeypatch) as made:
        yield made


def targets(house: ScalingHouse) -> list[Any]:
    return list(house.aas.describe_scalable_targets(**NAMESPACE)["ScalableTargets"])


def action(house: ScalingHouse, name: str = "a", **more: Any) -> None:
    house.aas.put_scheduled_action(**NAMED, ScheduledActionName=name, **more)


def scheduled(house: ScalingHouse) -> list[Any]:
    return list(house.aas.describe_scheduled_actions(**NAMESPACE)["ScheduledActions"])


def test_a_moment_sets_the_bounds(house: ScalingHouse) -> None:
    """The clock begins at 2026-11-21 18:00 UTC."""
    house.register(1, 4)
    action(house, Schedule="at(2026-11-21T18:10:00)", ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 10})
    [one] = scheduled(house)
    where = f":resource/sagemaker/{RESOURCE}:scheduledActionName/a"
    assert one["ScheduledActionARN"].startswith(f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scheduledAction:")
    assert one["ScheduledActionARN"].endswith(where)
    house.advance(590)
    assert house.changes == []
    house.advance(20)
    assert house.changes == [2]
    bounds, count = house.activities()
    assert bounds["Description"] == "Setting min capacity to 2 and max capacity to 10"
    assert bounds["Cause"] == "scheduled action name a was triggered"
    assert bounds["StatusMessage"] == "Successfully set min capacity to 2 and max capacity to 10"
    assert count["Cause"] == "minimum capacity was set to 2"
    assert targets(house)[0]["MaxCapacity"] == 10
    house.advance(4000)
    assert house.changes == [2]
    house.aas.delete_scheduled_action(**NAMED, ScheduledActionName="a")
    assert scheduled(house) == []


def test_a_cron_of_another_time_zone(house: ScalingHouse) -> None:
    house.register(1, 9)
    zone = "America/Sao_Paulo"  # three hours behind: there it is 15:00
    action(house, Schedule="cron(30 15 * * ? *)", Timezone=zone, ScalableTargetAction={"MinCapacity": 3})
    house.advance(1790)
    assert house.changes == []
    house.advance(20)
    assert house.changes == [3]


def test_a_rate_between_its_start_and_its_end(house: ScalingHouse) -> None:
    house.register(1, 9)
    start = house.clock.now() + 600
    times = {one: datetime.fromtimestamp(at, UTC) for one, at in (("StartTime", start), ("EndTime", start + 400))}
    action(house, Schedule="rate(5 minutes)", ScalableTargetAction={"MinCapacity": 2}, **times)
    house.advance(610)
    house.change(DesiredInstanceCount=1, CurrentInstanceCount=1)
    house.advance(280)
    assert house.changes == [2]
    house.advance(20)
    assert house.changes == [2, 2]
    house.change(DesiredInstanceCount=1, CurrentInstanceCount=1)
    house.advance(1000)
    assert house.changes == [2, 2]


def test_a_moment_that_was_slept_through_counts_once(house: ScalingHouse) -> None:
    house.register(1, 9)
    action(house, Schedule="rate(5 minutes)", ScalableTargetAction={"MinCapacity": 2})
    house.jump(3600)
    house.settle()
    assert house.changes == [2]
    assert len([one for one in house.activities() if one["Cause"].startswith("scheduled")]) == 1


def test_scheduled_scaling_can_be_suspended_and_its_bounds_can_be_wrong(house: ScalingHouse) -> None:
    house.register(1, 4, SuspendedState={"ScheduledScalingSuspended": True})
    action(house, Schedule="rate(5 minutes)", ScalableTargetAction={"MinCapacity": 6})
    house.advance(310)
    assert house.activities() == []
    house.register(1, 4, SuspendedState={"ScheduledScalingSuspended": False})
    house.advance(310)
    [one] = house.activities()
    assert one["StatusCode"] == "Failed" and "Maximum capacity cannot be less than minimum" in one["StatusMessage"]
    assert house.changes == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ScalableTargetAction": {"MinCapacity": 1}}, "Schedule is required"),
        ({"Schedule": "rate(5 minutes)"}, "must set MinCapacity"),
        ({"Schedule": "rate(5 minutes)", "ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}, "less than"),
        ({"Schedule": "rate(5 minute)", "ScalableTargetAction": {"MinCapacity": 3}}, "rate(5 minute)"),
        ({"Schedule": "at(2020-01-01T00:00:00)", "ScalableTargetAction": {"MinCapacity": 3}}, "never fires"),
        (
            {"Schedule": "cron(0 0 * * ? *)", "Timezone": "Mars/Base", "ScalableTargetAction": {"MinCapacity": 3}},
            "Timezone 'Mars/Base'",
        ),
    ],
    ids=["no-schedule", "no-bounds", "bounds", "rate", "past", "zone"],
)
def test_a_scheduled_action_that_cannot_be_is_refused(house: ScalingHouse, given: dict[str, Any], words: str) -> None:
    house.register()
    with refused("ValidationException", words):
        action(house, **given)
    assert scheduled(house) == []
