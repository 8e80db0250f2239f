"""CloudWatch Logs through boto3: groups and streams."""

import pytest

from clary.kernel.telemetry import LogEvent, LogStreamName
from tests.logs_house import GROUP, STREAM, Place, refused, said

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
