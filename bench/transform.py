"""Rows a second of a batch transform over one CSV object, from Create to Completed.

The peer is one process that does the same with the XGBoost library and pandas alone: read the file, predict, write the
answers. So the ratio is the price of everything else: two runs started, requests, answers, objects stored.
"""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import xgboost

from bench import report, servers

COLUMNS = 20
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
PEER = """
import sys, time
began = time.monotonic()
import pandas, xgboost
booster = xgboost.Booster(model_file=sys.argv[1])
rows = pandas.read_csv(sys.argv[2], header=None, dtype="float32")
scores = booster.inplace_predict(rows.to_numpy())
with open(sys.argv[3], "w") as out:
    out.writelines(f"{score}\\n" for score in scores.tolist())
print(time.monotonic() - began)
"""


def _model(place: Path) -> bytes:
    """A regression of 100 trees, saved at `place` and packed as an artifact."""
    random = np.random.default_rng(1)
    features = random.random((5000, COLUMNS), dtype=np.float32)
    matrix = xgboost.DMatrix(features, label=features.sum(axis=1))
    xgboost.train({"max_depth": 6}, matrix, 100).save_model(place)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(place, "xgboost-model")
    return gzip.compress(packed.getvalue(), 1)


def _rows(count: int) -> bytes:
    random = np.random.default_rng(2)
    lines = [",".join(f"{one:.4f}" for one in row) for row in random.random((min(count, 1000), COLUMNS))]
    return ("\n".join(lines) + "\n").encode() * (count // len(lines))


def main(smoke: bool) -> None:
    count = 1_000 if smoke else 1_000_000
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch, servers.clary() as server:
        place = Path(scratch)
        artifact, body = _model(place / "model.ubj"), _rows(count)
        (place / "rows.csv").write_bytes(body)
        keys = {"aws_access_key_id": server.access_key_id, "aws_secret_access_key": server.secret_access_key}
        clients = {
            name: boto3.client(name, region_name="us-east-1", endpoint_url=server.url, **keys)
            for name in ("iam", "s3", "sagemaker")
        }
        _prepare(clients, artifact, body)
        ours, theirs, control = [], [], []
        for number in range(1 if smoke else 3):
            before = server.cpu_seconds()
            ours.append(_job(clients["sagemaker"], f"bench-{number}"))
            control.append(server.cpu_seconds() - before)
            theirs.append(_peer(place))
        answered = clients["s3"].get_object(Bucket="bench", Key="out/rows.csv.out")["Body"].read()
        same = answered.split() == (place / "out.csv").read_bytes().split()
    assert same and answered.count(b"\n") == count, "the answers differ"
    seconds, alone = min(ours), min(theirs)
    figures = {
        "rows": count,
        "megabytes": round(len(body) / 1e6, 1),
        "clary": {"seconds": round(seconds, 2), "rows_per_second": round(count / seconds)},
        "library": {"seconds": round(alone, 2), "rows_per_second": round(count / alone)},
        "control_cpu_seconds": round(min(control), 3),
    }
    notes = [
        f"{COLUMNS} columns, 100 trees of depth 6; best of the runs; SplitType Line, everything else as AWS's default",
        "control_cpu_seconds: of the server's own processes during the job, the sender and the model's server left out",
    ]
    report.keep("transform", figures, {"seconds_vs_library": round(seconds / alone, 2)}, smoke=smoke, notes=notes)


def _prepare(clients: dict[str, Any], artifact: bytes, body: bytes) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": TRUST})
    role = clients["iam"].create_role(RoleName="bench", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    clients["iam"].attach_role_policy(RoleName="bench", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    clients["s3"].create_bucket(Bucket="bench")
    clients["s3"].put_object(Bucket="bench", Key="model.tar.gz", Body=artifact)
    clients["s3"].put_object(Bucket="bench", Key="in/rows.csv", Body=body)
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bench/model.tar.gz"}
    clients["sagemaker"].create_model(ModelName="bench", ExecutionRoleArn=role, PrimaryContainer=container)


def _job(sagemaker: Any, name: str) -> float:
    """Seconds from Create to Completed."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bench/in/"}
    began = time.monotonic()
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName="bench",
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": "s3://bench/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    while (said := sagemaker.describe_transform_job(TransformJobName=name))["TransformJobStatus"] == "InProgress":
        time.sleep(0.1)
    assert said["TransformJobStatus"] == "Completed", said
    return time.monotonic() - began


def _peer(place: Path) -> float:
    """Seconds that the library alone takes, without the start of Python."""
    paths = [str(place / name) for name in ("model.ubj", "rows.csv", "out.csv")]
    done = subprocess.run([sys.executable, "-c", PEER, *paths], capture_output=True, text=True, check=True)
    return float(done.stdout)
