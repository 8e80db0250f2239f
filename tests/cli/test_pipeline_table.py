"""The steps of an execution as a person reads them."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from clary.cli.pipeline import table

Doc = dict[str, Any]
ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/abcdefghijkl"
NOW = 1_800_000_000.0


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def described(status: str, **more: Any) -> Doc:
    times = {"CreationTime": at(0), "LastModifiedTime": at(30)}
    return {"PipelineExecutionArn": ARN, "PipelineExecutionStatus": status, **times, **more}


def step(name: str, status: str, **more: Any) -> Doc:
    return {"StepName": name, "StepStatus": status, "StartTime": at(1), **more}


FAILED = step("train", "Failed", EndTime=at(200), AttemptCount=2, FailureReason="ClientError: no [data] here")
GATE = step("gate", "Succeeded", EndTime=at(2), Metadata={"Condition": {"Outcome": "False"}})
CACHED = step("prepare", "Succeeded", EndTime=at(1), CacheHitResult={"SourcePipelineExecutionArn": ARN})


def test_lines_say_what_became_of_each_step_and_of_the_whole() -> None:
    whole = described("Failed", FailureReason="Step failure: train")
    assert list(table.lines(whole, [CACHED, GATE, FAILED], NOW)) == [
        f"{'prepare':<40} Succeeded     0.0 s  cached",
        f"{'gate':<40} Succeeded     1.0 s  false",
        f"{'train':<40} Failed      3.3 min  attempt 2, ClientError: no [data] here",
        f"{ARN} Failed after 30.0 s: Step failure: train",
    ]


def test_elsewhere_than_on_a_terminal_each_change_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(table, "out", Console(file=said, soft_wrap=True))
    with table.Live(enabled=True) as live:
        live.show(described("Executing"), [step("train", "Executing")])
        live.show(described("Executing"), [step("train", "Executing")])
        live.show(described("Failed"), [FAILED])
    assert [line.split()[:2] for line in said.getvalue().splitlines()] == [
        ["train", "Executing"],
        ["train", "Failed"],
        [ARN, "Failed"],
    ]


def test_on_a_terminal_the_table_stays_and_the_last_one_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(table, "out", Console(file=said, force_terminal=True, width=140))
    with table.Live(enabled=True) as live:
        live.show(described("Executing"), [step("train", "Executing")])
        live.show(described("Failed", FailureReason="x"), [FAILED])
    last = said.getvalue().rpartition("\x1b[2K")[2]
    assert "ClientError: no [data] here" in last
    assert "Failed after 30.0 s: x" in last


def test_for_machines_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(table, "out", Console(file=said))
    with table.Live(enabled=False) as live:
        live.show(described("Succeeded"), [GATE])
    assert said.getvalue() == ""
