"""Executions of pipelines, over the public wire."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson
import typer

from clary.cli import environment
from clary.cli.pipeline.selecting import from_steps
from clary.cli.pipeline.table import Live, lines
from clary.cli.say import err, fail, out
from clary.program import program

Doc = dict[str, Any]
OVER: Final = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")
LOOK_SECONDS: Final = 0.4


def show(home: Path | None, json: bool) -> None:
    """Every pipeline, the one that ran last first."""
    client = _client(home)
    with _said():
        pages = client.get_paginator("list_pipelines").paginate()
        found = [one for page in pages for one in page["PipelineSummaries"]]
        latest = {one["PipelineName"]: _latest(client, one["PipelineName"]) for one in found}
    if json:
        _print([{**one, "LatestExecution": latest[one["PipelineName"]]} for one in found])
        return
    if not found:
        out.print("there are no pipelines")
    for one in found:
        last = latest[one["PipelineName"]]
        what = f"{last['PipelineExecutionStatus']:<10} {last['StartTime']:%Y-%m-%d %H:%M}" if last else "never run"
        out.print(f"{one['PipelineName']:<40} {what}", markup=False)


def run(
    home: Path | None,
    name: str,
    given: list[str],
    parallel: int | None,
    first: list[str],
    source: str | None,
    detach: bool,
    json: bool,
) -> None:
    """An execution was started; without `detach` it is over. Ends the command with 1 where it did not succeed."""
    parameters = []
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or not key:
            fail(f"{one!r} is no parameter", "write it as: -p NAME=VALUE", code=2)
        parameters.append({"Name": key, "Value": value})
    client = _client(home)
    request: Doc = {"PipelineName": name, "PipelineParameters": parameters}
    if parallel is not None:
        request["ParallelismConfiguration"] = {"MaxParallelExecutionSteps": parallel}
    with _said():
        if first:
            definition = client.describe_pipeline(PipelineName=name)["PipelineDefinition"]
            request["SelectiveExecutionConfig"] = from_steps(definition, first, _arn(client, source or name))
        arn = client.start_pipeline_execution(**request)["PipelineExecutionArn"]
    _started(client, arn, detach, json)


def retry(home: Path | None, execution: str, detach: bool, json: bool) -> None:
    """The execution goes on; without `detach` it is over."""
    client = _client(home)
    with _said():
        arn = _arn(client, execution)
        client.retry_pipeline_execution(PipelineExecutionArn=arn)
    _started(client, arn, detach, json)


def stop(home: Path | None, execution: str, json: bool) -> None:
    """The execution was asked to end."""
    client = _client(home)
    with _said():
        arn = _arn(client, execution)
        client.stop_pipeline_execution(PipelineExecutionArn=arn)
    if json:
        _print({"PipelineExecutionArn": arn})
    else:
        out.print(f"{arn} is asked to stop", markup=False)


def watch(home: Path | None, execution: str, json: bool) -> None:
    """The execution is over. Ends the command with 1 where it did not succeed."""
    client = _client(home)
    with _said():
        arn = _arn(client, execution)
    _follow(client, arn, json)


def steps(home: Path | None, execution: str, json: bool) -> None:
    """The steps as they are now."""
    client = _client(home)
    with _said():
        arn = _arn(client, execution)
        described, found = _look(client, arn)
    if json:
        _print(_document(described, found))
        return
    for line in lines(described, found, time.time()):
        out.print(line, markup=False)


def _started(client: Any, arn: str, detach: bool, json: bool) -> None:
    if not detach:
        _follow(client, arn, json)
    elif json:
        _print({"PipelineExecutionArn": arn})
    else:
        out.print(arn, markup=False)


def _follow(client: Any, arn: str, json: bool) -> None:
    try:
        with _said(), Live(enabled=not json) as live:
            while True:
                described, found = _look(client, arn)
                live.show(described, found)
                if described["PipelineExecutionStatus"] in OVER:
                    break
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        err.print(f"it runs on; look again: {program()} pipeline watch {arn}", markup=False)
        raise typer.Exit(130) from None
    if json:
        _print(_document(described, found))
    if described["PipelineExecutionStatus"] != "Succeeded":
        raise typer.Exit(1)


def _look(client: Any, arn: str) -> tuple[Doc, list[Doc]]:
    """The execution, and its steps in the order in which they started."""
    described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    return described, [one for page in pages for one in page["PipelineExecutionSteps"]]


def _document(described: Doc, found: list[Doc]) -> Doc:
    described.pop("ResponseMetadata", None)
    return {**described, "PipelineExecutionSteps": found}


def _arn(client: Any, execution: str) -> str:
    """The ARN of what the user named. Ends the command where it is nothing."""
    if execution.startswith("arn:"):
        return execution
    name, _, wanted = execution.partition("/")
    if wanted:
        arn: str = client.describe_pipeline(PipelineName=name)["PipelineArn"]
        return f"{arn}/execution/{wanted}"
    latest = _latest(client, name)
    if latest is None:
        fail(f"the pipeline {name} was never run", f"run it: {program()} pipeline run {name}")
    return str(latest["PipelineExecutionArn"])


def _latest(client: Any, name: str) -> Doc | None:
    page = client.list_pipeline_executions(
        PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )
    found: list[Doc] = page["PipelineExecutionSummaries"]
    return found[0] if found else None


def _client(home: Path | None) -> Any:
    config, found, runs = environment.of(home)
    if not runs:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach")
    return environment.client("sagemaker", found)


@contextmanager
def _said() -> Iterator[None]:
    """A refusal inside ends the command in its own words."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        _refused(error.response["Error"])
    except BotoCoreError as error:
        fail(str(error))


def _refused(said: Any) -> NoReturn:
    unknown = said["Code"] == "ResourceNotFound"
    fail(said["Message"], f"which pipelines there are: {program()} pipeline list" if unknown else "")


def _print(value: Any) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
