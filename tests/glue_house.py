"""Glue's jobs and triggers in a small house: real store, controller and logs; scripted runner and clock."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from clary.aws.access import Ask
from clary.aws.authorize import IdentityPolicies, Role, Standing
from clary.aws.credentials import HomeKeyRing, Keys, Principal
from clary.aws.policy import Decision
from clary.aws.service import Context
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import Clock, ManualClock
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.kernel.telemetry import LogStreamName
from clary.services.glue import MACHINES, Engines, reconcilers, service
from clary.services.glue.jobs.rows import RUN
from tests.memory_runner import Behave, MemoryRunner, keeps_running
from tests.sagemaker_house import ACCOUNT, REGION, ROOT, FileObjects

ROLE = f"arn:aws:iam::{ACCOUNT}:role/glue-role"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
)


class House:
    """Everything below one directory; a second House on it goes on where a killed one was cut short."""

    def __init__(self, directory: Path, *, behave: Behave = keeps_running, clock: Clock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.runner = MemoryRunner(directory / "runs", self.clock, behave)
        self.objects = FileObjects(directory / "objects")
        self.logs = SegmentLogs(directory / "logs", self.clock)
        self.scratch = directory / "scratch"
        self.denied: set[str] = set()
        """Actions that nobody may do."""
        self.engines: Any = Engines(
            runner=self.runner,
            spark=self.runner,
            objects=self.objects,  # type: ignore[arg-type]
            logs=self.logs,
            keys=HomeKeyRing(Keys("AKIAROOT", "secret"), ACCOUNT, b"m" * 32),
            clock=self.clock,
            store=self.store,
            inside=self.inside,
            identities=self,
            endpoint_url="http://127.0.0.1:4810",
            scratch=self.scratch,
        )
        self.controller = Controller(self.store, self.clock, reconcilers(self.engines), MACHINES)
        self.runner.watch(lambda uid: self.store.hasten(uid.partition("-")[0]))

    def inside(self, principal: Principal, region: str) -> Context:
        ports = {IdentityPolicies: self}
        made = Context(ACCOUNT, region, principal, "request", self.store, self.clock, ports, self._call)
        return replace(made, authority=self)

    def of(self, principal: Principal) -> Standing:
        return Standing()

    def role(self, arn: str) -> Role | None:
        """Every role of the account is there, but those called "none", and trusts Glue."""
        name = arn.rpartition("/")[2]
        return Role(name, arn, "AROAEXAMPLE", TRUST, 3600) if name not in ("", "none") else None

    def decide(self, ctx: Context, ask: Ask) -> Decision:
        if ask.action in self.denied:
            return Decision("implicitDeny", f"because no identity-based policy allows the {ask.action} action")
        return Decision("allowed")

    def trusts(self, ctx: Context, ask: Ask, trust: str) -> Decision:
        return Decision("allowed")

    async def call(self, operation: str, **req: Any) -> Doc:
        return await self._call(self.inside(ROOT, REGION), "glue", operation, req)

    async def _call(self, ctx: Context, name: str, operation: str, req: Doc) -> Doc:
        if name == "s3":
            return await self.objects.call(operation, req)
        return await service.handlers[operation](ctx, req)

    async def job(self, name: str = "job", *, script: bytes = b"print(1)", **more: Any) -> None:
        """There is a Python shell job of that name."""
        self.objects.write("lake", f"scripts/{name}.py", script)
        await self.call("CreateJob", **job_request(name, **more))

    async def start(self, name: str = "job", **more: Any) -> str:
        return str((await self.call("StartJobRun", JobName=name, **more))["JobRunId"])

    async def shown(self, run_id: str, name: str = "job") -> Doc:
        return dict((await self.call("GetJobRun", JobName=name, RunId=run_id))["JobRun"])

    def row(self, run_id: str) -> Resource:
        return self.store.get(ACCOUNT, REGION, RUN, run_id)

    def runs(self) -> list[Resource]:
        """All runs of all jobs, oldest first."""
        return self.store.page(RUN, Where(account=ACCOUNT, region=REGION), order="created", limit=1000)

    async def run(self, seconds: float = 0.0) -> None:
        """Everything that is due within so many seconds has been looked at, at its time."""
        assert isinstance(self.clock, ManualClock)
        until = self.clock.now() + seconds
        while True:
            while await self.controller.tick():
                pass
            due = self.store.next_due()
            if due is None or due > until:
                self.clock.advance(max(0.0, until - self.clock.now()))
                return
            self.clock.advance(max(0.0, due - self.clock.now()))

    def lines(self, group: str, stream: str) -> list[str]:
        name = LogStreamName(ACCOUNT, REGION, group, stream)
        return [event.message for event in self.logs.last(name, 1000)]

    def close(self) -> None:
        self.store.close()
        self.logs.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def job_request(name: str = "job", **more: Any) -> Doc:
    return {
        "Name": name,
        "Role": ROLE,
        "Command": {"Name": "pythonshell", "ScriptLocation": f"s3://lake/scripts/{name}.py", "PythonVersion": "3.9"},
        **more,
    }
