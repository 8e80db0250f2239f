"""What it costs that every job has a trial component, and what a search over very many of them costs.

CPU of this process, in milliseconds: for a job from Create to its end, of who hears of it; for a page of each kind of
search over so many components, of the operation as a service calls it. The longest stretch is how long one search keeps
everybody else from the event loop. No peer: the figures stand alone.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import report
from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel import ids
from clary.kernel.clock import SystemClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.services.sagemaker import service
from clary.services.sagemaker.experiments import tracking

ACCOUNT, REGION = "123456789012", "us-east-1"
HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root")
BUDGET_JOB_MS = 2.0
BUDGET_STRETCH_MS = 50.0
_KIND = "ExperimentTrialComponent"


def main(smoke: bool) -> None:
    jobs, components = (20, 500) if smoke else (500, 20_000)
    with tempfile.TemporaryDirectory() as directory:
        place, clock = Path(directory), SystemClock()
        store = SqliteStore(place / "clary.db", clock, only_writer=True)
        logs = SegmentLogs(place / "logs", clock)
        job_ms = heard(store, logs, clock, jobs)
        fill(store, components)
        ctx = Context(ACCOUNT, REGION, ROOT, "bench", store, clock, {}, _nobody)
        asyncio.run(searched(ctx, {"MaxResults": 1}))  # the first one reads the model, once
        searches = {name: asyncio.run(searched(ctx, told)) for name, told in asked().items()}
        logs.close()
        store.close()
    figures: Doc = {"clary": {"jobs": jobs, "cpu_ms_of_a_job": round(job_ms, 3), "components": components}}
    for name, (cpu, stretch, found) in searches.items():
        figures[f"search: {name}"] = {
            "cpu_ms": round(cpu, 1),
            "longest_stretch_ms": round(stretch, 1),
            "records_in_the_page": found,
        }
    longest = max(stretch for _, stretch, _ in searches.values())
    ratios = {
        "cpu of a job's component, of its budget": round(job_ms / BUDGET_JOB_MS, 2),
        "longest stretch of a search, of its budget": round(longest / BUDGET_STRETCH_MS, 2),
    }
    notes = [f"budgets: {BUDGET_JOB_MS} ms a job, {BUDGET_STRETCH_MS} ms a stretch"]
    report.keep("experiments", figures, ratios, smoke=smoke, notes=notes)


def heard(store: SqliteStore, logs: SegmentLogs, clock: SystemClock, count: int) -> float:
    """Milliseconds of CPU a job, from its making to its end, of who makes its component; without what the bus itself
    costs for a subscriber that does nothing."""
    store.create(Resource("experiment", "e", ACCOUNT, REGION, ids.new(), spec={"ExperimentName": "e"}))
    trial = {"TrialName": "t", "ExperimentName": "e"}
    store.create(Resource("experiment-trial", "t", ACCOUNT, REGION, ids.new(), parent="e", spec=trial))
    for number in range(count):
        job = store.create(
            Resource(
                "training-job",
                f"job-{number}",
                ACCOUNT,
                REGION,
                ids.new(),
                f"{HERE}:training-job/job-{number}",
                "InProgress",
                spec=request(f"job-{number}"),
                status={"SecondaryStatus": "Starting"},
            )
        )
        store.update(job, phase="Completed", TrainingStartTime=1.0, TrainingEndTime=2.0)
    tracks = tracking.Tracking(store, logs)

    async def nothing(event: Any) -> None:
        return None

    spent = []
    for name, handler in (("nothing", nothing), ("components", tracks)):
        bus = Bus(store, clock)
        bus.subscribe(name, Pattern(kind="training-job"), handler)
        spent.append(cpu(lambda bus=bus: asyncio.run(bus.tick())))  # type: ignore[misc]
    return (spent[1] - spent[0]) / count


def request(name: str) -> Doc:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/data/"}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "a/sagemaker-xgboost:1.7-1", "TrainingInputMode": "File"},
        "HyperParameters": {f"p{number}": str(number) for number in range(10)},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/out"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "ExperimentConfig": {"ExperimentName": "e", "TrialName": "t"},
    }


def fill(store: SqliteStore, count: int) -> None:
    """So many components of one trial, each as a job of ten hyperparameters and two metrics leaves it."""
    for number in range(count):
        name = f"run-{number:06}"
        measure = {"n": 9, "mean": 0.5, "m2": 0.1, "min": 0.1, "max": number / count, "last": 0.5, "at": 1.0}
        store.create(
            Resource(
                "experiment-trial-component",
                name,
                ACCOUNT,
                REGION,
                ids.new(),
                f"{HERE}:experiment-trial-component/{name}",
                spec={
                    "TrialComponentName": name,
                    "Parameters": {f"p{one}": {"NumberValue": float(one * number)} for one in range(10)},
                    "InputArtifacts": {"train": {"MediaType": "text/csv", "Value": "s3://lake/data/"}},
                    "Status": {"PrimaryStatus": "Completed"},
                    "Tags": [{"Key": "n", "Value": str(number % 10)}],
                },
                status={"_put": {"train:loss": measure, "validation:acc": measure}},
            )
        )
        store.create(
            Resource(
                "experiment-association",
                f"t/{name}",
                ACCOUNT,
                REGION,
                ids.new(),
                phase="t",
                parent="e",
                spec={"TrialName": "t", "ExperimentName": "e"},
                status={"_refers": [name]},
            )
        )


def asked() -> Mapping[str, Doc]:
    def one(name: str, operator: str, value: str, **more: Any) -> Doc:
        return {"SearchExpression": {"Filters": [{"Name": name, "Operator": operator, "Value": value}]}, **more}

    return {
        "the last changed": {},
        "one by its name": one("TrialComponentName", "Equals", "run-000007"),
        "the best of an experiment": one("Parents.ExperimentName", "Equals", "e", SortBy="Metrics.validation:acc.Max"),
        "the best of all": {"SortBy": "Metrics.validation:acc.Max"},
        "none, by a metric": one("Metrics.validation:acc.Max", "GreaterThan", "2"),
        "none, by a tag": one("Tags.n", "Equals", "none"),
    }


async def searched(ctx: Context, told: Doc) -> tuple[float, float, int]:
    """(milliseconds of CPU, the longest stretch without a pause, records found)."""
    handler, stretches, over = service.handlers["Search"], [0.0], False

    async def others() -> None:
        while not over:
            began = time.thread_time()
            await asyncio.sleep(0)
            stretches.append((time.thread_time() - began) * 1e3)

    beside = asyncio.ensure_future(others())
    await asyncio.sleep(0)
    began = time.process_time()
    said = await handler(ctx, {"Resource": _KIND, **told})
    spent = (time.process_time() - began) * 1e3
    over = True
    await beside
    return spent, max(stretches), len(said["Results"])


def cpu(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


async def _nobody(ctx: Context, name: str, operation: str, params: Doc) -> Doc:
    raise NotImplementedError
