"""CloudWatch Logs through boto3: events, and the tokens that followers live on."""

import time

import pytest

from tests.logs_house import DAY, GROUP, STREAM, Place, refused, said


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


def test_a_page_stops_at_a_megabyte(place: Place) -> None:
    place.make()
    for i in range(4):
        place.put("x" * 400_000, start=place.now + i)
    head = place.get(startFromHead=True)
    assert len(head["events"]) == 2
    assert len(place.get(nextToken=head["nextForwardToken"])["events"]) == 2


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
