"""A model server that holds many models: SageMaker's contract for multi-model containers.

    GET /models                 {"models": [{"modelName", "modelUrl"}, ...]}
    POST /models                {"model_name", "url"}: the model that stands in the directory `url` is loaded
    GET, DELETE /models/NAME    what it is; it is unloaded
    POST /models/NAME/invoke    as /invocations of a server with one model

409: it is loaded already. 507: it would take more memory than there is; whoever loads models unloads another first.
"""

import asyncio
import ctypes
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

from clary.algorithms import serve
from clary.algorithms.connection import Request, Response
from clary.algorithms.contract import Contract, say
from clary.algorithms.serve import Answer, Model, Refused, Server, Settings

ASKED: Final = "SAGEMAKER_MULTI_MODEL"
"""The variable that says "true" to a container of a multi-model endpoint."""
MEMORY: Final = "CLARY_MULTI_MODEL_MEMORY_BYTES"
_THREADS: Final = 16
Load = Callable[[Contract], Model]


def asked(environ: Mapping[str, str]) -> bool:
    """The server shall hold many models."""
    return environ.get(ASKED, "").lower() == "true"


def run(load: Load, environ: Mapping[str, str], *, inline_limit: int | None = None) -> int:
    """Serves until SIGTERM, at first without a model; the exit code. `load` gives the model whose contract stands in a
    directory of its own; a model with a method `close` is closed when it is unloaded."""
    most = environ.get(MEMORY, "").strip()
    bound = int(most) if most.isdigit() else 0
    return serve.run(
        lambda: Nobody(), environ, inline_limit=inline_limit, threads=_THREADS,
        server=lambda _, settings: ManyServer(load, settings, bound),
    )  # fmt: skip


class Nobody:
    """There is no model that a plain /invocations could mean."""

    repeatable = True

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        raise Refused(400, "This server holds many models: POST /models/NAME/invoke")


class ManyServer(Server):
    """`most_bytes`: resident memory of this process and its children beyond which no further model stays loaded; 0:
    as much as there is."""

    def __init__(self, load: Load, settings: Settings, most_bytes: int) -> None:
        super().__init__(Nobody(), settings)
        self._load = load
        self._most_bytes = most_bytes
        self._models: dict[str, tuple[Model, str]] = {}
        self._loading: set[str] = set()

    async def _route(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        match (parts, request.method):
            case (["models"], "GET"):
                return _json({"models": [_told(name, url) for name, (_, url) in self._models.items()]})
            case (["models"], "POST"):
                return await self._add(request)
            case (["models", name], "GET"):
                return _json(_told(name, self._found(name)[1]))
            case (["models", name], "DELETE"):
                return await self._remove(name)
            case (["models", name, "invoke"], "POST"):
                return await self._invoke(request, self._found(name)[0])
        return await super()._route(request)

    def _found(self, name: str) -> tuple[Model, str]:
        if name not in self._models:
            raise Refused(404, f"The model {name} is not loaded")
        return self._models[name]

    async def _add(self, request: Request) -> Response:
        try:
            said = json.loads(request.body)
            name, url = str(said["model_name"]), str(said["url"])
        except (ValueError, KeyError, TypeError):
            raise Refused(400, 'The body must be JSON: {"model_name": NAME, "url": DIRECTORY}') from None
        if name in self._models or name in self._loading:
            raise Refused(409, f"The model {name} is loaded already")
        contract = _contract(url)
        self._loading.add(name)
        try:
            model = await asyncio.get_running_loop().run_in_executor(None, self._load, contract)
        except MemoryError:
            raise Refused(507, f"There is no memory for the model {name}") from None
        except Exception as error:
            say(f"Unable to load the model {name}: {error}", level="ERROR")
            raise Refused(500, f"Unable to load the model: {error}") from None
        finally:
            self._loading.discard(name)
        if self._most_bytes and self._models and resident_bytes() > self._most_bytes:
            await self._close(model)
            raise Refused(507, f"There is no memory for the model {name}: {self._most_bytes:,} bytes are all there is")
        self._models[name] = model, url
        say(f"Loaded the model {name}.")
        return _json({"status": f"Model {name} loaded"})

    async def _remove(self, name: str) -> Response:
        model, _ = self._found(name)
        del self._models[name]
        await self._close(model)
        say(f"Unloaded the model {name}.")
        return _json({"status": f"Model {name} unloaded"})

    async def _close(self, model: Model) -> None:
        close = getattr(model, "close", None)
        if close is not None:
            await asyncio.get_running_loop().run_in_executor(None, cast(Callable[[], None], close))
        del model
        trim()


def _contract(url: str) -> Contract:
    """Of a model whose files stand in the directory `<root>/model`."""
    path = Path(url.removeprefix("file://"))
    if path.name != "model" or not path.is_dir():
        raise Refused(400, f"{url} is not the directory of a model: it must exist and be called model")
    return Contract(path.parent)


def resident_bytes() -> int:
    """What this process and its children hold in memory now."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in ("self", *_children()):
        with suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
    return total


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += (task / "children").read_text().split()
    return found


def trim() -> None:
    """Memory that models have left is given back, or unloading one would make no room for another."""
    with suppress(OSError, AttributeError):  # another libc keeps it
        ctypes.CDLL(None).malloc_trim(0)


def _told(name: str, url: str) -> dict[str, str]:
    return {"modelName": name, "modelUrl": url}


def _json(said: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(said).encode())
