"""The control process's view of the data plane: it writes what is asked, and asks the fronts what is true."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Container, Mapping
from pathlib import Path

from clary.engines.serving.ask import NoFront, ask
from clary.engines.serving.base import STAGES, Reply, Route
from clary.engines.serving.capture import Captures
from clary.engines.serving.counters import Counters
from clary.engines.serving.instance import Limits
from clary.engines.serving.paths import captured_dir, front_sockets, socket_dir
from clary.engines.serving.patient import Patient
from clary.engines.serving.ping import answers_ping
from clary.engines.serving.router import Router
from clary.engines.serving.routes import RouteFile, RouteKey, Table, parse_route
from clary.kernel.resource import Doc

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0


class FrontSilent(Exception):
    """A front that runs does not answer: what it serves is not known."""


class Plane:
    """Implements `Serving`. `directory` holds the durable route table; it is the one named "serving" of a home, unless
    `sockets` says where the fronts' sockets are."""

    def __init__(
        self,
        directory: Path,
        sockets: Path | None = None,
        limits: Limits | None = None,
        captures: Captures | None = None,
    ) -> None:
        """`captures`: of the inferences that this process sends by itself."""
        self._file = RouteFile(directory)
        self._captures = captures or Captures(captured_dir(directory), "control")
        self._serials: dict[str, int] = {}
        """By the name of a front: its last answer to `grown` that came."""
        self._served: Container[RouteKey] = ()
        self._sockets = sockets or socket_dir(directory.parent)
        self._limits = limits
        self._patient = Patient(self._file, self._sockets)
        self._router: Router | None = None
        self._counters = Counters()
        self._stamp = (-1, -1, -1)
        self._writing = asyncio.Lock()

    async def publish(self, route: Route) -> None:
        """Asked, durably. Fronts are told at once; one that does not hear looks at the table within a second or so.

        Raises ValueError when an address is none."""
        for variant in (*route.variants, *route.shadows):
            for address in variant.addresses:
                for stage in address.split(STAGES):
                    check_address(stage)
        async with self._writing:
            await asyncio.to_thread(self._file.put, route)
        await self._tell({"do": "refresh"})
        if self._router is not None:
            await self._fresh_router()  # requests of this process may wait for just that

    async def withdraw(self, account: str, region: str, endpoint: str) -> None:
        """No front serves the endpoint. Raises FrontSilent when one cannot be asked: call again."""
        async with self._writing:
            await asyncio.to_thread(self._file.remove, account, region, endpoint)
        answers = await self._tell({"do": "route", "account": account, "region": region, "endpoint": endpoint})
        for name, answer in answers.items():
            if answer is None or answer["route"] is not None:
                raise FrontSilent(f"front {name} has not given up {endpoint}")

    async def serves(self, route: Route) -> bool:
        """True: at least one front runs, and every one that runs has taken up exactly this route."""
        question = {"do": "route", "account": route.account, "region": route.region, "endpoint": route.endpoint}
        answers = await self._tell(question)
        return bool(answers) and all(
            answer is not None and answer["route"] is not None and parse_route(answer["route"]) == route
            for answer in answers.values()
        )

    async def ready(self, address: str) -> bool:
        return await answers_ping(address, PATIENCE_SECONDS)

    async def invoke(self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The model's answer, whatever its status. Raises NoRoute, NoInstance, or a faults.InferenceError."""
        router = await self._fresh_router()
        lower = {name.lower(): value for name, value in headers.items()}
        return await router.invoke((account, region, endpoint), lower, body)

    async def invoke_stream(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        """The head of the model's answer and its parts. Raises NoRoute, NoInstance, or a faults.InferenceError."""
        router = await self._fresh_router()
        lower = {name.lower(): value for name, value in headers.items()}
        return await router.stream((account, region, endpoint), lower, body)

    async def invoke_long(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        """The head of the model's answer to a request of an asynchronous endpoint, and its parts. Raises NoRoute,
        NoInstance, or a faults.InferenceError."""
        lower = {name.lower(): value for name, value in headers.items()}
        return await self._patient.invoke((account, region, endpoint), lower, body, seconds)

    async def counters(self) -> list[Doc]:
        """What every running front has counted since it started, and this process of the inferences that it sent by
        itself; one Doc each, with "front" and "pid"."""
        found = [answer for answer in (await self._tell({"do": "counters"})).values() if answer is not None]
        if self._router is not None:
            own = {"front": "control", "pid": os.getpid(), "in_flight": self._router.in_flight}
            found.append({**own, "capture_dropped": self._captures.dropped, **self._counters.doc()})
        return found

    async def grown(self) -> list[Doc]:
        """What was counted since this was called before, by every running front and by this process: "front" and
        "variants" as in `counters`. What one tells is lost when this process dies now; none of it is told twice."""
        paths = front_sockets(self._sockets)
        questions = ({"do": "grown", "after": self._serials.get(path.stem)} for path in paths)
        asked = await asyncio.gather(*map(self._ask, paths, questions))
        told = {path.stem: answer for path, (_, answer) in zip(paths, asked, strict=True) if answer is not None}
        self._serials = {name: answer["serial"] for name, answer in told.items()} | {
            name: serial for name, serial in self._serials.items() if name not in told
        }
        own = self._counters.grown(self._serials.get("control"), self._served)
        self._serials["control"] = own["serial"]
        return [*told.values(), {"front": "control", "pid": os.getpid(), **own}]

    async def uses(self) -> list[Doc]:
        """Whom the running fronts let in lately, in the words of who gave them their `uses`."""
        answers = await self._tell({"do": "uses"})
        return [one for answer in answers.values() if answer is not None for one in answer.get("uses", ())]

    def close(self) -> None:
        self._patient.close()
        if self._router is not None:
            self._router.close()
        self._captures.close()

    async def _fresh_router(self) -> Router:
        if self._router is None:
            self._router = Router(self._limits, sockets=self._sockets)
            self._router.ended = lambda exchange: self._counters.ended(exchange, time.perf_counter())
            self._router.copied = self._router.ended
        stamp = self._file.stamp()
        if stamp != self._stamp:
            table: Table = await asyncio.to_thread(self._file.read)
            if table.generation >= self._router.generation:
                self._router.take(table)
                self._captures.take(table.routes, self._counters)
                self._served = table.routes
            self._stamp = stamp
        return self._router

    async def _tell(self, question: Doc) -> dict[str, Doc | None]:
        """The answer of every front that runs, by name; None of one that runs but does not answer."""
        paths = front_sockets(self._sockets)
        answers = await asyncio.gather(*(self._ask(path, question) for path in paths))
        return {path.stem: answer for path, (runs, answer) in zip(paths, answers, strict=True) if runs}

    async def _ask(self, path: Path, question: Doc) -> tuple[bool, Doc | None]:
        try:
            return True, await ask(path, question, PATIENCE_SECONDS)
        except NoFront:
            return False, None
        except TimeoutError:
            logger.warning("a front does not answer", extra={"front": path.stem, "question": question["do"]})
            return True, None


def check_address(address: str) -> None:
    """Raises ValueError unless it is "unix:/path", "graph:WORKER/INSTANCE" or "host:port"."""
    if address.startswith(("unix:/", "graph:")):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{address!r} is not an address: use unix:/path or host:port")
