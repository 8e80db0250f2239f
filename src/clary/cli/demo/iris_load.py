"""The load of `clary demo iris-stress`: the lab's three runs, and the instances' way up and down."""

import asyncio
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from clary import __version__
from clary.cli.demo.stage import Line
from clary.cli.say import err
from clary.cli.stress import command, stopped_by_keys
from clary.stress.document import document
from clary.stress.histogram import figures
from clary.stress.measure import Measured, Run, measure
from clary.stress.plan import Plan
from clary.stress.target import Target
from clary.stress.watch import Watch
from clary.stress.windows import Window

Loads = tuple[tuple[int, int | None], ...]
"""Clients, and how many requests they send together; None: for some time."""
SHORT: Loads = ((10, 1_000), (100, 10_000), (150, None))
FULL: Loads = ((10, 1_000), (100, 10_000), (150, 100_000))
LAST_SECONDS = 25.0
"""How long the last of the short runs lasts, at least."""
PATIENT_SECONDS = 60.0
"""A scale-out that takes longer is not waited for."""
SLACK_SECONDS = 30.0
LONGEST_SECONDS = 300.0
"""A run ends then, whatever it has sent."""
TIMEOUT_SECONDS = 10.0


class LineLive:
    """Shows a load in the line of its step."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def begin(self, run: Run) -> None:
        self._line.say(f"{run.name}: signing requests")

    def show(self, run: Run, recent: Window, seconds: float, watch: Watch) -> None:
        whole, plan = run.totals.whole, run.plan
        done, total = (run.totals.sent, plan.requests) if plan.requests else (int(run.seconds), int(plan.seconds or 1))
        self._line.count(min(done, total), total)
        instances = "+".join(str(int(seen[-1][1])) for seen in watch.instances.values())
        rate = recent.answered / seconds
        self._line.say(f"{run.name}: {rate:,.0f}/s, {whole.failed:,} errors, instances {instances}")

    def end(self, run: Run) -> None:
        if not run.started:
            return
        whole, latency = run.totals.whole, figures(run.totals.whole.latency())
        rate = whole.answered / max(run.seconds, 1e-9)
        err.print(
            f"          {run.name:<12} {whole.answered:>8,} answers, {rate:>7,.0f} a second, "
            f"p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms, {whole.failed:,} errors"
        )

    def rest(self, what: str) -> None:
        self._line.say(what)


def stress(
    target: Target, rows: list[tuple[str, str]], loads: Loads, pace: tuple[float, float] | None, line: Line
) -> dict[str, Any]:
    """The report of these runs. `rows`: (features, label). `pace`: the seconds that a scale-out and a scale-in
    take at most by the alarms; None: nothing scales."""
    runs = [_run(target, rows, clients, requests, pace) for clients, requests in loads]
    scales = pace is not None and pace[0] <= PATIENT_SECONDS
    tail = pace[1] + SLACK_SECONDS if pace is not None and scales else 0.0

    async def go() -> Measured:
        stop = asyncio.Event() if not err.is_terminal else stopped_by_keys()
        live, awaited = LineLive(line), "waiting for the scale-in"
        return await measure(target, runs, live, stop, tail, _small_again if tail else None, awaited)

    found = asyncio.run(go())
    if found.interrupted:
        raise KeyboardInterrupt
    return document(found, command(), __version__)


def _run(
    target: Target, rows: list[tuple[str, str]], clients: int, requests: int | None, pace: tuple[float, float] | None
) -> Run:
    """A run without a number of requests lasts until a scale-out can be seen."""
    waited = pace[0] + 15.0 if pace is not None and pace[0] <= PATIENT_SECONDS else 0.0
    plan = Plan(
        url=target.url,
        endpoint=target.endpoint,
        region=target.region,
        keys=target.keys,
        rows=tuple(body for body, _ in rows),
        labels=tuple(label for _, label in rows),
        connections=clients,
        requests=requests,
        seconds=LONGEST_SECONDS if requests else max(LAST_SECONDS, waited),
        timeout=TIMEOUT_SECONDS,
    )
    return Run(f"{clients} clients", plan, 1)


def _small_again(watch: Watch) -> bool:
    """Every variant that had more than one instance has one again."""
    return all(seen[-1][1] == 1 and seen[-1][2] == 1 for seen in watch.instances.values()) and any(
        count > 1 for seen in watch.instances.values() for _, count, _ in seen
    )


def alarm_seconds(client: Callable[[str], Any], policies: list[dict[str, Any]]) -> tuple[float, float]:
    """How long the alarms of the policies look before they scale out, and in. Raises ClientError."""
    names = [alarm["AlarmName"] for policy in policies for alarm in policy.get("Alarms", [])]
    found = client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
    lasts = [
        (one["ComparisonOperator"].startswith("Greater"), one["Period"] * one["EvaluationPeriods"]) for one in found
    ]
    return max((s for up, s in lasts if up), default=180.0), max((s for up, s in lasts if not up), default=900.0)


def not_served(error: ClientError) -> bool:
    """The server has no such service or operation."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 501)
