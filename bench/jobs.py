"""What a job costs besides its work: the whole way of a job that does nothing, many of them in a queue, and a start on
data that is too large to copy.

The peer of the first is a bare start of the same Python in the same sandbox, in the same run. The 10 GB are ten objects
whose files have holes: they are large for whoever would copy them, and take no room on the disk of the machine.
"""

import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from bench import load, report, servers
from clary.engines.runners.guest import etc, guest
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.sandbox import View, arguments, command_line

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
NOTHING = ["python3", "-c", "pass"]
NOOP_BUDGET, QUEUE_BUDGET = 3.0, 15.0
BUCKET, OBJECTS = "bench-jobs", 10
LOOKS = 'import os; print(sum(entry.stat().st_size for entry in os.scandir("/opt/ml/input/data/big")))'
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


class Clients:
    """What a user has who wants to train."""

    def __init__(self, server: servers.Server) -> None:
        self.server = server
        config = Config(retries={"mode": "standard", "max_attempts": 8}, proxies={})
        given: dict[str, Any] = {
            "aws_access_key_id": server.access_key_id,
            "aws_secret_access_key": server.secret_access_key,
            "region_name": "us-east-1",
            "endpoint_url": server.url,
            "config": config,
        }
        self.sagemaker, self.s3, iam = (boto3.client(name, **given) for name in ("sagemaker", "s3", "iam"))
        self.iam = iam
        document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        self.role: str = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="bench", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        self.s3.create_bucket(Bucket=BUCKET)

    def request(self, name: str, command: list[str], **more: Any) -> dict[str, Any]:
        return {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": command,
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **more,
        }

    def asks(self, operation: str, body: dict[str, Any]) -> bytes:
        """As a waiter sends it: a Describe is answered when there is something new."""
        raw = load.sagemaker(self.server, operation, body)
        return raw.replace(b"\r\n", b"\r\nUser-Agent: bench m/B\r\n", 1)


def ended(clients: Clients, connection: socket.socket, name: str) -> dict[str, Any]:
    """The job's description, at its end."""
    while True:
        said = exchange(connection, clients.asks("DescribeTrainingJob", {"TrainingJobName": name}))
        if said["TrainingJobStatus"] not in ("InProgress", "Stopping"):
            if said["TrainingJobStatus"] != "Completed":
                raise RuntimeError(str(said))
            return said


def exchange(connection: socket.socket, request: bytes) -> dict[str, Any]:
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(body.decode(errors="replace"))
    told: dict[str, Any] = json.loads(body)
    return told


def bare(directory: Path) -> Iterator[float]:
    """Seconds of a start of Python in the sandbox and nothing else, as often as asked; where there is no bubblewrap, of
    one in no sandbox."""
    runner = ProcessRunner(directory / "bare")
    found = runner.probe()
    while found.bubblewrap is None:
        began = time.perf_counter()
        subprocess.run(NOTHING, check=True)
        yield time.perf_counter() - began
    shown, seen_etc = guest(), etc(runner.root)
    ml, tmp = directory / "ml", directory / "tmp"
    ml.mkdir()
    tmp.mkdir()
    env = shown.environment({}, home="/tmp", cpus=None)
    options = arguments(found.bubblewrap, shown, (), View(ml, tmp, seen_etc), env, held=False)
    while True:
        began = time.perf_counter()
        read, write = os.pipe()
        os.write(write, options)
        os.close(write)
        command = command_line(found.bubblewrap, read, NOTHING, resets_signals=found.resets_signals)
        subprocess.run(command, pass_fds=(read,), check=True)
        os.close(read)
        yield time.perf_counter() - began


def connected(server: servers.Server) -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection((where.hostname or "", where.port or 80))


