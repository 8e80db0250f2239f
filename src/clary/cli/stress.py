"""`clary stress`: load on an endpoint, and what became of it."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import typer

from clary import __version__
from clary import home as homes
from clary.cli import environment
from clary.cli.say import err, fail, out
from clary.config import read
from clary.program import program
from clary.stress import rows as reading
from clary.stress.conduct import LoadFailed
from clary.stress.document import document
from clary.stress.measure import Measured, Run, measure
from clary.stress.plan import Keys, Plan
from clary.stress.target import Target

CONNECTIONS = 10
SECONDS = 10.0
OPEN_CONNECTIONS = 512
"""An open loop opens at most so many, unless it is told otherwise."""
PROCESSES = 8


@dataclass(frozen=True)
class Options:
    """What was typed."""

    endpoint: str
    rate: float | None
    connections: int | None
    duration: float | None
    requests: int | None
    data: Path | None
    content_type: str | None
    accept: str | None
    target_variant: str | None
    skip_header: bool
    label: str | None
    rows_per_request: int
    timeout: float
    processes: int | None
    sign_each: bool
    watch: float
    max_errors: int
    report: Path | None
    json: bool
    url: str | None
    region: str | None
    home: Path | None


def run(options: Options) -> None:
    """The load has run, or was interrupted, and is reported. Ends the command with 1 when there were more errors than
    allowed."""
    if options.report is not None and not options.report.absolute().parent.is_dir():
        fail(f"there is no directory {options.report.absolute().parent}", "the report cannot be written there")
    target = _target(options)
    described = _described(target)
    rows = _rows(options, target, described)
    plan = _plan(options, target, rows)
    _first_request(target, plan, options.max_errors)
    one = Run(_name(plan), plan, options.processes or _processes(target))
    try:
        found = asyncio.run(_measured(target, [one], options.watch))
    except LoadFailed as error:
        fail(str(error))
    whole = document(found, command(), __version__)
    tell(whole, options.report, options.json)
    errors = sum(each["errors"] for each in whole["runs"])
    if errors > options.max_errors:
        raise typer.Exit(1)


def command() -> str:
    """What was typed, so that the report says how to repeat it."""
    return shlex.join([program(), *sys.argv[1:]])


async def _measured(target: Target, runs: Sequence[Run], watch: float) -> Measured:
    from clary.stress.terminal import TerminalLive

    live = TerminalLive(err)
    try:
        return await measure(target, runs, live, stopped_by_keys(), watch)
    finally:
        live.close()


def stopped_by_keys() -> asyncio.Event:
    """Set by Control-C or SIGTERM: the load ends, and what was seen so far is reported."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, stop.set)
    return stop


def tell(whole: dict[str, Any], report: Path | None, json: bool) -> None:
    """The document on standard output, or tables and a plot; and the page, where one was asked for."""
    from clary.stress.terminal import show

    if json:
        typer.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
    else:
        show(whole, out)
    if report is not None:
        from clary.stress.page import page

        report.write_text(page(whole), encoding="utf-8")
        err.print(f"the report is in [bold]{report}[/bold]")


