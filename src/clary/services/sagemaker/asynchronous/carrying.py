"""One asynchronous invocation: its input is read, the model asked, and the answer kept in a file."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clary.aws.service import Context
from clary.engines.serving.base import NoInstance, NoRoute, Reply
from clary.engines.serving.faults import InferenceError, ModelTimeout, Overloaded, Target, fault_in
from clary.kernel.resource import Resource
from clary.services.sagemaker import roles
from clary.services.sagemaker.asynchronous.machine import (
    LARGEST_BYTES,
    TIMEOUT_SECONDS,
    directory,
    input_file,
    key_of,
    output_file,
)
from clary.services.sagemaker.asynchronous.measures import Measures
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError, local_file
from clary.services.sagemaker.roles import NotAssumable

HELD_BYTES = LARGEST_BYTES
"""All inputs that are in memory at the same time, on their way to models. A larger one than what is left waits."""
_HEADERS = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "InferenceId": "x-amzn-sagemaker-inference-id",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """The model has answered, or never will."""

    failure: str = ""
    """Why it failed; "": it did not, and the answer is in its file."""
    content_type: str = ""


class NotNow(Exception):
    """No model has seen it: try again later."""


class NoWord(Exception):
    """A model had it and went away without an answer; the message says how."""


class Carrier:
    """`carry` one at a time, or many at once."""

    def __init__(self, engines: Engines, measures: Measures) -> None:
        self._engines = engines
        self._measures = measures
        self._room = Room(HELD_BYTES)

    async def carry(self, invocation: Resource) -> Ended:
        """It has ended, its answer (if it is good) durably in `output_file`. May be repeated. Raises NotNow, NoWord."""
        try:
            path = await self._input(invocation)
        except (InputError, NotAssumable) as error:
            self._measures.count(invocation, "RequestDownloadFailures")
            return Ended(f"ClientError: {error}")
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            return Ended(f"ClientError: The input has {size} bytes; an input may have {LARGEST_BYTES}.")
        async with self._room.taken(size):
            body = await asyncio.to_thread(path.read_bytes)
            return await self._ask(invocation, body)

    async def _input(self, invocation: Resource) -> Path:
        """The input as a file of this machine. Raises InputError, NotAssumable."""
        uri = invocation.spec.get("InputLocation")
        if uri is None:
            return input_file(self._engines, invocation.uid)
        began = self._engines.clock.ticks()
        ctx = acting(self._engines, invocation)
        path = await local_file(ctx, self._engines.objects, directory(self._engines, invocation.uid), uri)
        self._measures.took(invocation, "RequestDownloadLatency", self._engines.clock.ticks() - began)
        return path

    async def _ask(self, invocation: Resource, body: bytes) -> Ended:
        spec = invocation.spec
        seconds = float(spec.get("InvocationTimeoutSeconds", TIMEOUT_SECONDS))
        headers = {header: spec[name] for name, header in _HEADERS.items() if name in spec}
        account, region, endpoint = key_of(invocation)
        began = self._engines.clock.ticks()
        try:
            reply, parts = await self._engines.serving.invoke_long(account, region, endpoint, body, headers, seconds)
            fault = fault_in(reply, Target(account, region, endpoint))
            if fault is not None:
                client = reply.status < 500
                self._measures.count(invocation, "Invocation4XXErrors" if client else "Invocation5XXErrors")
                self._measures.count(invocation, "InvocationModelErrors")
                side = "ClientError" if client else "InternalServerError"
                return Ended(f"{side}: {fault.message}")
            await self._keep(invocation, parts)
        except (NoRoute, NoInstance, Overloaded) as error:
            raise NotNow(str(error)) from error
        except ModelTimeout:
            return Ended(
                f"ModelError: The model did not answer within {seconds:.0f} seconds (InvocationTimeoutSeconds)."
            )
        except InferenceError as error:
            raise NoWord(str(error)) from error
        self._measures.took(invocation, "ModelLatency", self._engines.clock.ticks() - began)
        return Ended(content_type=_content_type(reply))

    async def _keep(self, invocation: Resource, parts: AsyncIterator[bytes]) -> None:
        path = output_file(self._engines, invocation.uid)
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        try:
            with draft.open("wb") as file:
                async for part in parts:
                    await asyncio.to_thread(file.write, part)
                await asyncio.to_thread(_settle, file)
        finally:
            close = getattr(parts, "aclose", None)
            if close is not None:
                await close()
        draft.replace(path)  # whole or not at all: a crash before this line asks the model again


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _content_type(reply: Reply) -> str:
    return reply.headers.get("content-type", "application/octet-stream")


def acting(engines: Engines, invocation: Resource) -> Context:
    """A context that acts for the endpoint as its model's role. Raises NotAssumable."""
    arn = (
        f"arn:aws:sagemaker:{invocation.region}:{invocation.account}:endpoint/{invocation.spec['EndpointName'].lower()}"
    )
    role = roles.principal(engines.identities, invocation.account, invocation.spec["_role"], arn, engines.clock.now())
    return engines.inside(role, invocation.region)


class Room:
    """So many bytes; who wants more than are left waits until others have gone, in the order of their coming."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._size = size
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        wanted = min(size, self._size)
        async with self._turn:
            while self._free < wanted:
                self._freed.clear()
                await self._freed.wait()
            self._free -= wanted
        try:
            yield
        finally:
            self._free += wanted
            self._freed.set()
