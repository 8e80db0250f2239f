"""Triggers of Glue: by hand, by schedule, and by the ends of runs and crawls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Work
from clary.kernel import ids
from clary.kernel.resource import Resource
from clary.services.glue.crawlers.rows import CRAWL, CRAWLER
from tests.glue_house import House
from tests.sagemaker_house import ACCOUNT, REGION

pytestmark = pytest.mark.asyncio


def well(uid: str, work: Work, root: Path) -> int:
    return 0


def badly(uid: str, work: Work, root: Path) -> int:
    return 1


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, behave=well)
    yield made
    made.close()


def on(job: str, state: str = "SUCCEEDED") -> dict[str, str]:
    return {"LogicalOperator": "EQUALS", "JobName": job, "State": state}


async def trigger(house: House, *conditions: Any, logical: str = "AND", job: str = "after", **more: Any) -> None:
    asked = {
        "Name": "t",
        "Type": "CONDITIONAL",
        "Predicate": {"Logical": logical, "Conditions": list(conditions)},
        "Actions": [{"JobName": job, "Arguments": {"--why": "trigger"}}],
        "StartOnCreation": True,
        **more,
    }
    await house.call("CreateTrigger", **{name: value for name, value in asked.items() if value is not None})


def started(house: House, job: str = "after") -> int:
    return sum(one.spec["JobName"] == job for one in house.runs())


async def test_one_on_demand_starts_its_jobs(house: House) -> None:
    await house.job("a")
    await house.job("b")
    actions = [{"JobName": "a", "Arguments": {"--x": "1"}, "Timeout": 7}, {"JobName": "b"}]
    await house.call("CreateTrigger", Name="t", Type="ON_DEMAND", Actions=actions, Tags={"team": "x"})
    assert (await house.call("GetTrigger", Name="t"))["Trigger"]["State"] == "CREATED"
    await house.call("StartTrigger", Name="t")
    first, second = sorted(house.runs(), key=lambda one: str(one.spec["JobName"]))
    shown = await house.shown(first.name, "a")
    assert (shown["TriggerName"], shown["Arguments"], shown["Timeout"]) == ("t", {"--x": "1"}, 7)
    assert second.spec["JobName"] == "b"
    with pytest.raises(ServiceError) as caught:
        await house.call("StartTrigger", Name="t")
    assert caught.value.error_code == "ConcurrentRunsExceededException"


async def test_a_scheduled_one_fires_at_each_of_its_moments(house: House) -> None:
    await house.job("a")
    asked = {"Name": "t", "Type": "SCHEDULED", "Schedule": "cron(0/10 * * * ? *)", "Actions": [{"JobName": "a"}]}
    await house.call("CreateTrigger", **asked)
    await house.run(1300.0)
    assert started(house, "a") == 0  # it is not active yet
    await house.call("StartTrigger", Name="t")
    assert (await house.call("GetTrigger", Name="t"))["Trigger"]["State"] == "ACTIVATED"
    await house.run(1201.0)
    assert started(house, "a") == 2
    await house.call("StopTrigger", Name="t")
    await house.run(1300.0)
    assert started(house, "a") == 2
    assert (await house.call("GetTrigger", Name="t"))["Trigger"]["State"] == "DEACTIVATED"


async def test_a_conditional_one_fires_once_for_each_end_that_it_waits_for(house: House) -> None:
    await house.job("first")
    await house.job("after")
    await house.start("first")
    await house.run(10.0)  # before the trigger: it does not count
    await trigger(house, on("first"))
    await house.run(20.0)
    assert started(house) == 0
    await house.start("first")
    await house.run(1.0)
    assert started(house) == 1  # at once: it is told
    await house.run(60.0)
    assert started(house) == 1
    house.runner.behave = badly
    await house.start("first")
    await house.run(20.0)
    assert started(house) == 1
    house.runner.behave = well
    await house.start("first")
    await house.run(20.0)
    assert started(house) == 2


async def test_all_of_several_conditions_are_waited_for_anew_each_time(house: House) -> None:
    for name in ("a", "b", "after"):
        await house.job(name)
    await trigger(house, on("a"), on("b", "FAILED"))
    await house.start("a")
    await house.run(20.0)
    assert started(house) == 0
    house.runner.behave = badly
    await house.start("b")
    await house.run(1.0)
    house.runner.behave = well
    await house.run(20.0)
    assert started(house) == 1
    await house.start("a")
    await house.run(20.0)
    assert started(house) == 1


async def test_any_of_several_conditions_is_enough(house: House) -> None:
    for name in ("a", "b", "after"):
        await house.job(name)
    await trigger(house, on("a"), on("b"), logical="ANY")
    for name in ("a", "b"):
        await house.start(name)
        await house.run(20.0)
    assert started(house) == 2


async def test_a_run_that_is_tried_again_has_not_come_to_its_end(house: House) -> None:
    await house.job("a", MaxRetries=1)
    await house.job("after")
    await trigger(house, on("a", "FAILED"))
    house.runner.behave = badly
    await house.start("a")
    await house.run(30.0)
    assert started(house, "a") == 2 and started(house) == 1


async def test_the_end_of_a_crawl_is_heard(house: House) -> None:
    await house.job("after")
    await trigger(house, {"LogicalOperator": "EQUALS", "CrawlerName": "c", "CrawlState": "SUCCEEDED"})
    crawler = Resource(CRAWLER, "c", ACCOUNT, REGION, uid=ids.new(), phase="READY")
    house.store.create(crawler)
    crawl = Resource(CRAWL, "one", ACCOUNT, REGION, uid=ids.new(), phase="RUNNING", parent=crawler.uid)
    row = house.store.create(crawl)
    await house.run(12.0)
    assert started(house) == 0
    house.store.update(row, phase="COMPLETED")
    await house.run(12.0)
    assert started(house) == 1


async def test_triggers_are_updated_listed_and_deleted(house: House) -> None:
    await house.job("a")
    await house.job("after")
    await trigger(house, on("a"), Tags={"team": "x"}, Description="old")
    update = {"Description": "new", "Actions": [{"JobName": "a"}]}
    shown = (await house.call("UpdateTrigger", Name="t", TriggerUpdate=update))["Trigger"]
    assert (shown["Description"], shown["State"], shown["Type"]) == ("new", "ACTIVATED", "CONDITIONAL")
    assert (await house.call("ListTriggers", Tags={"team": "x"}))["TriggerNames"] == ["t"]
    assert [one["Name"] for one in (await house.call("GetTriggers", DependentJobName="a"))["Triggers"]] == ["t"]
    found = await house.call("BatchGetTriggers", TriggerNames=["t", "u"])
    assert len(found["Triggers"]) == 1 and found["TriggersNotFound"] == ["u"]
    assert await house.call("DeleteTrigger", Name="t") == {"Name": "t"}
    await house.run(10.0)
    assert await house.call("DeleteTrigger", Name="t") == {"Name": "t"}


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"Type": "EVENT", "Predicate": None}, "InvalidInputException", "EventBridge"),
        ({"WorkflowName": "w"}, "InvalidInputException", "workflows are not served"),
        ({"Actions": []}, "InvalidInputException", "at least one action"),
        ({"Actions": [{"JobName": "after", "CrawlerName": "c"}]}, "InvalidInputException", "either"),
        ({"Actions": [{"JobName": "none"}]}, "EntityNotFoundException", "none"),
        ({"Schedule": "cron(0 0 * * ? *)"}, "InvalidInputException", "SCHEDULED"),
        ({"Predicate": None}, "InvalidInputException", "CONDITIONAL"),
        ({"Type": "SCHEDULED", "Schedule": "cron(0 0)", "Predicate": None}, "InvalidInputException", "cron"),
        ({"Type": "SCHEDULED", "Schedule": "rate(1 day)", "Predicate": None}, "InvalidInputException", "cron("),
        ({"Predicate": {"Conditions": [on("a", "RUNNING")]}}, "InvalidInputException", "SUCCEEDED, STOPPED"),
        ({"Predicate": {"Conditions": [on("a"), on("b")]}}, "InvalidInputException", "AND or ANY"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(house: House, more: Any, code: str, words: str) -> None:
    await house.job("after")
    with pytest.raises(ServiceError) as caught:
        await trigger(house, on("a"), **more)
    assert caught.value.error_code == code and words in caught.value.message