def _target(options: Options) -> Target:
    if options.url is not None:
        return _elsewhere(options.url, options.region, options.endpoint)
    config = read(home=options.home)
    server = homes.server(config)
    if server is None:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach, or name another with --url")
    region = options.region or config.region
    theirs = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/") == server.url and theirs[0] and theirs[1]:
        # Somebody who has set up this shell for this server acts as who it was set up for, say a user or a role.
        keys = Keys(theirs[0], theirs[1], os.environ.get("AWS_SESSION_TOKEN"))
    else:
        _, found, _ = environment.of(options.home)
        keys = Keys(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
    return Target(server.url, region, keys, options.endpoint)


def _elsewhere(url: str, region: str | None, endpoint: str) -> Target:
    import boto3

    session = boto3.Session()
    credentials = session.get_credentials()
    wanted = region or session.region_name
    if credentials is None:
        fail("no credentials were found for --url", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    if wanted is None:
        fail("no region is known for --url", "give --region, or set AWS_REGION")
    if not url.startswith(("http://", "https://")):
        fail(f"{url!r} is no address", "it looks like http://127.0.0.1:4810")
    frozen = credentials.get_frozen_credentials()
    keys = Keys(frozen.access_key, frozen.secret_key, frozen.token)
    return Target(url.rstrip("/"), wanted, keys, endpoint)


def _described(target: Target) -> dict[str, Any] | None:
    """The endpoint, which is in service; None when the caller may not look. Ends the command when it cannot serve."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        said: dict[str, Any] = target.client("sagemaker").describe_endpoint(EndpointName=target.endpoint)
    except ClientError as error:
        wrong = error.response["Error"]
        if "AccessDenied" in wrong["Code"]:
            err.print("[yellow]clary:[/yellow] these keys may not describe the endpoint: its instances are not shown")
            return None
        fail(f"the endpoint {target.endpoint}: {wrong['Message']}", f"look: {program()} status")
    except BotoCoreError as error:
        fail(f"{target.url} does not answer: {error}")
    if said["EndpointStatus"] in ("Creating", "Failed", "Deleting", "OutOfService"):
        why = said.get("FailureReason", "no reason given")
        fail(f"the endpoint {target.endpoint} is {said['EndpointStatus']} ({why})")
    return said


def _rows(options: Options, target: Target, described: dict[str, Any] | None) -> reading.Rows:
    if options.data is None:
        from clary.stress.captured import captured

        found = captured(target, described)
        if found is None:
            fail(
                f"what shall be sent to {options.endpoint}? It has captured no requests that could be sent again",
                "name a file with --data FILE: CSV or JSON lines, one request a line",
            )
        err.print(f"sending {len(found.bodies):,} captured requests again ({found.content_type})")
        return found
    try:
        return reading.read(
            options.data, options.content_type, options.skip_header, options.label, options.rows_per_request
        )
    except OSError as error:
        fail(f"{options.data} cannot be read: {error.strerror}")
    except reading.BadRows as error:
        fail(str(error))


def _plan(options: Options, target: Target, rows: reading.Rows) -> Plan:
    connections = options.connections or (CONNECTIONS if options.rate is None else OPEN_CONNECTIONS)
    endless = options.requests is None and options.duration is None
    return Plan(
        url=target.url,
        endpoint=target.endpoint,
        region=target.region,
        keys=target.keys,
        rows=rows.bodies,
        labels=rows.labels,
        content_type=options.content_type or rows.content_type,
        accept=options.accept,
        target_variant=options.target_variant,
        connections=connections,
        rate=options.rate,
        requests=options.requests,
        seconds=SECONDS if endless else options.duration,
        timeout=options.timeout,
        sign_each=options.sign_each,
    )


def _name(plan: Plan) -> str:
    if plan.rate is not None:
        return f"{plan.rate:,g} requests/s"
    return f"{plan.connections} client{'s' * (plan.connections > 1)}"


def _processes(target: Target) -> int:
    """Half of this machine's cores when the server needs the others, else all; never more than some."""
    cores = os.cpu_count() or 1
    local = "//127.0.0.1" in target.url or "//localhost" in target.url
    return max(1, min(cores // 2 if local else cores, PROCESSES))


def _first_request(target: Target, plan: Plan, max_errors: int) -> None:
    """One request, outside of the measurement: what is wrong with every request is said once, in words."""
    from botocore.exceptions import BotoCoreError, ClientError

    given = {"Accept": plan.accept, "TargetVariant": plan.target_variant}
    client = target.client("sagemaker-runtime", read_timeout=plan.timeout, attempts=1)
    try:
        client.invoke_endpoint(
            EndpointName=target.endpoint,
            ContentType=plan.content_type,
            Body=plan.rows[0].encode("latin-1"),
            **{name: value for name, value in given.items() if value is not None},
        )
    except ClientError as error:
        wrong = error.response["Error"]
        words = error.response.get("OriginalMessage") or wrong.get("Message", "")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        problem = f"the first request was answered with {status} {wrong['Code']}: {words}"
        if not max_errors:
            fail(problem, "with --max-errors N the load runs all the same")
        err.print(f"[yellow]clary:[/yellow] {problem}")
    except BotoCoreError as error:
        fail(f"the first request had no answer: {error}")
