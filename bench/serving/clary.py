"""An endpoint with the car evaluation pipeline, made as a user makes it."""

import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import psutil

from bench import servers
from clary.algorithms.graphs.native import Stage
from clary.aws.sigv4 import derive, sign
from tests.algorithms.graphs import cars

NAME, BUCKET, ROLE = "cars", "bench", "bench"
REGION = "us-east-1"
IMAGES = {
    "scikit-learn": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
    "xgboost": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
    "sparkml-serving": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-sparkml-serving:3.3",
}
SIGNED = 20_000
"""At least so many differently signed requests."""


@dataclass
class Endpoint:
    url: str
    keys: tuple[str, str]
    server: servers.Server
    deploy_s: float = 0.0
    """From CreateEndpoint to InService, asked every few milliseconds."""
    serves: str = ""
    notes: list[str] = field(default_factory=list)

    def processes(self) -> list[psutil.Process]:
        """The data plane: fronts, and what answers behind them."""
        others = ("clary.processes.control", "clary up")
        family = psutil.Process(self.server.pid).children(recursive=True)
        plane = [one for one in family if not any(name in " ".join(one.cmdline()) for name in others)]
        return [*plane, *_kept(self.server.home)]

    def memory_mb(self) -> float:
        return round(sum(one.memory_info().rss for one in self.processes()) / 1e6, 1)

    def requests(self, rows: int, endpoint: str = NAME) -> Sequence[bytes]:
        """As boto3 sends them, each signed for itself: by row, and by the second that it claims to be made in."""
        lines = [",".join(row).encode() + b"\n" for row in cars.rows()]
        bodies = (
            lines
            if rows == 1
            else [b"".join(lines[(n * 37 + k) % len(lines)] for k in range(rows)) for n in range(200)]
        )
        now, made = datetime.now(UTC), []
        day = now.strftime("%Y%m%d")
        key = derive(self.keys[1], day, REGION, "sagemaker")
        wanted = SIGNED if rows == 1 else 1000
        second = 0
        while len(made) < wanted:
            date = (now + timedelta(seconds=second)).strftime("%Y%m%dT%H%M%SZ")
            if not date.startswith(day):  # midnight is near: earlier seconds are as good
                date = (now - timedelta(seconds=second)).strftime("%Y%m%dT%H%M%SZ")
            made += [self._request(endpoint, body, date, day, key) for body in bodies]
            second += 1
        return made

    def _request(self, endpoint: str, body: bytes, date: str, day: str, key: bytes) -> bytes:
        host = self.url.removeprefix("http://")
        path, names = f"/endpoints/{endpoint}/invocations", "content-type;host;x-amz-date"
        said = f"content-type:text/csv\nhost:{host}\nx-amz-date:{date}\n"
        scope = f"{day}/{REGION}/sagemaker/aws4_request"
        digest = sha256(body).hexdigest()
        signature = sign(key, date, scope, f"POST\n{path}\n\n{said}\n{names}\n{digest}")
        return (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\nContent-Type: text/csv\r\n"
            "User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11.7 "
            "md/pyimpl#CPython m/N,E,e,b,Z cfg/retry-mode#standard Botocore/1.44.5\r\n"
            f"X-Amz-Date: {date}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={self.keys[0]}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}\r\namz-sdk-invocation-id: {digest[:32]}\r\n"
            f"amz-sdk-request: attempt=1\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


@contextmanager
def deployed(
    place: Path,
    *,
    fronts: int = 2,
    instances: int = 2,
    capture: int = 10,
    compiled: bool = True,
    graphs_in: str = "fronts",
    endpoints: int = 1,
    artifacts: Callable[[Path], list[Stage]] = cars.artifacts,
) -> Iterator[Endpoint]:
    """A server with the endpoint in service; with `endpoints`, so many of them, named cars, cars-1, cars-2, ..."""
    place.mkdir(parents=True)
    settings = {
        "CLARY_FRONTS": str(fronts),
        "CLARY_COMPILE": "auto" if compiled else "off",
        "CLARY_GRAPHS_IN": graphs_in,
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        with servers.clary(place / "home") as server:
            made = Endpoint(server.url, (server.access_key_id, server.secret_access_key), server)
            _deploy(made, artifacts(place / "model"), instances, capture, endpoints)
            yield made
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def client(endpoint: Endpoint, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint.url,
        region_name=REGION,
        aws_access_key_id=endpoint.keys[0],
        aws_secret_access_key=endpoint.keys[1],
    )


def _deploy(endpoint: Endpoint, stages: Sequence[Stage], instances: int, capture: int, count: int) -> None:
    s3, sagemaker, iam = (client(endpoint, name) for name in ("s3", "sagemaker", "iam"))
    s3.create_bucket(Bucket=BUCKET)
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    containers = []
    for number, stage in enumerate(stages):
        s3.put_object(Bucket=BUCKET, Key=f"{number}.tar.gz", Body=_archive(stage.folder))
        containers.append(
            {
                "Image": IMAGES[stage.image],
                "ModelDataUrl": f"s3://{BUCKET}/{number}.tar.gz",
                "Environment": dict(stage.environ),
            }
        )
    sagemaker.create_model(ModelName=NAME, Containers=containers, ExecutionRoleArn=role["Role"]["Arn"])
    config = {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": NAME,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": instances,
            }
        ]
    }
    if capture:
        config["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": capture,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        }
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, **config)
    # The first endpoint waits for the compilation of its model, which begins when the model is made; what is
    # deployed after that finds the graph. That is what is timed.
    _create(sagemaker, "first")
    sagemaker.delete_endpoint(EndpointName="first")
    _until_gone(sagemaker, "first")
    began = time.monotonic()
    _create(sagemaker, NAME)
    endpoint.deploy_s = round(time.monotonic() - began, 3)
    for number in range(1, count):
        sagemaker.create_endpoint(EndpointName=f"{NAME}-{number}", EndpointConfigName=NAME)
    for number in range(1, count):
        _until_serving(sagemaker, f"{NAME}-{number}", 900)
    images = sagemaker.describe_endpoint(EndpointName=NAME)["ProductionVariants"][0].get("DeployedImages", [{}])
    endpoint.serves = images[0].get("ResolvedImage", "")
    answer = client(endpoint, "sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, ContentType="text/csv", Body=",".join(cars.rows()[-1])
    )
    assert answer["Body"].read().decode().strip() == cars.label(cars.rows()[-1])


def _create(sagemaker: Any, name: str) -> None:
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=NAME)
    _until_serving(sagemaker, name, 120)


def _until_serving(sagemaker: Any, name: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (said := sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] == "Creating":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} is not in service after {seconds} s")
        time.sleep(0.005)
    if said["EndpointStatus"] != "InService":
        raise RuntimeError(f"{name}: {said}")


def _until_gone(sagemaker: Any, name: str) -> None:
    while sagemaker.list_endpoints(NameContains=name)["Endpoints"]:
        time.sleep(0.05)


def _archive(folder: Path) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return made.getvalue()


def _kept(home: Path) -> list[psutil.Process]:
    """Model servers of native instances: runs, which are nobody's children."""
    found = []
    for one in psutil.process_iter(["environ", "cmdline"]):
        line = " ".join(one.info["cmdline"] or [])
        if str(home / "runs") in line or str(home / "runs") in str((one.info["environ"] or {}).get("CLARY_BIND", "")):
            found.append(one)
    return found
