"""Batch transform over everything that is real but the front: sandboxed servers and senders, XGBoost, boto3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from tests.inprocess import ACCOUNT, REGION
from tests.real import until
from tests.sagemaker_house import ROLE, SKLEARN, XGBOOST
from tests.services.test_sagemaker_endpoints import archive
from tests.services.test_sagemaker_real import Machine

pytestmark = pytest.mark.slow

COLUMNS = 4


def booster(columns: int, seed: int) -> bytes:
    """A small regression as XGBoost saves it."""
    random = np.random.default_rng(seed)
    features = random.random((200, columns), dtype=np.float32)
    matrix = xgboost.DMatrix(features, label=features.sum(axis=1) + seed)
    return bytes(xgboost.train({"max_depth": 3, "nthread": 1}, matrix, 5).save_raw("ubj"))


def rows(count: int, columns: int = COLUMNS, seed: int = 7) -> bytes:
    random = np.random.default_rng(seed)
    return b"".join(b",".join(b"%.4f" % one for one in row) + b"\n" for row in random.random((count, columns)))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("transform"))
    try:
        made.s3.create_bucket(Bucket="lake")
        containers = []
        for name, columns in (("first", COLUMNS), ("second", 1)):
            url = f"s3://lake/models/{name}.tar.gz"
            packed = archive(**{"xgboost-model": booster(columns, columns)})
            made.s3.put_object(Bucket="lake", Key=f"models/{name}.tar.gz", Body=packed)
            containers.append({"Image": XGBOOST, "ModelDataUrl": url})
            made.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=containers[-1])
        made.sagemaker.create_model(ModelName="chain", ExecutionRoleArn=ROLE, Containers=containers)
        yield made
    finally:
        made.close()


def transform(machine: Machine, name: str, model: str = "first", **more: Any) -> dict[str, Any]:
    """The job at its end. `more` is taken apart into the structures it belongs to."""
    given = {key: more.pop(key) for key in ("ContentType", "SplitType", "CompressionType") if key in more}
    wanted = {key: more.pop(key) for key in ("Accept", "AssembleWith") if key in more}
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{more.pop('prefix', f'{name}/in/')}"}
    machine.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", **given},
        TransformOutput={"S3OutputPath": f"s3://lake/{name}/out", **wanted},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": more.pop("InstanceCount", 1)},
        **more,
    )

    def ended() -> Any:
        said = machine.sagemaker.describe_transform_job(TransformJobName=name)
        return said if said["TransformJobStatus"] not in ("InProgress", "Stopping") else None

    said: dict[str, Any] = until(ended, 60.0, "the transform job to end")
    return said


def put(machine: Machine, key: str, body: bytes) -> None:
    machine.s3.put_object(Bucket="lake", Key=key, Body=body)


def read(machine: Machine, key: str) -> bytes:
    body: bytes = machine.s3.get_object(Bucket="lake", Key=key)["Body"].read()
    return body


def keys(machine: Machine, prefix: str) -> list[str]:
    listed = machine.s3.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])
    return [one["Key"].removeprefix(prefix) for one in listed]


def endpoint(machine: Machine, name: str) -> None:
    """An endpoint of the model, of the same name."""
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    machine.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    machine.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def in_service() -> bool:
        said = machine.sagemaker.describe_endpoint(EndpointName=name)
        assert said["EndpointStatus"] != "Failed", said["FailureReason"]
        return bool(said["EndpointStatus"] == "InService")

    until(in_service, 60.0, "the endpoint to come into service")


def ask(machine: Machine, name: str, body: bytes) -> bytes:
    reply = machine.inside.run(machine.plane.invoke(ACCOUNT, REGION, name, body, {"content-type": "text/csv"}))
    assert reply.status == 200, reply.body
    return reply.body


@pytest.mark.timeout(240)
def test_the_same_bytes_as_the_endpoints_answer(machine: Machine) -> None:
    body = rows(500)
    put(machine, "same/in/deep/a.csv", body)
    put(machine, "same/in/b.csv", body[: body.index(b"\n")])
    assert transform(machine, "same").get("FailureReason") is None
    assert keys(machine, "same/out/") == ["b.csv.out", "deep/a.csv.out"]
    assert transform(machine, "chained", "chain", prefix="same/in/").get("FailureReason") is None
    for name in ("first", "second"):
        endpoint(machine, name)
    first = ask(machine, "first", body)
    assert first.count(b"\n") == 500
    assert read(machine, "same/out/deep/a.csv.out") == first
    assert read(machine, "same/out/b.csv.out") == ask(machine, "first", body[: body.index(b"\n")])
    assert read(machine, "chained/out/deep/a.csv.out") == ask(machine, "second", first)
    for name in ("first", "second"):
        machine.sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: not machine.sagemaker.list_endpoints()["Endpoints"], 30.0, "the endpoints to go")
    until(lambda: not machine.inside.run(machine.runner.uids()), 10.0, "the runs to be removed")


def test_joined_filtered_and_shared_by_two_hosts(machine: Machine) -> None:
    lines = rows(6).splitlines()
    for number in range(3):
        body = b"".join(b"id%d,%b\n" % (row, line) for row, line in enumerate(lines[number * 2 : number * 2 + 2]))
        put(machine, f"joined/in/{number}.csv", body)
    said = transform(
        machine,
        "joined",
        SplitType="Line",
        AssembleWith="Line",
        Accept="text/csv",
        InstanceCount=2,
        BatchStrategy="SingleRecord",
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    assert said["TransformJobStatus"] == "Completed", said
    assert keys(machine, "joined/out/") == ["0.csv.out", "1.csv.out", "2.csv.out"]
    model = xgboost.Booster(model_file=bytearray(booster(COLUMNS, COLUMNS)))
    for number in range(3):
        told = [line.split(",") for line in read(machine, f"joined/out/{number}.csv.out").decode().splitlines()]
        assert [name for name, _ in told] == ["id0", "id1"]
        cells = [[float(cell) for cell in line.split(b",")] for line in lines[number * 2 : number * 2 + 2]]
        expected = model.inplace_predict(np.array(cells, np.float32))
        assert [float(value) for _, value in told] == pytest.approx(expected.tolist())


def test_a_bad_object_fails_the_job_in_the_models_words_and_the_others_are_stored(machine: Machine) -> None:
    put(machine, "bad/in/a.csv", rows(3))
    put(machine, "bad/in/b.csv", b"1,2\n")
    put(machine, "bad/in/c.csv", rows(3))
    said = transform(machine, "bad", SplitType="Line")
    assert said["TransformJobStatus"] == "Failed"
    assert said["FailureReason"] == (
        "ClientError: b.csv: Bad HTTP status received from algorithm: 400\n\nMessage:\n"
        "Row 1 has 2 columns, but the model takes 4."
    )
    assert keys(machine, "bad/out/") == ["a.csv.out", "c.csv.out"]
    streams = machine.inside.thread.call(machine.logs.streams, ACCOUNT, REGION, "/aws/sagemaker/TransformJobs")
    assert sorted(one.rpartition("/")[2] == "data-log" for one in streams if one.startswith("bad/")) == [False, True]


def test_larger_payloads_than_a_server_takes_by_itself(machine: Machine) -> None:
    body = rows(1000) * 230
    assert len(body) > 6 << 20
    put(machine, "large/in/a.csv", body)
    said = transform(machine, "large", MaxPayloadInMB=10)
    assert said["TransformJobStatus"] == "Completed", said
    assert read(machine, "large/out/a.csv.out").count(b"\n") == 230_000
    assert said["MaxPayloadInMB"] == 10
    chunked = transform(machine, "chunked", MaxPayloadInMB=0, prefix="large/in/")
    assert chunked["TransformJobStatus"] == "Completed", chunked
    assert read(machine, "chunked/out/a.csv.out") == read(machine, "large/out/a.csv.out")


def test_a_model_that_does_not_load_is_told(machine: Machine, tmp_path: Path) -> None:
    put(machine, "models/broken.tar.gz", archive(**{"xgboost-model": b"no model"}))
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/models/broken.tar.gz"}
    machine.sagemaker.create_model(ModelName="broken", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    put(machine, "broken/in/a.csv", rows(1))
    said = transform(machine, "broken", "broken")
    assert said["TransformJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the model's container ended with exit code: 1")
    assert "Unable to load the model" in said["FailureReason"]


SCRIPT = b"""
def model_fn(model_dir):
    return 3

def input_fn(body, kind):
    return [[float(cell) for cell in line.split(",")] for line in body.split()]

def predict_fn(rows, model):
    return [model * sum(row) for row in rows]

def output_fn(out, accept):
    return "".join(f"{one}\\n" for one in out), "text/csv"
"""


def test_a_program_of_the_users_answers(machine: Machine) -> None:
    put(machine, "models/script.tar.gz", archive(weights=b"3"))
    put(machine, "code/source.tar.gz", archive(**{"inference.py": SCRIPT}))
    environ = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://lake/code/source.tar.gz"}
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://lake/models/script.tar.gz", "Environment": environ}
    machine.sagemaker.create_model(ModelName="script", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    put(machine, "script/in/a.csv", b"one,1,2\ntwo,3,4\n")
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    said = transform(machine, "script", "script", SplitType="Line", DataProcessing=processing)
    assert said["TransformJobStatus"] == "Completed", said
    assert read(machine, "script/out/a.csv.out") == b"one,9.0\ntwo,21.0\n"
