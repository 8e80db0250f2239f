"""Asynchronous endpoints in the small house: a scripted model, topics in a file, a backlog that tests work off."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from clary.aws.errors import ServiceError
from clary.engines.serving.base import Reply
from clary.kernel.clock import Clock
from clary.kernel.metrics import Sample
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import MACHINES, reconcilers
from clary.services.sagemaker.asynchronous.backlog import Backlog
from clary.services.sagemaker.asynchronous.machine import KIND
from clary.services.sagemaker.engines import Engines
from tests.memory_serving import MemoryServing
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, ROOT, XGBOOST, House
from tests.serverless_house import archive

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:results"
Model = Callable[[bytes, Mapping[str, str]], Awaitable[Reply]]


async def upper(body: bytes, headers: Mapping[str, str]) -> Reply:
    return Reply(200, {"content-type": "text/plain"}, body.upper())


class AskedServing(MemoryServing):
    """What the backlog sends goes to `model`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.model: Model = upper
        self.asked: list[bytes] = []

    async def invoke_long(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        self.asked.append(body)
        reply = await self.model(body, headers)
        return reply, _parts(reply.body if reply.status < 300 else b"")


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 3):
        yield body[start : start + 3]


class Sink:
    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def add(self, samples: Any) -> None:
        self.samples += samples

    def told(self, name: str) -> list[float]:
        return [one.values[0] for one in self.samples if one.metric.name == name]


class Published(ServiceError):
    """A topic that is not there."""

    status = 404


class AsyncHouse(House):
    def __init__(self, directory: Path, *, clock: Clock | None = None) -> None:
        super().__init__(directory, clock=clock)
        self.directory = directory
        self.serving = AskedServing(directory / "serving")
        self.sink = Sink()
        self.assemble({"serving": self.serving})

    def assemble(self, others: Mapping[str, Any]) -> None:
        """The reconcilers and the backlog work with other engines."""
        given = {name: getattr(self.engines, name) for name in Engines.__slots__}
        self.engines = Engines(**{**given, **others})
        self.backlog = Backlog(self.engines, self.sink)
        self.reconcilers = {**reconcilers(self.engines), KIND: self.backlog.reconciler}
        self.controller = Controller(self.store, self.clock, self.reconcilers, MACHINES)

    @property
    def published(self) -> list[Doc]:
        """Messages of the topic, oldest first."""
        file = self.directory / "published"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    async def _call(self, ctx: Any, name: str, operation: str, req: Doc) -> Doc:
        if name == "sns":
            if req["TopicArn"] != TOPIC:
                raise Published("Topic does not exist")
            with (self.directory / "published").open("a") as file:
                file.write(req["Message"] + "\n")
            return {"MessageId": "m"}
        return await super()._call(ctx, name, operation, req)

    async def deploy(self, *, instances: int = 1, **config: Any) -> None:
        """The asynchronous endpoint "e" is in service, as `config` (AsyncInferenceConfig) says."""
        self.objects.write("lake", "model.tar.gz", archive(model=b"w"))
        self.objects.write("lake", "in.txt", b"hello")
        primary = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
        await self.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=primary)
        variant = {
            "VariantName": "v",
            "ModelName": "m",
            "InitialInstanceCount": instances,
            "InstanceType": "ml.m5.large",
        }
        topics = {"SuccessTopic": TOPIC, "ErrorTopic": TOPIC}
        output = {"S3OutputPath": "s3://lake/out", "S3FailurePath": "s3://lake/bad/", "NotificationConfig": topics}
        asynchronous = {"OutputConfig": output, **config}
        await self.call(
            "CreateEndpointConfig",
            EndpointConfigName="c",
            ProductionVariants=[variant],
            AsyncInferenceConfig=asynchronous,
        )
        await self.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
        await self.run(1.0)

    async def ask(self, **req: Any) -> Doc:
        given = {"InputLocation": "s3://lake/in.txt"} if "Body" not in req and "InputLocation" not in req else {}
        return await self.backlog.accept(self.inside(ROOT, REGION), {"EndpointName": "e", **given, **req})

    async def work(self) -> None:
        """What can be done now is done, to its end."""
        while True:
            self.backlog.pump.look()
            flew = bool(self.backlog.pump.flying)
            await self.backlog.pump.settle()
            await self.run(0.0)
            if not flew:
                return

    def waiting(self) -> list[Resource]:
        return self.store.page(KIND, Where(), limit=1000)


async def forever(body: bytes, headers: Mapping[str, str]) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError
