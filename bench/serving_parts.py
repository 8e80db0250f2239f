"""What counting, capturing and authorising add to one inference: CPU time of a front, in microseconds a request.

Captured is one row of six words of CSV with its answer. The time of all threads counts, so that of the one that writes
the files too. `role_*` is the policies' decision about a caller that is not root: the first time, and again within the
second for which it is kept; `anew` is what every request would cost without that.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import report
from clary.aws.access import Ask
from clary.aws.credentials import Keys, Principal
from clary.aws.sigv4 import Signed
from clary.engines.serving.base import CaptureRule, Reply, Route, RouteVariant
from clary.engines.serving.capture import CaptureBounds, Captures
from clary.engines.serving.counters import Counters
from clary.engines.serving.exchange import Exchange
from clary.home import Home
from clary.kernel import ids
from clary.kernel.clock import ManualClock, SystemClock
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.processes.guests import KEPT_SECONDS, Guests

ACCOUNT, REGION = "123456789012", "us-east-1"
KEY = (ACCOUNT, REGION, "cars")
POLICIES = ("AmazonSageMakerFullAccess", "AmazonS3FullAccess", "CloudWatchLogsFullAccess")
BUDGETS = {"counted": 1.0, "captured_10_percent": 1.5}
"""Microseconds; the second with the counting in it would be the sum of both."""


class _Owner:
    def place(self, exchange: Exchange) -> None: ...

    def opened(self, exchange: Exchange) -> None: ...

    def end(self, exchange: Exchange) -> None: ...


def main(smoke: bool) -> None:
    times = 2_000 if smoke else 50_000
    with tempfile.TemporaryDirectory() as directory:
        figures = asyncio.run(_counted(Path(directory), times))
        figures |= _authorised(Path(directory), times)
    notes = [f"{name}: budget {most} us" for name, most in BUDGETS.items()]
    report.keep("serving_parts", {"clary": figures}, {}, smoke=smoke, notes=notes)


async def _counted(directory: Path, times: int) -> dict[str, float]:
    body = b"low,vhigh,4,4,big,med\n"
    exchange = Exchange(_Owner(), KEY, {"content-type": "text/csv"}, body, None)
    exchange.variant, exchange.reply = "blue", Reply(200, {"content-type": "text/csv"}, b"vgood", "blue")
    exchange.sent = time.perf_counter()
    exchange.started = exchange.sent - 0.0001
    now, event = exchange.sent + 0.0003, ids.request_id()
    costs = {}
    for share in (0, 10, 100):
        counters = Counters()
        # On a busy disk the writer falls behind: bounds that drop nothing, or there would be less to measure.
        bounds = CaptureBounds(held_bytes=1 << 40, spool_bytes=1 << 40)
        captures = Captures(directory / str(share), "0", bounds)
        rule = CaptureRule(float(share), True, True, "s3://b/p", ("text/csv",))
        captures.take({KEY: Route(*KEY, (RouteVariant("blue", 1.0, ()),), capture=rule)}, counters)

        def work(counters: Counters = counters) -> None:
            counters.ended(exchange, now, event)

        costs[share] = _cost(work, times, captures.close)
    return {
        "counted": costs[0],
        "captured_10_percent": round(costs[10] - costs[0], 2),
        "captured_100_percent": round(costs[100] - costs[0], 2),
    }


def _authorised(directory: Path, times: int) -> dict[str, float]:
    store, clock = SqliteStore(directory / "clary.db", SystemClock()), ManualClock()
    attached = {"_attached": [f"arn:aws:iam::aws:policy/{name}" for name in POLICIES]}
    allowed = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    allowed |= {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}  # type: ignore[dict-item]
    inline = {"_inline": {"here": json.dumps({"Version": "2012-10-17", "Statement": allowed})}}
    home = Home(ACCOUNT, Keys("AKIAROOT", "secret"), b"m" * 32, 0.0)
    guests = Guests(directory / "clary.db", home, clock)
    origin = {"aws:securetransport": "true", "aws:sourceip": "127.0.0.1", "aws:useragent": "bench"}
    ask = Ask("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/cars", {})
    figures: dict[str, float] = {}
    for name, status in (("role_3_policies", attached), ("role_source_ip", inline)):
        made = {"RoleId": f"AROA{name}", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": 3600, **status}
        store.create(Resource("role", name, ACCOUNT, "", ids.new(), f"arn:aws:iam::{ACCOUNT}:role/{name}", status=made))
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/s"
        caller = Principal(ACCOUNT, session, f"AROA{name}:s", "assumed-role", issued=1.0)
        signed = Signed(caller, "ASIA", REGION, "sagemaker", "", "", "", "", b"")

        def again(signed: Signed = signed) -> None:
            guests.require(signed, ask, origin)

        def anew(signed: Signed = signed) -> None:
            clock.advance(KEPT_SECONDS)
            guests.require(signed, ask, origin)

        figures |= {name: _cost(again, times), f"{name}_anew": _cost(anew, times)}
    guests.close()
    store.close()
    return figures


def _cost(once: Callable[[], None], times: int, after: Callable[[], None] = lambda: None) -> float:
    """Microseconds of CPU time, that of `after` in it and that of an empty loop taken off."""

    def spent(work: Callable[[], None], after: Callable[[], None]) -> float:
        began = time.process_time()
        for _ in range(times):
            work()
        after()
        return time.process_time() - began

    once()
    return round((spent(once, after) - spent(lambda: None, lambda: None)) / times * 1e6, 2)


if __name__ == "__main__":
    main(smoke=True)
