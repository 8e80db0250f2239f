"""What is left to do when an asynchronous invocation has ended: its object, its notification, and then its row goes."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from clary.aws.errors import ServiceError
from clary.jobs.locations import parse
from clary.kernel.objects import read_file
from clary.kernel.reconcile import Step, again, gone, move
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.asynchronous import notices
from clary.services.sagemaker.asynchronous.carrying import acting
from clary.services.sagemaker.asynchronous.machine import TTL_SECONDS, directory, output_file
from clary.services.sagemaker.asynchronous.measures import Measures
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.roles import NotAssumable

FLYING_SECONDS = 60.0
"""How often one is looked at that is under way when its time in the queue is over: it is in the queue no more."""
STUCK_SECONDS = 60.0

log = logging.getLogger(__name__)


class InvocationReconciler:
    """Desired: a request that has ended has its object and its notification, and nothing else is left of it. Every step
    may be repeated after a crash at any line: the object is the same one, and a notification may come twice."""

    def __init__(self, engines: Engines, flies: Callable[[str], bool], measures: Measures) -> None:
        self._engines = engines
        self._flies = flies
        self._measures = measures

    async def __call__(self, invocation: Resource) -> Step:
        match invocation.phase:
            case "Queued":
                return self._expire(invocation)
            case "Completed":
                return await self._complete(invocation)
            case _:
                return await self._fail(invocation)

    def give_up(self, invocation: Resource, error: Exception) -> Step:
        return again(STUCK_SECONDS)  # An answer that the model has given is stored as soon as that can be.

    def _expire(self, invocation: Resource) -> Step:
        # No await between this look and the write: nothing can take off in between.
        if self._flies(invocation.uid):
            return again(FLYING_SECONDS)
        ttl = invocation.spec.get("RequestTTLSeconds", TTL_SECONDS)
        self._measures.count(invocation, "ExpiredRequests")
        why = f"ClientError: The request expired: it waited longer than {ttl} s (RequestTTLSeconds)."
        return move("Failed", after=0.0, Ended=self._engines.clock.now(), FailureReason=why)

    async def _complete(self, invocation: Resource) -> Step:
        output = output_file(self._engines, invocation.uid)
        # The row says Completed since the file is there: without it an earlier look has done all but the last line.
        if output.exists():
            began = self._engines.clock.ticks()
            size = output.stat().st_size
            content_type = invocation.status["ContentType"]
            refused = await self._put(invocation, "OutputLocation", read_file(output), size, content_type)
            if refused is not None:
                self._measures.count(invocation, "ResponseUploadFailures")
                return move("Failed", after=0.0, FailureReason=refused)
            self._measures.took(invocation, "ResponseUploadLatency", self._engines.clock.ticks() - began)
            await self._notify(invocation, output)
            self._measures.count(invocation, "InvocationsProcessed")
            self._measured(invocation)
        return await self._gone(invocation)

    async def _fail(self, invocation: Resource) -> Step:
        said = invocation.status["FailureReason"].encode()
        if "FailureLocation" in invocation.spec:
            refused = await self._put(invocation, "FailureLocation", _once(said), len(said), "text/plain")
            if refused is not None:
                log.warning("a failure could not be stored", extra={"uid": invocation.uid, "why": refused})
        await self._notify(invocation, said)
        self._measures.count(invocation, "InvocationFailures")
        self._measured(invocation)
        return await self._gone(invocation)

    async def _put(
        self, invocation: Resource, member: str, body: AsyncIterator[bytes], size: int, content_type: str
    ) -> str | None:
        """The object is stored, whole; or why it never will be."""
        at = parse(invocation.spec[member])
        params: Doc = {"Bucket": at.bucket, "Key": at.key, "Body": body, "ContentLength": size}
        try:
            ctx = acting(self._engines, invocation)
            await ctx.call("s3", "PutObject", {**params, "ContentType": content_type})
        except NotAssumable as error:
            return f"ClientError: {error}"
        except ServiceError as error:
            if error.http_status >= 500:
                raise
            return f"ClientError: {at} could not be written: {error.error_code}: {error.message}"
        return None

    async def _notify(self, invocation: Resource, response: Path | bytes) -> None:
        topic = notices.topic(invocation)
        if topic is None:
            return
        included = response if notices.includes_response(invocation) else None
        message = await asyncio.to_thread(notices.message, invocation, included)
        try:
            ctx = acting(self._engines, invocation)
            await ctx.call("sns", "Publish", {"TopicArn": topic, "Message": message})
        except (ServiceError, NotAssumable) as error:
            self._measures.count(invocation, "NotificationFailures")
            log.warning(
                "a notification was refused", extra={"uid": invocation.uid, "topic": topic, "error": str(error)}
            )

    def _measured(self, invocation: Resource) -> None:
        self._measures.waited(invocation, "TotalProcessingTime", invocation.status["Ended"] - invocation.created)

    async def _gone(self, invocation: Resource) -> Step:
        # The files before the row: a crash in between finds the row without files, and knows that all is done.
        await asyncio.to_thread(shutil.rmtree, directory(self._engines, invocation.uid), True)
        return gone()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
