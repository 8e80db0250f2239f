"""Jobs of Glue and their runs, step by step, with a scripted runner."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Work
from clary.kernel.resource import Doc
from clary.services.glue.jobs import special
from clary.services.glue.jobs.heralds import HERALDS
from clary.services.glue.jobs.rows import RUN
from tests.glue_house import ROLE, House, job_request

pytestmark = pytest.mark.asyncio


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def ends(code: int, **files: str) -> Any:
    """A program that leaves these files below /opt/ml/output and ends."""

    def behave(uid: str, work: Work, root: Path) -> int:
        for name, text in files.items():
            (root / "output" / name.replace("_json", ".json")).write_text(text)
        return code

    return behave


async def refused(house: House, operation: str, code: str, **req: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, **req)
    assert caught.value.error_code == code
    return caught.value.message


def told(house: House, run_id: str) -> Doc:
    root = house.runner.root(house.row(run_id).uid)
    return dict(json.loads((root / "input" / "config" / "etl.json").read_text()))


async def test_a_run_goes_from_starting_to_succeeded(house: House) -> None:
    await house.job(script=b"print('hello')")
    run = await house.start(Arguments={"--day": "monday"})
    assert (await house.shown(run))["JobRunState"] == "STARTING"
    await house.run(0.2)
    assert (await house.shown(run))["JobRunState"] == "RUNNING"
    house.runner.say(house.row(run).uid, "hello\n")
    assert (house.runner.root(house.row(run).uid) / "code" / "job.py").read_bytes() == b"print('hello')"
    assert told(house, run)["argv"] == ["--day", "monday"]
    house.clock.advance(61.0)  # type: ignore[attr-defined]
    house.runner.end(house.row(run).uid, 0)
    await house.run(1.0)
    shown = await house.shown(run)
    assert (shown["JobRunState"], shown["ExecutionTime"], shown["Attempt"]) == ("SUCCEEDED", 61, 0)
    assert shown["LogGroupName"] == "/aws-glue/python-jobs" and "ErrorMessage" not in shown
    assert house.lines("/aws-glue/python-jobs/output", run) == ["hello"]
    assert await house.runner.uids() == []  # nothing is left on this machine


async def test_a_failure_tells_what_the_script_said_and_its_last_lines(house: House) -> None:
    await house.job()
    house.runner.behave = ends(1, failure="ZeroDivisionError: division by zero, line 12 of x.py: y = 1/0", stderr="b\n")
    run = await house.start()
    await house.run(1.0)
    shown = await house.shown(run)
    assert shown["JobRunState"] == "FAILED"
    assert shown["ErrorMessage"] == (
        "ZeroDivisionError: division by zero, line 12 of x.py: y = 1/0\nLast lines of the log:\nb"
    )
    assert house.lines("/aws-glue/python-jobs/error", run) == ["b"]


async def test_a_script_that_is_not_there_fails_the_run_in_words(house: House) -> None:
    await house.call("CreateJob", **job_request())
    house.objects.write("lake", "other", b"")
    run = await house.start()
    await house.run(1.0)
    shown = await house.shown(run)
    assert shown["JobRunState"] == "FAILED"
    assert shown["ErrorMessage"].startswith("s3://lake/scripts/job.py is not there")


async def test_what_the_role_may_not_read_the_job_may_not_read(house: House) -> None:
    await house.job()
    house.denied.add("s3:GetObject")
    run = await house.start()
    await house.run(1.0)
    assert "403" in (await house.shown(run))["ErrorMessage"]


async def test_a_role_that_cannot_be_assumed_fails_the_run_in_words(house: House) -> None:
    await house.job(Role="none")
    run = await house.start()
    await house.run(1.0)
    shown = await house.shown(run)
    assert shown["JobRunState"] == "FAILED"
    assert "role/none" in shown["ErrorMessage"] and "glue.amazonaws.com" in shown["ErrorMessage"]


async def test_more_runs_than_the_job_allows_are_refused(house: House) -> None:
    await house.job(ExecutionProperty={"MaxConcurrentRuns": 2})
    first, _ = await house.start(), await house.start()
    said = await refused(house, "StartJobRun", "ConcurrentRunsExceededException", JobName="job")
    assert said == "Concurrent runs exceeded for job"
    await house.run(0.2)
    house.runner.end(house.row(first).uid, 0)
    await house.run(0.2)
    await house.start()


async def test_a_run_waits_for_another_where_queuing_is_on(house: House) -> None:
    await house.job(JobRunQueuingEnabled=True)
    first = await house.start()
    await house.run(1.0)
    second = await house.start()
    await house.run(1.0)
    third = await house.start()
    await house.run(1.0)
    waiting = await house.shown(second)
    assert waiting["JobRunState"] == "WAITING" and "maximum of concurrent runs (1)" in waiting["StateDetail"]
    house.runner.end(house.row(first).uid, 0)
    await house.run(3.0)
    assert (await house.shown(second))["JobRunState"] == "RUNNING"
    await house.call("BatchStopJobRun", JobName="job", JobRunIds=[third])
    assert (await house.shown(third))["JobRunState"] == "STOPPED"


async def test_a_run_that_takes_too_long_is_ended(house: House) -> None:
    await house.job(Timeout=1)
    run = await house.start()
    await house.run(59.0)
    assert (await house.shown(run))["JobRunState"] == "RUNNING"
    house.runner.say(house.row(run).uid, "still here\n")
    await house.run(3.0)
    shown = await house.shown(run)
    assert shown["JobRunState"] == "TIMEOUT" and shown["Timeout"] == 1
    assert "Timeout of 1 min" in shown["ErrorMessage"] and "still here" in shown["ErrorMessage"]


async def test_a_run_is_stopped_and_what_cannot_be_is_named(house: House) -> None:
    await house.job()
    run = await house.start()
    await house.run(0.2)
    said = await house.call("BatchStopJobRun", JobName="job", JobRunIds=[run, "jr_none"])
    assert said["SuccessfulSubmissions"] == [{"JobName": "job", "JobRunId": run}]
    assert said["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert (await house.shown(run))["JobRunState"] == "STOPPING"
    await house.run(1.0)
    assert (await house.shown(run))["JobRunState"] == "STOPPED"
    said = await house.call("BatchStopJobRun", JobName="job", JobRunIds=[run])
    assert said["Errors"][0]["ErrorDetail"]["ErrorCode"] == "InvalidInputException"


async def test_a_failed_run_is_tried_again_as_often_as_the_job_says(house: House) -> None:
    await house.job(MaxRetries=2)
    house.runner.behave = ends(1)
    run = await house.start()
    await house.run(5.0)
    assert [one.name for one in house.runs()] == [run, f"{run}_attempt_1", f"{run}_attempt_2"]
    last = await house.shown(f"{run}_attempt_2")
    assert (last["Attempt"], last["PreviousRunId"]) == (2, f"{run}_attempt_1")
    assert "exit code 1" in last["ErrorMessage"]
    found = await house.call("GetJobRuns", JobName="job", MaxResults=2)
    assert [one["Attempt"] for one in found["JobRuns"]] == [2, 1]
    rest = await house.call("GetJobRuns", JobName="job", MaxResults=2, NextToken=found["NextToken"])
    assert [one["Id"] for one in rest["JobRuns"]] == [run]


async def test_a_run_is_tried_again_by_hand_once_however_often_it_is_asked(house: House) -> None:
    await house.job()
    house.runner.behave = ends(1)
    run = await house.start(Arguments={"--a": "1"})
    await house.run(1.0)
    again = await house.start(JobRunId=run)
    assert again == f"{run}_attempt_1" and await house.start(JobRunId=run) == again
    assert (await house.shown(again))["Arguments"] == {"--a": "1"}
    house.runner.behave = ends(0)
    await house.run(1.0)
    message = await refused(house, "StartJobRun", "InvalidInputException", JobName="job", JobRunId=again)
    assert "SUCCEEDED" in message


async def test_a_lost_run_says_so(house: House) -> None:
    await house.job()
    run = await house.start()
    await house.run(0.2)
    house.runner.lose(house.row(run).uid)
    await house.run(1.0)
    assert "lost" in (await house.shown(run))["ErrorMessage"]


async def test_what_a_script_commits_is_the_next_runs_bookmark(house: House) -> None:
    arguments = {"--job-bookmark-option": "job-bookmark-enable"}
    await house.job(DefaultArguments=arguments)
    house.runner.behave = ends(0, bookmark_json='{"version":1}')
    first = await house.start()
    await house.run(1.0)
    entry = (await house.call("GetJobBookmark", JobName="job"))["JobBookmarkEntry"]
    assert (entry["RunId"], entry["JobBookmark"], entry["Version"], entry["Run"]) == (first, '{"version":1}', 1, 1)
    seen: list[str] = []

    def reads(uid: str, work: Work, root: Path) -> int:
        state = root / "input" / "config" / "bookmark.json"
        seen.append(state.read_text() if state.exists() else "")
        (root / "output" / "bookmark.json").write_text('{"version":2}')
        return 1  # what was committed counts, whatever comes after it

    house.runner.behave = reads
    await house.start()
    await house.run(1.0)
    paused = await house.start(Arguments={"--job-bookmark-option": "job-bookmark-disable"})
    await house.run(1.0)
    await house.start()
    await house.run(1.0)
    assert seen == ['{"version":1}', "", '{"version":2}'] and paused
    reset = (await house.call("ResetJobBookmark", JobName="job", RunId=first))["JobBookmarkEntry"]
    assert reset["JobBookmark"] == '{"version":1}' and reset["Version"] == 5
    await house.call("ResetJobBookmark", JobName="job")
    await house.start()
    await house.run(1.0)
    assert seen[-1] == ""


async def test_arguments_of_the_run_go_over_the_jobs_and_some_over_both(house: House) -> None:
    await house.job(
        DefaultArguments={"--a": "job", "--b": "job", "--TempDir": "s3://lake/tmp/", "--enable-metrics": "true"},
        NonOverridableArguments={"--c": "fixed"},
    )
    run = await house.start(Arguments={"--b": "run", "--c": "run"})
    await house.run(0.2)
    assert told(house, run)["argv"] == ["--a", "job", "--b", "run", "--TempDir", "s3://lake/tmp/", "--c", "fixed"]
    assert told(house, run)["temp_dir"] == "s3://lake/tmp/"
    assert (await house.shown(run))["Arguments"] == {"--b": "run", "--c": "run"}


async def test_a_spark_script_is_told_which_run_it_is(house: House) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://lake/scripts/job.py"}
    await house.job(Command=command, GlueVersion="4.0", WorkerType="G.1X", NumberOfWorkers=2)
    house.objects.write("lake", "lib/one.py", b"x = 1")
    house.objects.write("lake", "lib/two.zip", b"PK")
    house.objects.write("lake", "conf/c.json", b"{}")
    run = await house.start(
        Arguments={
            "--conf": "spark.a=1 --conf spark.b=x y",
            "--extra-py-files": "s3://lake/lib/one.py,s3a://lake/lib/two.zip",
            "--extra-files": "s3://lake/conf/c.json",
            "--enable-continuous-cloudwatch-log": "true",
        }
    )
    await house.run(0.2)
    said = told(house, run)
    assert said["kind"] == "glueetl" and said["argv"][:2] == ["--JOB_NAME", "job"]
    assert said["argv"][-2:] == ["--JOB_RUN_ID", run] and said["argv"][3].startswith("j_")
    assert said["spark"] == {"master": "local[*]", "conf": {"spark.a": "1", "spark.b": "x y"}}
    assert said["sys_path"] == ["/opt/ml/input/python/0", "/opt/ml/input/python/1/two.zip"]
    assert said["extra_files"] == ["/opt/ml/input/extra/c.json"]
    root = house.runner.root(house.row(run).uid)
    house.runner.say(house.row(run).uid, "from the driver\n")
    await house.run(1.0)
    assert house.lines("/aws-glue/jobs/logs-v2", run) == ["from the driver"]
    assert (root / "input/python/0/one.py").read_bytes() == b"x = 1" and (root / "input/extra/c.json").exists()
    shown = await house.shown(run)
    assert (shown["MaxCapacity"], shown["WorkerType"], shown["GlueVersion"]) == (2.0, "G.1X", "4.0")


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("Command", {"Name": "gluestreaming", "ScriptLocation": "s3://b/x.py"}, "streaming jobs are not served"),
        ("Command", {"Name": "glueray", "ScriptLocation": "s3://b/x.py"}, "Ray jobs are not served"),
        ("Command", {"Name": "other", "ScriptLocation": "s3://b/x.py"}, "glueetl or pythonshell"),
        ("Command", {"Name": "pythonshell", "ScriptLocation": "/x.py"}, "S3 URI of the script"),
        ("MaxRetries", 11, "0 to 10"),
        ("ExecutionProperty", {"MaxConcurrentRuns": 0}, "1 to 1000"),
        ("MaxCapacity", 3.0, "0.0625 or 1"),
        ("Timeout", 20_000, "10080"),
        ("DefaultArguments", {"--extra-jars": "s3://b/x.jar"}, "--extra-jars is not served"),
        ("DefaultArguments", {"--job-bookmark-from": "x"}, "ResetJobBookmark"),
        ("DefaultArguments", {"--job-bookmark-option": "on"}, "job-bookmark-enable"),
        ("DefaultArguments", {"--job-language": "scala"}, "only python"),
        ("DefaultArguments", {"--datalake-formats": "hudi"}, "hudi is not served"),
        ("DefaultArguments", {"--conf": "spark"}, "name=value"),
        ("DefaultArguments", {"--extra-py-files": "s3://b/dir/"}, "one file"),
        ("DefaultArguments", {"--additional-python-modules": "git+https://x"}, "git+https"),
        ("DefaultArguments", {"--python-modules-installer-option": "--no-deps"}, "--no-deps"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(house: House, member: str, value: Any, words: str) -> None:
    message = await refused(house, "CreateJob", "InvalidInputException", **job_request(**{member: value}))
    assert words in message


async def test_modules_are_parted_by_commas_but_not_their_bounds() -> None:
    given = {"--additional-python-modules": "a>=1,<2, b[x]==3,s3://lake/c-1-py3-none-any.whl"}
    assert special.read(given).modules == ("a>=1,<2", "b[x]==3", "s3://lake/c-1-py3-none-any.whl")


async def test_a_job_is_updated_listed_and_deleted_with_all_that_is_its(house: House) -> None:
    await house.job("a", Tags={"team": "x"})
    await house.job("b")
    assert (await house.call("ListJobs", Tags={"team": "x"}))["JobNames"] == ["a"]
    await house.call("UpdateJob", JobName="a", JobUpdate={"Role": ROLE, "MaxRetries": 3})
    job = (await house.call("GetJob", JobName="a"))["Job"]
    assert job["MaxRetries"] == 3 and job["Command"]["ScriptLocation"].endswith("a.py") and job["Timeout"] == 2880
    found = await house.call("BatchGetJobs", JobNames=["b", "c"])
    assert ([one["Name"] for one in found["Jobs"]], found["JobsNotFound"]) == (["b"], ["c"])
    assert [one["Name"] for one in (await house.call("GetJobs"))["Jobs"]] == ["a", "b"]
    run = await house.start("a")
    await house.run(0.2)
    assert await house.call("DeleteJob", JobName="a") == {"JobName": "a"}
    await refused(house, "GetJobRun", "EntityNotFoundException", JobName="a", RunId=run)
    await house.run(2.0)
    assert house.runs() == [] and await house.runner.uids() == []
    assert await house.call("DeleteJob", JobName="a") == {"JobName": "a"}
    await house.job("a")
    assert (await house.call("GetJobRuns", JobName="a"))["JobRuns"] == []
    await refused(house, "CreateJob", "AlreadyExistsException", **job_request("a"))


async def test_packages_are_installed_once_before_the_run_starts(house: House) -> None:
    house.objects.write("lake", "wheels/thing-1-py3-none-any.whl", b"PK")
    modules = {"--additional-python-modules": "tiny==1.0,s3://lake/wheels/thing-1-py3-none-any.whl"}
    await house.job(DefaultArguments=modules)
    asked: list[str] = []

    def installs(uid: str, work: Work, root: Path) -> int:
        if uid.startswith("packages-"):
            asked.append((root / "code" / "additional-python-modules.txt").read_text())
            assert (root / "code" / "thing-1-py3-none-any.whl").read_bytes() == b"PK"
            (root / "environment" / "bin").mkdir(parents=True)
        return 0

    house.runner.behave = installs
    first = await house.start()
    await house.run(3.0)
    second = await house.start()
    await house.run(3.0)
    assert [(await house.shown(one))["JobRunState"] for one in (first, second)] == ["SUCCEEDED", "SUCCEEDED"]
    assert asked == ["tiny==1.0\n./thing-1-py3-none-any.whl\n"]


async def test_packages_that_cannot_be_installed_fail_the_run_in_words(house: House) -> None:
    await house.job(DefaultArguments={"--additional-python-modules": "nothing-like-it==9"})
    house.runner.behave = ends(1)
    run = await house.start()
    await house.run(3.0)
    assert "could not be installed" in (await house.shown(run))["ErrorMessage"]


async def test_the_bus_hears_how_a_run_ended_and_that_it_is_late(house: House) -> None:
    await house.job(NotificationProperty={"NotifyDelayAfter": 1})
    good = await house.start()
    await house.run(0.2)
    await house.run(90.0)
    house.runner.end(house.row(good).uid, 0)
    await house.run(1.0)
    bad = await house.start()
    await house.run(0.2)
    house.runner.end(house.row(bad).uid, 3)
    await house.run(1.0)
    events = [one for one in house.store.events(0, 1000) if one.kind == RUN]
    told = [said for one in events for said in HERALDS[RUN](one)]
    details = [json.loads(one["detail"]) if isinstance(one["detail"], str) else one["detail"] for one in told]
    assert [(one["jobRunId"], one["state"], one["severity"]) for one in details] == [
        (good, "RUNNING", "INFO"),
        (good, "SUCCEEDED", "INFO"),
        (bad, "FAILED", "ERROR"),
    ]
    assert details[0]["notificationCondition"] == {"NotifyDelayAfter": 1}
    assert "exit code" in details[2]["message"] or "3" in details[2]["message"]
    assert {one["source"] for one in told} == {"aws.glue"}