def noop(clients: Clients, directory: Path, rounds: int) -> dict[str, float]:
    """From Create to Completed as a client sees it, and the bare start, by turns."""
    whole, alone = [], []
    starts = bare(directory)
    with closing(connected(clients.server)) as connection:
        for number in range(rounds + 1):
            name = f"noop-{number}"
            create = clients.asks("CreateTrainingJob", clients.request(name, NOTHING))
            began = time.perf_counter()
            exchange(connection, create)
            ended(clients, connection, name)
            whole.append(time.perf_counter() - began)
            alone.append(next(starts))
    # The first ones also load what every later one finds loaded.
    return {
        "noop_job_ms": round(statistics.median(whole[1:]) * 1e3, 1),
        "bare_start_ms": round(statistics.median(alone[1:]) * 1e3, 1),
    }


def queue(clients: Clients, jobs: int) -> dict[str, float]:
    """So many jobs at once, until the last is Completed."""
    names = [f"queued-{number}" for number in range(jobs)]
    requests = [load.sagemaker(clients.server, "CreateTrainingJob", clients.request(one, NOTHING)) for one in names]
    cpu, began = clients.server.cpu_seconds(), time.perf_counter()
    load.run(clients.server, requests, 4)
    created = time.perf_counter() - began
    with closing(connected(clients.server)) as connection:
        while clients.sagemaker.list_training_jobs(StatusEquals="InProgress", MaxResults=1)["TrainingJobSummaries"]:
            for one in names:
                ended(clients, connection, one)
    seconds = time.perf_counter() - began
    return {
        "jobs": jobs,
        "created_s": round(created, 2),
        "jobs_per_second": round(jobs / seconds, 1),
        "server_cpu_ms_a_job": round((clients.server.cpu_seconds() - cpu) / jobs * 1e3, 1),
    }


def large(clients: Clients, gigabytes: int) -> dict[str, float]:
    """A job on so much data: how long until it has ended, and how much was written to the disk for it."""
    home = clients.server.home
    for number in range(OBJECTS):
        clients.s3.put_object(Bucket=BUCKET, Key=f"big/{number}", Body=b"x")
    files = [path for path in (home / "objects").rglob("big/*") if path.is_file()]
    for path in files:
        os.truncate(path, gigabytes * 10**9 // OBJECTS)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/big/"}}
    request = clients.request(
        "big", ["python3", "-c", LOOKS], InputDataConfig=[{"ChannelName": "big", "DataSource": source}]
    )
    free, began = free_bytes(home), time.perf_counter()
    with closing(connected(clients.server)) as connection:
        exchange(connection, clients.asks("CreateTrainingJob", request))
        ended(clients, connection, "big")
    seconds = time.perf_counter() - began
    return {
        "channel_gb": gigabytes,
        "objects": len(files),
        "job_ms": round(seconds * 1e3, 1),
        "disk_mb": round((free - free_bytes(home)) / 1e6, 1),
    }


def free_bytes(path: Path) -> int:
    seen = os.statvfs(path)
    return seen.f_bavail * seen.f_frsize


def main(smoke: bool) -> None:
    rounds, jobs, gigabytes = (1, 4, 1) if smoke else (15, 200, 10)
    with servers.clary() as server, tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        clients = Clients(server)
        one = noop(clients, Path(scratch), rounds)
        data = large(clients, gigabytes)
        many = queue(clients, jobs)
    ratios = {
        "noop_job_vs_bare_start": round(one["noop_job_ms"] / one["bare_start_ms"], 2),
        "queued_job_vs_bare_start": round(1e3 / many["jobs_per_second"] / one["bare_start_ms"], 2),
    }
    notes = [
        f"budgets: a job that does nothing within {NOOP_BUDGET} bare starts; {QUEUE_BUDGET} queued jobs a second",
        "as a client sees it: signed requests over one connection, held as those of a waiter; medians",
        "read the ratios: a machine that others use makes everything slower alike",
        "disk_mb is the whole file system's difference: others write there, too",
    ]
    report.keep("jobs", {"noop": one, "queue": many, "large": data}, ratios, smoke=smoke, notes=notes)
