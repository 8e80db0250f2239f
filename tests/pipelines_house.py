"""Pipelines in a small house: real store, controller and wire over boto3; scripted runner and clock."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from clary.aws.authorize import IdentityPolicies
from clary.aws.service import Service
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.runners.base import Work
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.services import iam, s3, sagemaker
from clary.services.sagemaker.pipelines.waking import SUBSCRIBER, StepWaker
from tests.inprocess import ACCOUNT, URL, InProcess, make_role
from tests.memory_runner import MemoryRunner
from tests.memory_serving import MemoryServing
from tests.sagemaker_house import SKLEARN

Doc = dict[str, Any]
LIVE = ("Executing", "Stopping")


class PipelinesHouse:
    """There are a bucket "lake" and a role that may do everything. `codes` says with which exit code the job of a step
    ends (0 unless said): a list holds one for each attempt, None: it runs on. `files` is what a step's job leaves at
    its output `out`."""

    def __init__(
        self, directory: Path, *, services: Sequence[Service] = (), ports: Mapping[type, Any] | None = None
    ) -> None:
        # Signatures are checked against it, and botocore sends times in whole seconds.
        self.clock = ManualClock(float(int(time.time())))
        self.objects = DiskObjects(directory / "objects", self.clock)
        self.logs = SegmentLogs(directory / "logs", self.clock)
        self.codes: dict[str, int | list[int | None] | None] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.ran: list[str] = []
        """The names of the jobs that ran, in order."""
        self.runner = MemoryRunner(directory / "runs", self.clock, self._behave)
        ports = {BucketStore: self.objects, ObjectStore: self.objects, **(ports or {})}
        served = [iam.service, sagemaker.service, s3.service, *services]
        self.inside = InProcess(directory, served, clock=self.clock, ports=ports)
        self.role = make_role(self.inside)
        self.sagemaker = self.inside.client("sagemaker")
        self.s3 = self.inside.client("s3")
        self.s3.create_bucket(Bucket="lake")
        self.store = self.inside.raw_store
        self.engines = sagemaker.Engines(
            runner=self.runner,
            serving=MemoryServing(directory / "serving"),
            objects=self.objects,
            logs=self.logs,
            keys=self.inside.ring,
            clock=self.clock,
            store=self.store,
            inside=self.inside.gateway.inside,
            identities=self.inside.ports[IdentityPolicies],
            endpoint_url=URL,
            scratch=directory / "scratch",
        )
        self.restart()

    def restart(self) -> None:
        """Whatever reconcilers kept in memory is gone."""

        def make() -> None:
            self.controller = Controller(
                self.store, self.clock, sagemaker.reconcilers(replace(self.engines)), sagemaker.MACHINES
            )
            self.bus = Bus(self.store, self.clock)
            self.bus.subscribe_batch(SUBSCRIBER, Pattern(type="moved"), StepWaker(self.store))

        self.inside.thread.call(make)

    def _behave(self, uid: str, work: Work, root: Path) -> int | None:
        name = work.env["PROCESSING_JOB_NAME"]
        self.ran.append(name)
        step = step_of(name)
        for path, content in self.files.get(step, {}).items():
            (root / "processing" / "out" / path).write_bytes(content)
        code = self.codes.get(step, 0)
        if isinstance(code, list):
            code = code.pop(0)
        if code:
            (root / "output").mkdir(exist_ok=True)
            (root / "output" / "failure").write_text(f"{step} went wrong")
        return code

    def end(self, step: str, code: int = 0) -> None:
        """The running job of that step ends."""
        for job in self.sagemaker.list_processing_jobs(StatusEquals="InProgress", NameContains=step)[
            "ProcessingJobSummaries"
        ]:
            uid = self.inside.store.by_arn(job["ProcessingJobArn"]).uid
            self.inside.thread.call(self.runner.end, uid, code)
        self.go(1)

    def go(self, seconds: float = 0.0) -> None:
        """Everything that is due within so many seconds has been looked at, at its time."""

        async def go() -> None:
            until = self.clock.now() + seconds
            while True:
                while await self.controller.tick() + await self.bus.tick():
                    pass
                due = self.store.next_due()
                if due is None or due > until:
                    self.clock.advance(max(0.0, until - self.clock.now()))
                    return
                self.clock.advance(max(0.0, due - self.clock.now()))

        self.inside.run(asyncio.wait_for(go(), 30.0))

    def create(self, *steps: Doc, name: str = "p", **more: Any) -> str:
        """The ARN of a pipeline of these steps. `more` are members of the definition."""
        text = json.dumps(definition(*steps, **more))
        made = self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=self.role)
        arn: str = made["PipelineArn"]
        return arn

    def start(self, name: str = "p", **more: Any) -> str:
        arn: str = self.sagemaker.start_pipeline_execution(PipelineName=name, **more)["PipelineExecutionArn"]
        return arn

    def run(self, *steps: Doc, seconds: float = 60.0, **more: Any) -> str:
        """The ARN of an execution of a new pipeline, so many seconds later."""
        self.create(*steps, **more)
        arn = self.start()
        self.go(seconds)
        return arn

    def said(self, arn: str) -> Doc:
        found: Doc = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return found

    def steps(self, arn: str) -> dict[str, Doc]:
        """PipelineExecutionSteps by name, the first first."""
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        return {one["StepName"]: one for page in pages for one in page["PipelineExecutionSteps"]}

    def statuses(self, arn: str) -> dict[str, str]:
        return {name: one["StepStatus"] for name, one in self.steps(arn).items()}

    def close(self) -> None:
        self.inside.close()
        self.objects.close()
        self.logs.close()


@contextmanager
def pipelines_house(directory: Path) -> Iterator[PipelinesHouse]:
    made = PipelinesHouse(directory)
    try:
        yield made
    finally:
        made.close()


def step_of(job: str) -> str:
    """The step whose attempt made the job of that name."""
    return job.split("-", 2)[2].rpartition("-")[0]


def definition(*steps: Doc, **more: Any) -> Doc:
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps), **more}


def processing(name: str, *after: str, arguments: Doc | None = None, **more: Any) -> Doc:
    """A step whose job has one output, `out`; it depends on the steps `after`."""
    out = {"S3Uri": f"s3://lake/{name}", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    said = {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/job-role",
        "AppSpecification": {"ImageUri": SKLEARN, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": out}]},
        **(arguments or {}),
    }
    waits = {"DependsOn": list(after)} if after else {}
    return {"Name": name, "Type": "Processing", "Arguments": said, **waits, **more}


def condition(name: str, *conditions: Doc, then: list[Doc], otherwise: list[Doc], after: tuple[str, ...] = ()) -> Doc:
    waits = {"DependsOn": list(after)} if after else {}
    said = {"Conditions": list(conditions), "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": said, **waits}


def fails(name: str, message: Any, *after: str) -> Doc:
    waits = {"DependsOn": list(after)} if after else {}
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **waits}
