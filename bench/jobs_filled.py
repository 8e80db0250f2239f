"""Homes whose store holds many training jobs that have ended, as they would be after months of work.

They are written by the Store of this process before the server starts, each with one create and one update, under a
clock of the past: a hundred thousand jobs cannot run here first. No server sees the difference, except for the outbox:
it is trimmed as it goes, as the bus would have done an hour after each job.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clary import home
from clary.config import read
from clary.kernel import ids
from clary.kernel.clock import ManualClock
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore

REGION = "us-east-1"
BEGAN = 1_750_000_000.0
MINUTE = 60.0
RUNNING = 5
"""So many have not ended, however many jobs there are. Nothing is due of them, so they stay as they are."""
_TEAMS = ("churn", "fraud", "pricing", "search", "vision", "wear")
_ENDS = ("Completed",) * 17 + ("Failed", "Failed", "Stopped")


def created(number: int) -> float:
    """When the job of that number was created: one a minute."""
    return BEGAN + number * MINUTE


def name(number: int) -> str:
    """Names in no order of time."""
    return f"{_TEAMS[number % len(_TEAMS)]}-xgboost-{number * 7919 % 1_000_003:07d}"


def fill(directory: Path, jobs: int) -> None:
    """The home `directory` is made, with that many training jobs."""
    config = read(home=directory)
    account = home.make(config).account
    chance = random.Random(7)
    clock = ManualClock(BEGAN)
    with opened(config.state_file, clock) as store:
        for number in range(jobs):
            clock.advance(created(number) - clock.now())
            made = store.create(_job(account, number))
            if number < jobs - RUNNING:
                # Most end within hours; a few are changed long after, so the two times do not sort alike.
                longest = min(3e6 if chance.random() < 0.05 else 7200.0, created(jobs) - created(number))
                clock.advance(chance.uniform(0.0, longest))
                end = chance.choice(_ENDS)
                ended = {"SecondaryStatus": end, "TrainingEndTime": clock.now(), "BillableTimeInSeconds": 60}
                store.update(made, phase=end, due=None, **ended)
            if number % 1000 == 999:
                _trim(store)
        _trim(store)


def _trim(store: SqliteStore) -> None:
    while store.trim(2.0**62, 2**62):
        pass


@contextmanager
def opened(file: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    store = SqliteStore(file, clock)
    try:
        yield store
    finally:
        store.close()


def _job(account: str, number: int) -> Resource:
    of = name(number)
    arn = f"arn:aws:sagemaker:{REGION}:{account}:training-job/{of}"
    started = {"Status": "Starting", "StartTime": created(number), "StatusMessage": "Starting the training job"}
    status = {"SecondaryStatus": "Starting", "SecondaryStatusTransitions": [started]}
    return Resource(
        "training-job", of, account, REGION, ids.new(), arn, "InProgress", spec=request(of, account), status=status
    )


def request(of: str, account: str) -> Doc:
    """A CreateTrainingJob of ordinary size, about 2 KB."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bench/data/", "S3DataDistributionType": "FullyReplicated"}
    channels = ("train", "validation", "test")
    return {
        "TrainingJobName": of,
        "AlgorithmSpecification": {
            "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": f"validation:{one}", "Regex": rf".*\[[0-9]+\].*#011validation-{one}:([-+]?[0-9.]+).*"}
                for one in ("rmse", "mae", "logloss", "merror")
            ],
        },
        "RoleArn": f"arn:aws:iam::{account}:role/bench",
        "HyperParameters": {f"parameter_{number}": f"value-{number}" for number in range(20)},
        "InputDataConfig": [
            {"ChannelName": one, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}} for one in channels
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bench/output/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Tags": [{"Key": "team", "Value": of.partition("-")[0]}, {"Key": "stage", "Value": "bench"}],
    }
