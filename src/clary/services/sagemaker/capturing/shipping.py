"""From the files that fronts have written to S3, as the model's role.

A file is shipped once its writer has closed it or is dead. Where its objects go follows from the file alone, so one
that was stored and not yet removed when this process was killed is stored again under the same keys: no line is there
twice.
"""

import asyncio
import fcntl
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import Principal
from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.serving.captured import OPEN, WHOLE, Origin, Torn, read
from clary.jobs import locations
from clary.jobs.locations import Location
from clary.kernel.clock import Clock
from clary.kernel.reconcile import backoff
from clary.kernel.telemetry import LogEvent, LogSink, LogStreamName
from clary.services.sagemaker import roles
from clary.services.sagemaker.capturing.lines import line

GIVE_UP_SECONDS: Final = 3600.0
"""What S3 has refused for so long is dropped."""
UNFINISHED: Final = ".new"
LOG_GROUP: Final = "/aws/sagemaker/Endpoints"

log = logging.getLogger(__name__)

Inside = Callable[[Principal, str], Context]


class Unshippable(Exception):
    """It cannot be stored now; the message says why."""


@dataclass(slots=True)
class _Refused:
    """An endpoint's variant whose files S3 does not take."""

    failures: int = 0
    until: float = 0.0
    why: str = ""


@dataclass
class Shipper:
    """`ship` once, or `run` until stopped. Idle it lists one directory every `seconds`."""

    spool: Path
    seconds: float
    inside: Inside
    identities: IdentityPolicies
    logs: LogSink
    clock: Clock
    stored: int = 0
    """Objects that this process has stored."""
    dropped: int = 0
    """Inferences that were captured and could not be stored for GIVE_UP_SECONDS."""
    _refused: dict[tuple[str, str, str, str], _Refused] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what the fronts have closed by then is shipped."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._shipped()
                nap = asyncio.ensure_future(self.clock.sleep(self.seconds))
                await asyncio.wait({stopping, nap}, return_when=asyncio.FIRST_COMPLETED)
                nap.cancel()
            await self._shipped()
        finally:
            stopping.cancel()

    async def _shipped(self) -> None:
        try:
            await self.ship()
        except Exception:
            log.exception("captured inferences could not be looked through")

    async def ship(self) -> int:
        """Every file that nobody writes any more is in S3 and gone from here, but for those that S3 refuses; returns
        how many objects were stored."""
        before = self.stored
        for path in await asyncio.to_thread(self._ended):
            await self._ship_one(path)
        return self.stored - before

    async def _ship_one(self, path: Path) -> None:
        try:
            origin, objects = await asyncio.to_thread(_objects, path)
        except FileNotFoundError:
            return
        except Torn:
            log.warning("a file of captured inferences does not say whose they are", extra={"path": str(path)})
            path.unlink(missing_ok=True)
            return
        now = self.clock.now()
        refused = self._refused.get(_about(origin))
        if refused is not None and now < refused.until:
            return
        try:
            for at, body in objects:
                await self._store(origin, at, body)
        except Unshippable as error:
            self._hold_off(origin, str(error), now)
            if now - path.stat().st_mtime > GIVE_UP_SECONDS:
                self._give_up(origin, path, sum(body.count(b"\n") for _, body in objects))
            return
        # Last: a crash before this line stores the same objects once more.
        path.unlink(missing_ok=True)
        self._refused.pop(_about(origin), None)

    async def _store(self, origin: Origin, at: Location, body: bytes) -> None:
        if not origin.role:
            raise Unshippable("the model has no ExecutionRoleArn as which it could be stored")
        arn = f"arn:aws:sagemaker:{origin.region}:{origin.account}:endpoint/{origin.endpoint}"
        try:
            role = roles.principal(self.identities, origin.account, origin.role, arn, self.clock.now())
            ctx = self.inside(role, origin.region)
            asked = {"Bucket": at.bucket, "Key": at.key, "Body": _once(body), "ContentLength": len(body)}
            await ctx.call("s3", "PutObject", asked)
        except ServiceError as error:
            raise Unshippable(f"{at}: {error.message}") from error
        self.stored += 1

    def _hold_off(self, origin: Origin, why: str, now: float) -> None:
        refused = self._refused.setdefault(_about(origin), _Refused())
        refused.failures += 1
        refused.until = now + backoff(refused.failures)
        if why != refused.why:
            refused.why = why
            self._tell(origin, f"Captured inferences could not be stored, and are kept for a while: {why}")

    def _give_up(self, origin: Origin, path: Path, count: int) -> None:
        path.unlink(missing_ok=True)
        self.dropped += count
        why = self._refused[_about(origin)].why
        hours = GIVE_UP_SECONDS / 3600
        self._tell(
            origin, f"{count} captured inferences are dropped: for {hours:.0f} h they could not be stored: {why}"
        )

    def _tell(self, origin: Origin, message: str) -> None:
        """Into the variant's log, where its owner looks, and into ours."""
        log.warning("captured inferences", extra={"endpoint": origin.endpoint, "said": message})
        stream = LogStreamName(
            origin.account, origin.region, f"{LOG_GROUP}/{origin.endpoint}", f"{origin.variant}/data-log"
        )
        self.logs.append(stream, [LogEvent(int(self.clock.now() * 1000), message)])

    def _ended(self) -> list[Path]:
        """Files that nobody writes any more, the oldest first."""
        found = []
        try:
            listed = list(self.spool.iterdir())
        except FileNotFoundError:
            return []
        for path in listed:
            try:
                modified = path.stat().st_mtime
                if path.suffix == WHOLE or (path.suffix == OPEN and _is_dead(path)):
                    found.append((modified, path))
                elif path.suffix == UNFINISHED and self.clock.now() - modified > GIVE_UP_SECONDS:
                    path.unlink()  # its writer died before it wrote a byte
            except FileNotFoundError:
                continue  # it was closed, and has another name now
        return [path for _, path in sorted(found)]


def _is_dead(path: Path) -> bool:
    """Its writer holds its lock for as long as it lives."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _objects(path: Path) -> tuple[Origin, list[tuple[Location, bytes]]]:
    """The file's objects: one, or one for each hour that it touches. Raises Torn, OSError."""
    origin, captured = read(path)
    hours: dict[str, tuple[float, list[bytes]]] = {}
    for one in captured:
        hour = time.strftime("%Y/%m/%d/%H", time.gmtime(one.at))
        hours.setdefault(hour, (one.at, []))[1].append(line(origin.rule, one))
    below = locations.parse(origin.rule.destination).child(origin.endpoint, origin.variant)
    found = []
    for hour, (first, lines) in hours.items():
        minute = time.strftime("%M-%S", time.gmtime(first))
        name = f"{minute}-{int(first % 1 * 1000):03}-{uuid.uuid5(uuid.NAMESPACE_URL, f'{path.stem}/{hour}')}.jsonl"
        found.append((below.child(hour, name), b"".join(lines)))
    return origin, found


def _about(origin: Origin) -> tuple[str, str, str, str]:
    return origin.account, origin.region, origin.endpoint, origin.variant


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
