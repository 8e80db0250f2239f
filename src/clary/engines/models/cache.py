"""Which models a container has loaded: each is fetched and loaded once, whoever asks first, and the one that was used
longest ago makes room for another."""

import asyncio
import hashlib
import json
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clary.engines.models.base import FAULT, MODELS, Told, read
from clary.engines.models.fetch import NotFetched, fetch
from clary.engines.models.upstream import Upstream
from clary.engines.runners.base import Archive, StartError
from clary.engines.runners.unpack import unpack

MOST_UNPACKED = 256 << 30


class Refusal(Exception):
    """The request has no answer of a model; `validation`: its client can mend that."""

    def __init__(self, status: int, message: str, validation: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {FAULT: "validation"} if validation else {}


@dataclass
class Counted:
    """Since the door opened. Times are microseconds, as SageMaker's metrics are."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    unloads: int = 0
    loading_wait: int = 0
    """What requests have waited for their model to be loaded, all together."""
    downloading: int = 0
    loading: int = 0
    unloading: int = 0
    loaded: int = 0
    """Models that are loaded now."""
    fresh: dict[str, list[int]] = field(default_factory=dict)
    """What was observed since it was last taken, by the name of SageMaker's metric."""

    def saw(self, metric: str, value: int) -> None:
        self.fresh.setdefault(metric, []).append(value)


@dataclass
class Loaded:
    digest: str
    users: int = 0
    ready: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Cache:
    """`ml` is what the run sees as /opt/ml; `told` the file of base.Told."""

    def __init__(self, told: Path, ml: Path, upstream: Upstream) -> None:
        self._told = told
        self._place = ml / Path(MODELS).name
        self._upstream = upstream
        self._models: OrderedDict[str, Loaded] = OrderedDict()
        """The one that was used longest ago first."""
        self._room = asyncio.Condition()
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counted = Counted()

    def doc(self) -> dict[str, Any]:
        ready = sum(one.ready.done() for one in self._models.values())
        return {**asdict(self.counted), "fresh": {}, "loaded": ready}

    def take(self) -> dict[str, list[int]]:
        """What was observed since this was called before, with how many models are loaded now; {} when nothing was."""
        fresh, self.counted.fresh = self.counted.fresh, {}
        return {**fresh, "LoadedModelCount": [self.doc()["loaded"]]} if fresh else {}

    @asynccontextmanager
    async def using(self, name: str) -> AsyncIterator[str]:
        """Within, the model is loaded under the name that is given. Raises Refusal."""
        begun = time.perf_counter()
        one = self._models.get(name)
        if one is not None:
            self._models.move_to_end(name)
            self.counted.hits += one.ready.done()
            self.counted.misses += not one.ready.done()
        else:
            self.counted.misses += 1
            one = self._begin(name)
        one.users += 1
        try:
            waits = not one.ready.done()
            self.counted.saw("ModelCacheHit", 0 if waits else 1)
            await asyncio.shield(one.ready)
            if waits:
                self.counted.loading_wait += _micros(begun)
                self.counted.saw("ModelLoadingWaitTime", _micros(begun))
            yield one.digest
        finally:
            one.users -= 1
            if one.users == 0:
                await self._left(name, one)

    def _begin(self, name: str) -> Loaded:
        """The model is on its way; who waits for it does so on its `ready`."""
        one = self._models[name] = Loaded(hashlib.sha256(name.encode()).hexdigest()[:32])
        one.ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits any more
        task = asyncio.get_running_loop().create_task(self._bring(name, one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return one

    async def _bring(self, name: str, one: Loaded) -> None:
        try:
            told = await asyncio.to_thread(read, self._told)
            await self._fetch(told, name, one)
            async with self._loading:  # one at a time, so that each sees how much room there is
                await self._load(told, name, one)
        except Exception as error:
            if self._models.get(name) is one:
                del self._models[name]
            await asyncio.to_thread(shutil.rmtree, self._place / one.digest, True)
            why = error if isinstance(error, Refusal) else Refusal(500, f"{name} could not be loaded: {error}")
            one.ready.set_exception(why)
            return
        one.ready.set_result(None)

    async def _fetch(self, told: Told, name: str, one: Loaded) -> None:
        key, begun = f"{told.prefix}{name}", time.perf_counter()
        target = self._place / one.digest / "model"
        await asyncio.to_thread(shutil.rmtree, target.parent, True)
        target.mkdir(parents=True)
        with tempfile.NamedTemporaryFile(dir=self._told.parent, suffix=".tar.gz") as file:
            archive = Path(file.name)
            try:
                await asyncio.to_thread(fetch, told, key, archive)
            except NotFetched as error:
                raise Refusal(
                    400,
                    f"Failed to download model data(bucket: {told.bucket}, key: {key}). Please ensure that there is "
                    "an object located at the URL and that the role passed to CreateModel has permissions to "
                    f"download the model. S3 answered {error.status}.",
                    validation=error.status in (403, 404),
                ) from None
            self.counted.downloading += _micros(begun)
            self.counted.saw("ModelDownloadingTime", _micros(begun))
            try:
                await asyncio.to_thread(unpack, Archive(str(target), archive), target, MOST_UNPACKED)
            except StartError as error:
                raise Refusal(500, f"The model {name} could not be unpacked: {error}") from None

    async def _load(self, told: Told, name: str, one: Loaded) -> None:
        """Loaded in the container; whoever is used least makes room, by number and when the container has no more."""
        begun = time.perf_counter()
        said = json.dumps({"model_name": one.digest, "url": f"{MODELS}/{one.digest}/model"}).encode()
        while sum(other.ready.done() for other in self._models.values()) >= max(1, told.most):
            await self._make_room(name)
        while True:
            status, answer = await self._ask("POST", "/models", said)
            if status in (200, 409):
                break
            if status != 507:
                raise Refusal(status if status >= 400 else 500, answer)
            await self._make_room(name)
        self.counted.loads += 1
        self.counted.loading += _micros(begun)
        self.counted.saw("ModelLoadingTime", _micros(begun))

    async def _make_room(self, but: str) -> None:
        """One model less. Waits for one that nobody uses. Raises Refusal when there is no other one."""
        async with self._room:
            while True:
                others = [(name, one) for name, one in self._models.items() if name != but]
                if not any(one.ready.done() for _, one in others):
                    raise Refusal(507, "There is no memory for the model, and no other model that could make room.")
                idle = next(((name, one) for name, one in others if one.ready.done() and one.users == 0), None)
                if idle is not None:
                    break
                await self._room.wait()
            name, one = idle
            del self._models[name]
        await self._unload(one)

    async def _unload(self, one: Loaded) -> None:
        begun = time.perf_counter()
        await self._ask("DELETE", f"/models/{one.digest}", b"")
        await asyncio.to_thread(shutil.rmtree, self._place / one.digest, True)
        self.counted.unloads += 1
        self.counted.unloading += _micros(begun)
        self.counted.saw("ModelUnloadingTime", _micros(begun))

    async def _left(self, name: str, one: Loaded) -> None:
        """Nobody uses the model for now."""
        async with self._room:
            self._room.notify_all()
        if self._models.get(name) is not one or not one.ready.done():
            return
        told = await asyncio.to_thread(read, self._told)
        if not told.keep and one.users == 0 and self._models.get(name) is one:
            del self._models[name]
            await self._unload(one)

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        answer = await self._upstream.ask(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return answer.head.status, (await answer.body()).decode("utf-8", "replace")


def _micros(begun: float) -> int:
    return int((time.perf_counter() - begun) * 1e6)
