"""CloudWatch Logs through boto3: what is looked for in many streams, and how long it is there."""

import pytest
from botocore.exceptions import ClientError

from tests.logs_house import DAY, GROUP, Place, refused, said


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
