"""Tuning jobs, driven by their reconciler: which training jobs they launch, and what they tell of them."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import ResourceInUse, ResourceNotFound
from tests.sagemaker_house import SKLEARN, channel
from tests.tuning_house import TuningHouse, definition, ranges, tells, tuning_config, tuning_request


def bowl(given: Doc) -> float:
    return (math.log10(float(given["eta"])) + 1) ** 2 + (int(given["max_depth"]) - 6) ** 2 / 30


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TuningHouse]:
    made = TuningHouse(tmp_path, behave=tells(bowl))
    made.objects.write("lake", "data/train/a.csv", b"1,2\n")
    yield made
    made.close()


async def test_a_tuning_job_runs_to_its_end(house: TuningHouse) -> None:
    answer = await house.call("CreateHyperParameterTuningJob", **tuning_request())
    assert answer["HyperParameterTuningJobArn"].endswith(":hyper-parameter-tuning-job/tune")
    before = await house.describe()
    assert before["HyperParameterTuningJobStatus"] == "InProgress"
    assert before["TrainingJobStatusCounters"]["Completed"] == 0
    await house.run(60.0)
    said = await house.describe()
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert said["TrainingJobStatusCounters"] == {
        "Completed": 4,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert said["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    assert said["HyperParameterTuningEndTime"] >= said["CreationTime"]
    assert said["ConsumedResources"]["RuntimeInSeconds"] == round(
        said["HyperParameterTuningEndTime"] - said["CreationTime"]
    )
    trials = await house.trials()
    assert [bool(re.fullmatch(rf"tune-00{n}-[0-9a-f]{{8}}", one["TrainingJobName"])) for n, one in enumerate(trials, 1)]
    assert len(trials) == 4
    objectives = [one["FinalHyperParameterTuningJobObjectiveMetric"] for one in trials]
    assert all((one["MetricName"], one["Type"]) == ("validation:rmse", "Minimize") for one in objectives)
    best = min(trials, key=lambda one: one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
    assert said["BestTrainingJob"] == best
    assert best["ObjectiveStatus"] == "Succeeded"
    assert best["TrainingStartTime"] <= best["TrainingEndTime"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(
        bowl(best["TunedHyperParameters"])
    )
    assert len(house.runner.starts()) == 4


async def test_a_trial_is_an_ordinary_training_job(house: TuningHouse) -> None:
    more = {"Environment": {"A": "b"}, "RetryStrategy": {"MaximumRetryAttempts": 2}, "EnableNetworkIsolation": True}
    tags = [{"Key": "team", "Value": "blue"}]
    await house.tune(TrainingJobDefinition=definition(**more), Tags=tags)
    (first, *_) = await house.trials()
    said = await house.call("DescribeTrainingJob", TrainingJobName=first["TrainingJobName"])
    assert said["TrainingJobArn"] == first["TrainingJobArn"]
    assert said["TuningJobArn"].endswith(":hyper-parameter-tuning-job/tune")
    assert said["TrainingJobStatus"] == first["TrainingJobStatus"] == "Completed"
    assert said["HyperParameters"] == {
        "num_round": "3",
        "eval_metric": "rmse",
        "_tuning_objective_metric": "validation:rmse",
        **first["TunedHyperParameters"],
    }
    assert set(first["TunedHyperParameters"]) == {"eta", "max_depth"}
    assert 0.01 <= float(first["TunedHyperParameters"]["eta"]) <= 1
    assert 1 <= int(first["TunedHyperParameters"]["max_depth"]) <= 9
    assert {name: said[name] for name in more} == more
    assert house.get("training-job", first["TrainingJobName"]).spec["Tags"] == tags


async def test_describe_adds_what_the_sdk_attaches_by(house: TuningHouse) -> None:
    cluster = {"InstanceConfigs": [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}]}
    less = definition(HyperParameterTuningResourceConfig={**cluster, "AllocationStrategy": "Prioritized"})
    del less["ResourceConfig"]
    said = (await house.tune(TrainingJobDefinition=less))["TrainingJobDefinition"]
    assert said["ResourceConfig"] == {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
    assert said["StaticHyperParameters"]["_tuning_objective_metric"] == "validation:rmse"
    assert {one["Name"] for one in said["AlgorithmSpecification"]["MetricDefinitions"]} > {"validation:rmse"}
    assert said["OutputDataConfig"]["KmsKeyId"] == ""


async def test_no_more_run_at_once_than_were_asked(house: TuningHouse) -> None:
    house.runner.behave = lambda uid, work, root: None
    await house.call(
        "CreateHyperParameterTuningJob", **tuning_request(config={"limits": {"MaxParallelTrainingJobs": 3}})
    )
    await house.run(30.0)
    said = await house.describe()
    assert said["TrainingJobStatusCounters"]["InProgress"] == said["ObjectiveStatusCounters"]["Pending"] == 3
    assert [one["TrainingJobStatus"] for one in await house.trials()] == ["InProgress"] * 3
    assert "BestTrainingJob" not in said


async def test_stop_ends_what_runs_and_launches_no_more(house: TuningHouse) -> None:
    house.runner.behave = lambda uid, work, root: None
    await house.call("CreateHyperParameterTuningJob", **tuning_request())
    await house.run(10.0)
    await house.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    await house.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert (await house.describe())["HyperParameterTuningJobStatus"] == "Stopping"
    await house.run(300.0)
    said = await house.describe()
    assert said["HyperParameterTuningJobStatus"] == "Stopped"
    assert said["TrainingJobStatusCounters"]["Stopped"] == 2
    assert said["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 2}
    assert len(house.runner.starts()) == 2
    with pytest.raises(ValidationException, match="in status Stopped"):
        await house.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")


async def test_failures_are_counted_and_do_not_end_it(house: TuningHouse) -> None:
    behave, fails = house.runner.behave, iter([1, 0, 1, 0])
    house.runner.behave = lambda uid, work, root: 3 if next(fails) else behave(uid, work, root)
    said = await house.tune(config={"limits": {"MaxParallelTrainingJobs": 1}})
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert said["TrainingJobStatusCounters"]["NonRetryableError"] == 2
    assert said["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 2}
    failed = await house.trials(StatusEquals="Failed")
    assert len(failed) == 2
    assert all(one["FailureReason"].startswith("AlgorithmError") for one in failed)


async def test_what_the_machine_did_is_retryable(house: TuningHouse) -> None:
    house.runner.behave = lambda uid, work, root: None
    await house.call("CreateHyperParameterTuningJob", **tuning_request())
    await house.run(10.0)
    house.runner.lose((await house.runner.uids())[0])
    await house.run(10.0)
    assert (await house.describe())["TrainingJobStatusCounters"]["RetryableError"] == 1


async def test_when_all_fail_it_fails_soon(house: TuningHouse) -> None:
    house.runner.behave = lambda uid, work, root: 1
    said = await house.tune(config={"limits": {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 1}})
    assert said["HyperParameterTuningJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert len(house.runner.starts()) == 5


async def test_an_objective_that_nobody_tells_fails_it(house: TuningHouse) -> None:
    house.runner.behave = lambda uid, work, root: 0
    said = await house.tune()
    assert said["FailureReason"].startswith("No objective metrics found after running 4 training jobs.")
    assert said["TrainingJobStatusCounters"]["Completed"] == 4
    assert said["ObjectiveStatusCounters"]["Failed"] == 4


async def test_a_training_job_that_may_not_be_made_fails_it(house: TuningHouse) -> None:
    await house.call("CreateHyperParameterTuningJob", **tuning_request())
    house.role = lambda arn: None  # type: ignore[method-assign,assignment]
    await house.run(60.0)
    said = await house.describe()
    assert said["HyperParameterTuningJobStatus"] == "Failed"
    assert said["FailureReason"].startswith(
        "ClientError: a training job could not be made: ValidationException: Could not"
    )
    assert await house.trials() == []


async def test_the_longest_time_ends_it(house: TuningHouse) -> None:
    house.runner.behave = lambda uid, work, root: None
    limits = {"MaxRuntimeInSeconds": 130, "MaxParallelTrainingJobs": 1}
    await house.call("CreateHyperParameterTuningJob", **tuning_request(config={"limits": limits}))
    await house.run(129.0)
    assert (await house.describe())["TrainingJobStatusCounters"]["InProgress"] == 1
    await house.run(10.0)
    said = await house.describe()
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert said["TrainingJobStatusCounters"]["Stopped"] == 1


@pytest.mark.parametrize(
    ("criteria", "count"),
    [
        ({"TargetObjectiveMetricValue": 100.0}, 1),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, 4),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, 11),
    ],
)
async def test_it_is_over_when_it_is_good_enough(house: TuningHouse, criteria: Doc, count: int) -> None:
    house.runner.behave = tells(lambda given: 1.0)
    limits = {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 1}
    said = await house.tune(config={"limits": limits, "TuningJobCompletionCriteria": criteria})
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert said["TrainingJobStatusCounters"]["Completed"] == count
    details = said["TuningJobCompletionDetails"]
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == count - 1
    assert ("ConvergenceDetectedTime" in details) == (count == 11)


async def test_grid_tries_every_combination_once(house: TuningHouse) -> None:
    house.runner.behave = tells(lambda given: float(given["a"]) + float(given["b"]))
    said = [{"Name": "a", "Values": ["1", "2", "3"]}, {"Name": "b", "Values": ["10", "20"]}]
    config = {"Strategy": "Grid", "ParameterRanges": {"CategoricalParameterRanges": said}}
    wanted = tuning_request(config=config)
    del wanted["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    await house.call("CreateHyperParameterTuningJob", **wanted)
    await house.run(600.0)
    tried = [one["TunedHyperParameters"] for one in await house.trials()]
    assert tried == [{"a": a, "b": b} for a in "123" for b in ("10", "20")]
    assert (await house.describe())["BestTrainingJob"]["TunedHyperParameters"] == {"a": "1", "b": "10"}


async def test_a_seed_makes_the_same_trials(tmp_path: Path) -> None:
    tried = []
    for number, (strategy, seed) in enumerate(
        [("Random", 1), ("Random", 1), ("Random", 2), ("Bayesian", 1), ("Bayesian", 1)]
    ):
        place = tmp_path / str(number)
        place.mkdir()
        house = TuningHouse(place, behave=tells(bowl))
        house.objects.write("lake", "data/train/a.csv", b"1,2\n")
        limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 1}
        await house.tune(config={"Strategy": strategy, "RandomSeed": seed, "limits": limits})
        tried.append([one["TunedHyperParameters"] for one in await house.trials()])
        house.close()
    assert tried[0] == tried[1]
    assert tried[0] != tried[2]
    assert tried[3] == tried[4]
    assert all(len(one) == 8 for one in tried)


async def test_bayesian_learns_from_those_that_ended_and_keeps_off_those_that_run(house: TuningHouse) -> None:
    limits = {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2}
    said = await house.tune(config={"Strategy": "Bayesian", "limits": limits})
    assert said["TrainingJobStatusCounters"]["Completed"] == 20
    assert len(house.search.asked) >= 13
    last = house.search.asked[-1]
    assert last.axes == [0, 0]
    assert len(last.tried) >= 18
    assert {round(value, 6) for _, value in last.tried} <= {
        round(one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], 6) for one in await house.trials()
    }
    assert any(question.running for question in house.search.asked)
    assert said["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] < 0.15


async def test_what_is_maximized_is_the_negative(house: TuningHouse) -> None:
    house.runner.behave = tells(lambda given: -bowl(given))
    objective = {"Type": "Maximize", "MetricName": "validation:rmse"}
    limits = {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 1}
    config = {"Strategy": "Bayesian", "limits": limits, "HyperParameterTuningJobObjective": objective}
    said = await house.tune(config=config)
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in await house.trials()]
    assert said["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(values)
    assert min(value for _, value in house.search.asked[-1].tried) == pytest.approx(-max(values[:-1]))


async def test_several_definitions_take_turns(house: TuningHouse) -> None:
    house.runner.behave = tells(lambda given: bowl({"eta": "0.5", "max_depth": "5", **given}))
    objective = {"Type": "Minimize", "MetricName": "validation:rmse"}
    parts = ranges()
    several = [
        definition(DefinitionName="one", TuningObjective=objective, HyperParameterRanges={key: parts[key]})
        for key in parts
    ]
    several[1]["DefinitionName"] = "two"
    config = tuning_config()
    for member in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        del config[member]
    wanted = tuning_request(TrainingJobDefinitions=several, HyperParameterTuningJobConfig=config)
    del wanted["TrainingJobDefinition"]
    await house.call("CreateHyperParameterTuningJob", **wanted)
    await house.run(60.0)
    trials = await house.trials()
    assert [one["TrainingJobDefinitionName"] for one in trials] == ["one", "two", "one", "two"]
    assert [list(one["TunedHyperParameters"]) for one in trials] == [["eta"], ["max_depth"]] * 2
    said = await house.describe()
    assert [one["DefinitionName"] for one in said["TrainingJobDefinitions"]] == ["one", "two"]
    assert "TrainingJobDefinition" not in said


@pytest.mark.parametrize("kind", ["IdenticalDataAndAlgorithm", "TransferLearning"])
async def test_a_warm_start_begins_with_what_its_parents_know(house: TuningHouse, kind: str) -> None:
    limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 2}
    parent = await house.tune("parent", config={"limits": limits})
    warm = {"WarmStartType": kind, "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}]}
    house.runner.behave = tells(lambda given: 10 + bowl(given))
    said = await house.tune("child", config={"Strategy": "Bayesian"}, WarmStartConfig=warm)
    first = house.search.asked[0]
    assert (len(first.tried), len(first.axes)) == (8, 2)
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in await house.trials("parent")]
    told = sorted(value for _, value in first.tried)
    if kind == "IdenticalDataAndAlgorithm":
        assert told == pytest.approx(sorted(values))
        assert said["OverallBestTrainingJob"] == parent["BestTrainingJob"]
    else:
        assert told != pytest.approx(sorted(values))
        assert "OverallBestTrainingJob" not in said
    assert said["BestTrainingJob"]["TuningJobName"] == "child"


async def test_what_a_parent_had_fixed_is_known_where_it_was_fixed(house: TuningHouse) -> None:
    parts = ranges()
    whole = {"IntegerParameterRanges": parts["IntegerParameterRanges"]}
    fixed = definition(StaticHyperParameters={"num_round": "3", "eta": "0.1"})
    limits = {"MaxNumberOfTrainingJobs": 8}
    await house.tune("parent", config={"limits": limits, "ParameterRanges": whole}, TrainingJobDefinition=fixed)
    parent = [{"HyperParameterTuningJobName": "parent"}]
    warm = {"WarmStartType": "IdenticalDataAndAlgorithm", "ParentHyperParameterTuningJobs": parent}
    free = definition(StaticHyperParameters={"num_round": "3"})
    await house.tune("child", config={"Strategy": "Bayesian"}, WarmStartConfig=warm, TrainingJobDefinition=free)
    assert {point[1] for point, _ in house.search.asked[0].tried} == {0.5}
    less = definition(StaticHyperParameters={})
    wanted = tuning_request("other", WarmStartConfig=warm, TrainingJobDefinition=less)
    wanted["HyperParameterTuningJobConfig"]["ParameterRanges"] = whole
    with pytest.raises(ValidationException, match="must be as many as in the parent tuning job 'parent': 3, not 1"):
        await house.call("CreateHyperParameterTuningJob", **wanted)


async def test_lists_are_sorted_filtered_and_paged(house: TuningHouse) -> None:
    await house.tune(config={"limits": {"MaxNumberOfTrainingJobs": 7}})
    whole = await house.trials(SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in whole]
    assert values == sorted(values, reverse=True)
    for by in ("Name", "CreationTime", "Status", "FinalObjectiveMetricValue"):
        asked: Doc = {"HyperParameterTuningJobName": "tune", "SortBy": by, "SortOrder": "Descending", "MaxResults": 3}
        pages = [await house.call("ListTrainingJobsForHyperParameterTuningJob", **asked)]
        while "NextToken" in pages[-1]:
            token = pages[-1]["NextToken"]
            pages.append(await house.call("ListTrainingJobsForHyperParameterTuningJob", **asked, NextToken=token))
        names = [one["TrainingJobName"] for page in pages for one in page["TrainingJobSummaries"]]
        assert len(set(names)) == len(names) == 7
        assert [len(page["TrainingJobSummaries"]) for page in pages] == [3, 3, 1]
        with pytest.raises(ValidationException, match="Invalid NextToken"):
            other = {**asked, "SortOrder": "Ascending", "NextToken": pages[0]["NextToken"]}
            await house.call("ListTrainingJobsForHyperParameterTuningJob", **other)
    (listed,) = (await house.call("ListHyperParameterTuningJobs", StatusEquals="Completed"))[
        "HyperParameterTuningJobSummaries"
    ]
    assert listed["TrainingJobStatusCounters"]["Completed"] == 7
    assert (listed["Strategy"], listed["HyperParameterTuningJobName"]) == ("Random", "tune")


async def test_delete_forgets_the_job_and_leaves_what_it_trained(house: TuningHouse) -> None:
    await house.tune()
    (first, *_) = await house.trials()
    await house.call("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    for operation in ("Describe", "Stop", "Delete"):
        with pytest.raises(ResourceNotFound, match="'tune'"):
            await house.call(f"{operation}HyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert house.count("tuning-trial") == 0
    said = await house.call("DescribeTrainingJob", TrainingJobName=first["TrainingJobName"])
    assert said["TrainingJobStatus"] == "Completed"
    again = await house.tune()
    assert again["TrainingJobStatusCounters"]["Completed"] == 4


async def test_a_running_job_is_not_deleted_and_no_name_given_twice(house: TuningHouse) -> None:
    await house.call("CreateHyperParameterTuningJob", **tuning_request())
    with pytest.raises(ValidationException, match="in status InProgress: stop it"):
        await house.call("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    with pytest.raises(ResourceInUse):
        await house.call("CreateHyperParameterTuningJob", **tuning_request())


def metric(name: str = "mine") -> Doc:
    return {"Name": name, "Regex": r"mine=([0-9.]+)"}


def algorithm(**more: Any) -> Doc:
    return {"TrainingImage": SKLEARN, "TrainingInputMode": "File", **more}


@pytest.mark.parametrize(
    ("config", "more", "sentence"),
    [
        (
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:nothing"}},
            {},
            "isn't valid",
        ),
        ({}, {"TrainingJobDefinition": definition(AlgorithmSpecification=algorithm())}, "A metric is required"),
        (
            {},
            {"TrainingJobDefinition": definition(AlgorithmSpecification=algorithm(MetricDefinitions=[metric()]))},
            "A metric is required",
        ),
        ({"Strategy": "Grid"}, {}, "ranges of categories only"),
        ({"Strategy": "Hyperband"}, {}, "needs HyperbandStrategyConfig.MaxResource"),
        ({"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 3}}}, {}, "for the strategy Hyperband only"),
        (
            {"ParameterRanges": {"IntegerParameterRanges": [{"Name": "a", "MinValue": "1.5", "MaxValue": "3"}]}},
            {},
            "MinValue of the hyperparameter 'a' is no integer",
        ),
        (
            {"ParameterRanges": {"IntegerParameterRanges": [{"Name": "a", "MinValue": "3", "MaxValue": "3"}]}},
            {},
            "must be less than its MaxValue",
        ),
        (
            {
                "ParameterRanges": {
                    "ContinuousParameterRanges": [
                        {"Name": "a", "MinValue": "0", "MaxValue": "3", "ScalingType": "Logarithmic"}
                    ]
                }
            },
            {},
            "needs a MinValue above 0",
        ),
        ({"ParameterRanges": {}}, {}, "between 1 and 30 ranges"),
        ({}, {"TrainingJobDefinition": definition(StaticHyperParameters={"eta": "1"})}, "either tuned or static"),
        ({}, {"TrainingJobDefinitions": [definition()]}, "and not both"),
        (
            {},
            {"TrainingJobDefinition": definition(TuningObjective={"Type": "Minimize", "MetricName": "x"})},
            "not both",
        ),
        ({}, {"TrainingJobDefinition": definition(InputDataConfig=[channel("a"), channel("a")])}, "must be unique"),
        (
            {},
            {
                "WarmStartConfig": {
                    "WarmStartType": "TransferLearning",
                    "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "nobody"}],
                }
            },
            "'nobody' does not exist",
        ),
    ],
)
async def test_what_cannot_be_right_is_refused_at_once(
    house: TuningHouse, config: Doc, more: Doc, sentence: str
) -> None:
    with pytest.raises(ValidationException, match=re.escape(sentence)):
        await house.call("CreateHyperParameterTuningJob", **tuning_request(config=config, **more))
    assert house.count("hyper-parameter-tuning-job") == 0


async def test_what_is_not_served_is_refused_by_name(house: TuningHouse) -> None:
    with pytest.raises(NotImplementedHere, match="Autotune"):
        await house.call("CreateHyperParameterTuningJob", **tuning_request(Autotune={"Mode": "Enabled"}))
    house.search.missing = "the package optuna"
    with pytest.raises(NotImplementedHere, match="needs the package optuna"):
        await house.call("CreateHyperParameterTuningJob", **tuning_request(config={"Strategy": "Bayesian"}))


async def test_limits_that_end_nothing_are_refused(house: TuningHouse) -> None:
    wanted = tuning_request()
    del wanted["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    with pytest.raises(ValidationException, match="would not end"):
        await house.call("CreateHyperParameterTuningJob", **wanted)
