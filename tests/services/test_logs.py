"""CloudWatch Logs through boto3: groups, streams, events, and the tokens that followers live on."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.telemetry import LogEvent, LogSink, LogStore, LogStreamName
from clary.services.logs import service
from tests.inprocess import ACCOUNT, InProcess

GROUP, STREAM = "/aws/sagemaker/TrainingJobs", "car/algo-1-1700000000"
DAY = 86_400_000


class Place:
    """A logs client and what stands behind it."""

    def __init__(self, root: Path) -> None:
        self.clock = ManualClock(time.time())  # botocore signs with the time of the day
        self.store = SegmentLogs(root / "logs", self.clock)
        self.wire = InProcess(root, [service], clock=self.clock, ports={LogSink: self.store, LogStore: self.store})
        self.client: Any = self.wire.client("logs")
        self.account = ACCOUNT

    @property
    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def make(self, group: str = GROUP, stream: str = STREAM) -> None:
        if not self.client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            self.client.create_log_group(logGroupName=group)
        self.client.create_log_stream(logGroupName=group, logStreamName=stream)

    def put(self, *messages: str, stream: str = STREAM, start: int | None = None) -> Any:
        start = self.now if start is None else start
        events = [{"timestamp": start + i, "message": message} for i, message in enumerate(messages)]
        return self.client.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)

    def get(self, **how: Any) -> Any:
        return self.client.get_log_events(logGroupName=GROUP, logStreamName=STREAM, **how)

    def filter(self, **how: Any) -> list[str]:
        return [event["message"] for event in self.client.filter_log_events(logGroupName=GROUP, **how)["events"]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.wire.close()


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def said(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]


# Groups.


def test_a_group_comes_and_goes(place: Place) -> None:
    logs = place.client
    logs.create_log_group(logGroupName="/a", tags={"team": "cars"})
    assert refused(logs.create_log_group, logGroupName="/a") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    [group] = logs.describe_log_groups()["logGroups"]
    assert group["logGroupName"] == "/a"
    assert group["creationTime"] == place.now
    assert group["arn"] == f"arn:aws:logs:us-east-1:{place.account}:log-group:/a:*"
    assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "cars"}
    logs.delete_log_group(logGroupName="/a")
    assert logs.describe_log_groups()["logGroups"] == []
    assert refused(logs.delete_log_group, logGroupName="/a") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )


def test_groups_that_a_job_made_are_listed(place: Place) -> None:
    place.store.append(LogStreamName(place.account, "us-east-1", GROUP, STREAM), [LogEvent(5, "line")])
    [group] = place.client.describe_log_groups(logGroupNamePrefix="/aws/sagemaker")["logGroups"]
    assert (group["logGroupName"], group["storedBytes"] > 0) == (GROUP, True)
    assert said(place.get()) == ["line"]
    place.client.put_retention_policy(logGroupName=GROUP, retentionInDays=7)


def test_groups_are_paged_and_filtered(place: Place) -> None:
    for name in ("b/2", "a/1", "b/1", "c"):
        place.client.create_log_group(logGroupName=name)
    pages = list(place.client.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 3}))
    assert [[group["logGroupName"] for group in one["logGroups"]] for one in pages] == [["a/1", "b/1", "b/2"], ["c"]]
    named = place.client.describe_log_groups(logGroupNamePattern="/1")["logGroups"]
    assert [group["logGroupName"] for group in named] == ["a/1", "b/1"]
    token = place.client.describe_log_groups(limit=1)["nextToken"]
    code, _ = refused(place.client.describe_log_groups, logGroupNamePrefix="b", nextToken=token)
    assert code == "InvalidParameterException"


def test_tags_are_merged_and_removed(place: Place) -> None:
    place.client.create_log_group(logGroupName="/a")
    arn = place.client.describe_log_groups()["logGroups"][0]["logGroupArn"]
    place.client.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    place.client.tag_log_group(logGroupName="/a", tags={"b": "3"})
    place.client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert place.client.list_tags_log_group(logGroupName="/a")["tags"] == {"b": "3"}
    code, _ = refused(place.client.tag_resource, resourceArn=arn, tags={f"k{i}": "" for i in range(50)})
    assert code == "TooManyTagsException"


# Streams.


def test_a_stream_comes_and_goes(place: Place) -> None:
    assert refused(place.client.create_log_stream, logGroupName=GROUP, logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    place.make()
    code, _ = refused(place.client.create_log_stream, logGroupName=GROUP, logStreamName=STREAM)
    assert code == "ResourceAlreadyExistsException"
    [stream] = place.client.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert stream["logStreamName"] == STREAM
    assert "lastEventTimestamp" not in stream
    place.put("a", "b")
    [stream] = place.client.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="car/")["logStreams"]
    assert stream["firstEventTimestamp"] == place.now
    assert stream["lastEventTimestamp"] == place.now + 1
    assert stream["arn"] == f"arn:aws:logs:us-east-1:{place.account}:log-group:{GROUP}:log-stream:{STREAM}"
    place.client.delete_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    assert refused(place.client.get_log_events, logGroupName=GROUP, logStreamName=STREAM) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


@pytest.mark.parametrize("descending", [False, True])
def test_streams_are_paged_by_name_and_by_time(place: Place, descending: bool) -> None:
    place.client.create_log_group(logGroupName=GROUP)
    for i, name in enumerate(["d", "b", "e", "a", "c"]):
        place.client.create_log_stream(logGroupName=GROUP, logStreamName=name)
        if name != "c":
            place.put("x", stream=name, start=place.now + i)
    by_time = {"orderBy": "LastEventTime"}
    for order, expected in (({}, "abcde"), (by_time, "cdbea")):
        pages = place.client.get_paginator("describe_log_streams").paginate(
            logGroupName=GROUP, descending=descending, PaginationConfig={"PageSize": 2}, **order
        )
        names = [stream["logStreamName"] for one in pages for stream in one["logStreams"]]
        assert names == list(reversed(expected) if descending else expected)
    code, message = refused(
        place.client.describe_log_streams, logGroupName=GROUP, logStreamNamePrefix="a", orderBy="LastEventTime"
    )
    assert (code, message) == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )


def test_a_group_may_be_named_by_its_arn(place: Place) -> None:
    place.make()
    arn = f"arn:aws:logs:us-east-1:{place.account}:log-group:{GROUP}"
    assert place.client.describe_log_streams(logGroupIdentifier=arn)["logStreams"]
    foreign = arn.replace("us-east-1", "eu-west-1")
    assert refused(place.client.describe_log_streams, logGroupIdentifier=foreign)[0] == "ResourceNotFoundException"
    assert refused(place.client.describe_log_streams)[0] == "InvalidParameterException"


# PutLogEvents.


def test_a_batch_must_be_in_order_and_within_a_day(place: Place) -> None:
    place.make()

    def refusal(*times: int) -> str:
        events = [{"timestamp": place.now + at, "message": "x"} for at in times]
        code, message = refused(place.client.put_log_events, logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
        assert code == "InvalidParameterException"
        return message

    assert "chronological order" in refusal(1, 0)
    assert "cannot span more than 24 hours" in refusal(-DAY - 1, 0)
    assert said(place.get()) == []


def test_what_is_too_old_or_too_new_is_left_out_and_reported(place: Place) -> None:
    place.make()
    times = [-15 * DAY, -14 * DAY - 1, -3600, 0, 7_200_000, 7_200_001]
    events = [{"timestamp": place.now + at, "message": str(i)} for i, at in enumerate(times)]
    answer = place.client.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 5}
    assert said(place.get()) == ["2", "3", "4"]
    place.client.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    answer = place.client.put_log_events(
        logGroupName=GROUP, logStreamName=STREAM, logEvents=[{"timestamp": place.now - DAY - 1, "message": "x"}]
    )
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def test_a_batch_has_a_size(place: Place) -> None:
    place.make()
    big = "x" * 600_000
    events = [{"timestamp": place.now, "message": big}] * 2
    code, message = refused(place.client.put_log_events, logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    assert (code, "1200052 bytes exceeds limit of 1048576" in message) == ("InvalidParameterException", True)
    assert "nextSequenceToken" in place.put(big)


def test_events_need_a_stream(place: Place) -> None:
    params = {"logEvents": [{"timestamp": place.now, "message": "x"}], "logStreamName": STREAM}
    assert refused(place.client.put_log_events, logGroupName=GROUP, **params)[1] == (
        "The specified log group does not exist."
    )
    place.client.create_log_group(logGroupName=GROUP)
    assert refused(place.client.put_log_events, logGroupName=GROUP, **params)[1] == (
        "The specified log stream does not exist."
    )


# GetLogEvents.


def test_events_come_back_as_they_were_sent(place: Place) -> None:
    place.make()
    place.put("[0]#011train-merror:0.03", "ünïcödé 🚗", "tab\there\n")
    [first, *_] = place.get()["events"]
    assert first == {"timestamp": place.now, "message": "[0]#011train-merror:0.03", "ingestionTime": place.now}
    assert said(place.get()) == ["[0]#011train-merror:0.03", "ünïcödé 🚗", "tab\there\n"]


def test_a_follower_forwards_sees_every_event_once(place: Place) -> None:
    place.make()
    answer = place.get(startFromHead=True)
    assert said(answer) == []
    seen = []
    for i in range(4):
        place.put(f"{i}a", f"{i}b", f"{i}c", start=place.now + 10 * i)
        while True:
            after = place.get(startFromHead=True, nextToken=answer["nextForwardToken"], limit=2)
            seen += said(after)
            done = after["nextForwardToken"] == answer["nextForwardToken"]
            answer = after
            if done:
                break
    assert seen == [f"{i}{letter}" for i in range(4) for letter in "abc"]


def test_the_newest_come_first_unless_asked_otherwise(place: Place) -> None:
    place.make()
    place.put(*map(str, range(10)))
    newest = place.get(limit=4)
    assert said(newest) == ["6", "7", "8", "9"]
    older = place.get(limit=4, nextToken=newest["nextBackwardToken"])
    assert said(older) == ["2", "3", "4", "5"]
    oldest = place.get(limit=4, nextToken=older["nextBackwardToken"])
    assert said(oldest) == ["0", "1"]
    end = place.get(limit=4, nextToken=oldest["nextBackwardToken"])
    assert (said(end), end["nextBackwardToken"]) == ([], oldest["nextBackwardToken"])
    assert said(place.get(limit=4, nextToken=end["nextForwardToken"])) == ["0", "1", "2", "3"]
    assert said(place.get(limit=4, startFromHead=True)) == ["0", "1", "2", "3"]


def test_turning_round_at_the_end_skips_nothing(place: Place) -> None:
    place.make()
    place.put("a", "b")
    end = place.get(nextToken=place.get()["nextForwardToken"])
    assert said(end) == []
    assert said(place.get(nextToken=end["nextBackwardToken"])) == ["a", "b"]


def test_a_range_of_time_ends_before_its_end(place: Place) -> None:
    place.make()
    place.put(*map(str, range(10)))
    assert said(place.get(startTime=place.now + 3, endTime=place.now + 6)) == ["3", "4", "5"]


def test_a_foreign_token_is_refused(place: Place) -> None:
    place.make()
    assert refused(place.get, nextToken="f/12") == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


def test_the_tokens_of_another_stream_or_another_question_are_refused(place: Place) -> None:
    place.make()
    place.make(stream="other")
    place.put("a", "b", "c")
    token = place.get(limit=1)["nextBackwardToken"]
    place.get(nextToken=token)
    foreign = place.client.get_log_events(logGroupName=GROUP, logStreamName="other")["nextForwardToken"]
    refusal = ("InvalidParameterException", "The specified nextToken is invalid.")
    assert refused(place.get, nextToken=foreign) == refusal
    ours = place.client.filter_log_events(logGroupName=GROUP, limit=1)["nextToken"]
    for other in ({"filterPattern": "a"}, {"startTime": 1}, {"logStreamNames": [STREAM]}, {"nextToken": token}):
        asked = {"logGroupName": GROUP, "nextToken": ours, **other}
        assert refused(place.client.filter_log_events, **asked) == refusal
    assert refused(place.client.describe_log_streams, logGroupName=GROUP, nextToken=ours) == refusal


def test_a_pattern_that_does_not_parse_names_the_position(place: Place) -> None:
    place.make()
    code, message = refused(place.client.filter_log_events, logGroupName=GROUP, filterPattern="{ $.a = 1 && }")
    assert (code, message) == (
        "InvalidParameterException",
        "Invalid filter pattern: a property selector ($.name) is missing at position 13.",
    )


def test_no_event_is_larger_than_a_megabyte_and_no_batch_longer_than_10_000(place: Place) -> None:
    place.make()
    code, message = refused(lambda: place.put("x" * 1_048_577))
    assert (code, "1048577 bytes exceeds limit of 1048576" in message) == ("InvalidParameterException", True)
    code, message = refused(lambda: place.put(*["x"] * 10_001))
    assert (code, "length less than or equal to 10000" in message) == ("InvalidParameterException", True)
    assert said(place.get()) == []


@pytest.mark.slow
def test_ten_thousand_groups_are_listed_by_pages(place: Place) -> None:
    root = place.store._region_path(place.account, "us-east-1")
    place.client.create_log_group(logGroupName="g/0")
    [made] = [one for one in root.iterdir() if one.is_dir()]
    for i in range(1, 10_000):
        (root / f"g%2F{i}").mkdir()
        (root / f"g%2F{i}" / "group.json").write_bytes((made / "group.json").read_bytes())
    began = time.process_time()
    first = place.client.describe_log_groups(limit=50)
    last = place.client.describe_log_groups(logGroupNamePrefix="g/99", limit=50)
    assert (len(first["logGroups"]), "nextToken" in first, len(last["logGroups"])) == (50, True, 50)
    # A page costs what its groups cost, and little for the others: the names of one directory.
    assert time.process_time() - began < 1.0


def test_a_page_stops_at_a_megabyte(place: Place) -> None:
    place.make()
    for i in range(4):
        place.put("x" * 400_000, start=place.now + i)
    head = place.get(startFromHead=True)
    assert len(head["events"]) == 2
    assert len(place.get(nextToken=head["nextForwardToken"])["events"]) == 2


# FilterLogEvents.


def test_streams_are_interleaved_by_time(place: Place) -> None:
    place.make(stream="a")
    place.make(stream="b")
    place.make(stream="other")
    for i in range(6):
        place.put(str(i), stream="ab"[i % 2], start=place.now + i)
    place.put("x", stream="other")
    assert place.filter(logStreamNames=["b", "a"]) == ["0", "1", "2", "3", "4", "5"]
    assert place.filter(logStreamNamePrefix="b") == ["1", "3", "5"]
    assert place.filter(startTime=place.now + 2, endTime=place.now + 4) == ["2", "3", "4"]
    pages = place.client.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNames=["a", "b"], PaginationConfig={"PageSize": 4}
    )
    assert [said(one) for one in pages] == [["0", "1", "2", "3"], ["4", "5"]]
    newest = place.client.filter_log_events(
        logGroupName=GROUP, logStreamNames=["a", "b"], startFromHead=False, startTime=1_704_067_200_000, limit=4
    )
    assert said(newest) == ["5", "4", "3", "2"]
    assert refused(place.client.filter_log_events, logGroupName=GROUP, startFromHead=False)[0] == (
        "InvalidParameterException"
    )
    assert refused(place.client.filter_log_events, logGroupName=GROUP, logStreamNames=["none"])[0] == (
        "ResourceNotFoundException"
    )


def test_the_newest_first_are_paged_too(place: Place) -> None:
    place.make(stream="a")
    place.put(*map(str, range(5)), stream="a")
    pages = place.client.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, startFromHead=False, startTime=place.now, PaginationConfig={"PageSize": 2}
    )
    assert [said(one) for one in pages] == [["4", "3"], ["2", "1"], ["0"]]


def test_event_ids_are_unique_and_stay(place: Place) -> None:
    place.make(stream="a")
    place.make(stream="b")
    for stream in "ab":
        place.client.put_log_events(
            logGroupName=GROUP, logStreamName=stream, logEvents=[{"timestamp": place.now, "message": "x"}] * 3
        )
    ids = [event["eventId"] for event in place.client.filter_log_events(logGroupName=GROUP)["events"]]
    assert len(set(ids)) == 6
    assert ids == [event["eventId"] for event in place.client.filter_log_events(logGroupName=GROUP)["events"]]
    assert all(len(one) == 56 for one in ids)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", "abcd"),
        ("ERROR", "ab"),
        ("error", ""),
        ("ERROR disk", "a"),
        ('"exit code 1"', "b"),
        ("?disk ?code", "abc"),
        ("-ERROR", "cd"),
        ("ERROR -disk", "b"),
        ('-"exit code 1" -disk', "cd"),
        ("?disk ERROR", "ab"),
        ('"say \\"hi\\""', "d"),
    ],
)
def test_patterns(place: Place, pattern: str, expected: str) -> None:
    place.make()
    lines = {"a": "ERROR disk full", "b": "ERROR: exit code 1", "c": "code", "d": 'say "hi"'}
    place.put(*lines.values())
    assert place.filter(filterPattern=pattern) == [lines[letter] for letter in expected]


@pytest.mark.parametrize("pattern", ['say "hi', "a.b", "?"])
def test_what_is_no_pattern_is_refused(place: Place, pattern: str) -> None:
    place.make()
    assert refused(place.client.filter_log_events, logGroupName=GROUP, filterPattern=pattern)[0] == (
        "InvalidParameterException"
    )


# Retention.


def test_retention_takes_old_events_out_of_every_answer(place: Place) -> None:
    place.make()
    place.put("old", start=place.now - 2 * DAY)
    place.put("new")
    assert refused(place.client.put_retention_policy, logGroupName=GROUP, retentionInDays=2)[0] == (
        "InvalidParameterException"
    )
    place.client.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    assert place.client.describe_log_groups()["logGroups"][0]["retentionInDays"] == 1
    assert said(place.get()) == said(place.get(startTime=0)) == place.filter() == ["new"]
    place.client.delete_retention_policy(logGroupName=GROUP)
    assert "retentionInDays" not in place.client.describe_log_groups()["logGroups"][0]


def test_other_operations_say_so(place: Place) -> None:
    with pytest.raises(ClientError, match="StartQuery") as caught:
        place.client.start_query(logGroupName=GROUP, startTime=0, endTime=1, queryString="fields @message")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
