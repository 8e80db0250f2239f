"""SageMaker's reconcilers in a small house: real store, controller and logs; scripted runner, serving and clock."""

import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from clary.aws.access import Ask
from clary.aws.authorize import IdentityPolicies, Role, Standing
from clary.aws.credentials import HomeKeyRing, Keys, Principal
from clary.aws.errors import ServiceError
from clary.aws.policy import Decision
from clary.aws.service import Context
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import Clock, ManualClock
from clary.kernel.objects import Stat
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import MACHINES, Engines, reconcilers, service
from tests.memory_runner import Behave, MemoryRunner, keeps_running
from tests.memory_serving import MemoryServing

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/job-role"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root")


class NoSuchBucket(ServiceError):
    """The specified bucket does not exist."""

    status = 404


class NoSuchKey(ServiceError):
    """The specified key does not exist."""

    status = 404


class FileObjects:
    """Objects as plain files: as much of S3 as the reconcilers call, and the ObjectStore's `local`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.remote = False
        """Set: no object has a file on this machine, so inputs must be fetched."""
        self.broken: ServiceError | None = None
        """Set: PutObject raises it."""
        self.puts: list[str] = []

    def write(self, bucket: str, key: str, body: bytes) -> None:
        path = self._root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def read(self, bucket: str, key: str) -> bytes:
        return (self._root / bucket / key).read_bytes()

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        top = self._root / bucket
        if not top.is_dir():
            raise NoSuchBucket("The specified bucket does not exist")
        found = [path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()]
        return sorted(key for key in found if key.startswith(prefix) and not key.endswith(".draft"))

    def local(self, bucket: str, key: str) -> Path | None:
        path = self._root / bucket / key
        return None if self.remote or not path.is_file() else path

    async def head(self, bucket: str, key: str) -> Stat:
        raise NotImplementedError

    async def call(self, operation: str, req: Doc) -> Doc:
        bucket = req["Bucket"]
        match operation:
            case "ListObjectsV2":
                keys = self.keys(bucket, req["Prefix"])
                # Two keys a page, so that every test walks the pages.
                start = int(req.get("ContinuationToken", "0"))
                page = {"Contents": [{"Key": key} for key in keys[start : start + 2]]}
                return page | ({"NextContinuationToken": str(start + 2)} if len(keys) > start + 2 else {})
            case "HeadObject" | "GetObject" if req["Key"] not in self.keys(bucket):
                raise NoSuchKey("The specified key does not exist.")
            case "HeadObject":
                return {"ETag": f'"{hashlib.md5(self.read(bucket, req["Key"])).hexdigest()}"'}
            case "GetObject":
                return {"Body": _stream(self.read(bucket, req["Key"]))}
            case "PutObject":
                return await self._put(bucket, req)
        raise AssertionError(operation)

    async def _put(self, bucket: str, req: Doc) -> Doc:
        if self.broken is not None:
            raise self.broken
        self.keys(bucket)
        body = b"".join([chunk async for chunk in req["Body"]])
        path = self._root / bucket / req["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".draft")
        draft.write_bytes(body)
        draft.replace(path)
        self.puts.append(f"{bucket}/{req['Key']}")
        return {"ETag": '"x"'}


async def _stream(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


class House:
    """Everything below one directory; a second House on it goes on where a killed one was cut short."""

    def __init__(self, directory: Path, *, behave: Behave = keeps_running, clock: Clock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.runner = MemoryRunner(directory / "runs", self.clock, behave)
        self.serving = MemoryServing(directory / "serving")
        self.objects = FileObjects(directory / "objects")
        self.logs = SegmentLogs(directory / "logs", self.clock)
        self.keys = HomeKeyRing(Keys("AKIAROOT", "secret"), ACCOUNT, b"m" * 32)
        self.alarms: dict[str, str] = {}
        """The state of every alarm that there is, by its name."""
        self.scratch = directory / "scratch"
        self.engines: Any = Engines(
            runner=self.runner,
            serving=self.serving,
            objects=self.objects,  # type: ignore[arg-type]
            logs=self.logs,
            keys=self.keys,
            clock=self.clock,
            store=self.store,
            inside=self.inside,
            identities=self,
            endpoint_url="http://127.0.0.1:4810",
            scratch=self.scratch,
        )
        self.reconcilers = reconcilers(self.engines)
        self.controller = Controller(self.store, self.clock, self.reconcilers, MACHINES)
        self.runner.watch(lambda uid: self.store.hasten(uid.partition("-")[0]))

    def inside(self, principal: Principal, region: str) -> Context:
        ports = {IdentityPolicies: self}
        made = Context(ACCOUNT, region, principal, "request", self.store, self.clock, ports, self._call)
        return replace(made, authority=self)

    def of(self, principal: Principal) -> Standing:
        """Everybody may do everything here."""
        return Standing()

    def role(self, arn: str) -> Role | None:
        """Every role of the account is there, but those called "none", and trusts SageMaker."""
        name = arn.rpartition("/")[2]
        return Role(name, arn, "AROAEXAMPLE", TRUST, 3600) if name not in ("", "none") else None

    def decide(self, ctx: Context, ask: Ask) -> Decision:
        return Decision("allowed")

    def trusts(self, ctx: Context, ask: Ask, trust: str) -> Decision:
        return Decision("allowed")

    async def call(self, operation: str, **req: Any) -> Doc:
        return await self._call(self.inside(ROOT, REGION), "sagemaker", operation, req)

    async def _call(self, ctx: Context, name: str, operation: str, req: Doc) -> Doc:
        if name == "s3":
            return await self.objects.call(operation, req)
        if (name, operation) == ("cloudwatch", "DescribeAlarms"):
            found = [one for one in req["AlarmNames"] if one in self.alarms]
            return {"MetricAlarms": [{"AlarmName": one, "StateValue": self.alarms[one]} for one in found]}
        return await service.handlers[operation](ctx, req)

    def get(self, kind: str, name: str) -> Resource:
        return self.store.get(ACCOUNT, REGION, kind, name)

    async def run(self, seconds: float = 0.0) -> None:
        """Everything that is due within so many seconds has been looked at, at its time."""
        assert isinstance(self.clock, ManualClock)
        until = self.clock.now() + seconds
        while True:
            while await self.controller.tick():
                self._nothing_is_forgotten()
            due = self.store.next_due()
            if due is None or due > until:
                self.clock.advance(max(0.0, until - self.clock.now()))
                return
            self.clock.advance(max(0.0, due - self.clock.now()))

    def _nothing_is_forgotten(self) -> None:
        """Hints wake no row without a time of its own: whatever is not at its end must have one."""
        for kind, machine in MACHINES.items():
            for one in self.store.page(kind, Where(), limit=1000):
                at_rest = machine.settled(one.phase) or one.phase == "Failed"
                assert one.due is not None or at_rest, f"{kind} {one.name} rests in {one.phase} for ever"

    def lines(self, group: str) -> list[str]:
        """All lines of a log group, stream by stream."""
        found = []
        for stream in self.logs.streams(ACCOUNT, REGION, group):
            found += [event.message for event in self.logs.last(LogStreamName(ACCOUNT, REGION, group, stream), 1000)]
        return found

    def count(self, kind: str) -> int:
        return self.store.count(kind, Where(account=ACCOUNT, region=REGION))

    def close(self) -> None:
        self.store.close()
        self.logs.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def training_request(name: str = "job", **more: Any) -> Doc:
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "HyperParameters": {"num_round": "3"},
        "InputDataConfig": [channel("train")],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more,
    }


def channel(name: str, prefix: str | None = None, **more: Any) -> Doc:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{prefix or f'data/{name}/'}"}
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}, **more}


def processing_request(name: str = "job", **more: Any) -> Doc:
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
            "ContainerArguments": ["--seed", "7"],
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
        },
        "ProcessingInputs": [
            {
                "InputName": "raw",
                "S3Input": {
                    "S3Uri": "s3://lake/raw/",
                    "LocalPath": "/opt/ml/processing/input/raw",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "features",
                    "S3Output": {
                        "S3Uri": "s3://lake/features",
                        "LocalPath": "/opt/ml/processing/output/features",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        **more,
    }
