"""A real server with a pipeline, with containers that are named, and with a multi-model endpoint of many artifacts."""

import io
import os
import pickle
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import xgboost
from botocore.exceptions import ClientError
from sklearn.preprocessing import StandardScaler

from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST

pytestmark = [pytest.mark.server, pytest.mark.slow]
MODELS = 60
LOADED = 8
ROWS = np.random.default_rng(5).random((200, 3)).astype(np.float32)
LABELS = ROWS @ np.array([1, 2, 3], np.float32)


def packed(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def booster(level: float) -> xgboost.Booster:
    """A model that answers about that level, whatever it is asked."""
    data = xgboost.DMatrix(ROWS, label=LABELS * 0 + level)
    return xgboost.train({"nthread": 1, "base_score": level, "tree_method": "exact"}, data, 1)


def artifact(level: float) -> bytes:
    return packed("xgboost-model", pickle.dumps(booster(level)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    made = RealClary(tmp_path_factory.mktemp("many") / "home")
    asked = {"CLARY_MULTI_MODEL_COUNT": str(LOADED), "CLARY_COMPILE": "off"}
    os.environ.update(asked)
    try:
        made.up()
    finally:
        for name in asked:
            del os.environ[name]
    try:
        s3 = made.client("s3")
        s3.create_bucket(Bucket="lake")
        scaler = io.BytesIO()
        joblib.dump(StandardScaler().fit(ROWS), scaler)
        s3.put_object(Bucket="lake", Key="scaler.tar.gz", Body=packed("model.joblib", scaler.getvalue()))
        scaled = xgboost.DMatrix(StandardScaler().fit_transform(ROWS), label=LABELS)
        trained = xgboost.train({"nthread": 1, "tree_method": "exact"}, scaled, 20)
        s3.put_object(Bucket="lake", Key="trees.tar.gz", Body=packed("xgboost-model", pickle.dumps(trained)))
        for number in range(MODELS):
            s3.put_object(Bucket="lake", Key=f"many/m{number}.tar.gz", Body=artifact(float(number)))
        s3.put_object(Bucket="lake", Key="many/bad.tar.gz", Body=b"no archive")
        s3.put_object(Bucket="lake", Key="many/empty.tar.gz", Body=packed("nothing", b""))
        yield made
    finally:
        made.sweep()


def deploy(server: RealClary, name: str, **model: Any) -> Any:
    client = server.client("sagemaker")
    role = server.role(f"{name}-role")
    client.create_model(ModelName=name, ExecutionRoleArn=role, **model)
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def settled() -> Any:
        said = client.describe_endpoint(EndpointName=name)
        return said if said["EndpointStatus"] != "Creating" else None

    said = until(settled, 60.0)
    assert said["EndpointStatus"] == "InService", said
    return server.client("sagemaker-runtime")


def ask(runtime: Any, endpoint: str, body: str = "0.5,0.5,0.5", **more: Any) -> str:
    said = runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="text/csv", **more)
    return str(said["Body"].read().decode())


def refused(call: Any, *arguments: Any, **more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_pipeline_of_two_real_containers(server: RealClary) -> None:
    containers = [
        {"Image": SKLEARN, "ModelDataUrl": "s3://lake/scaler.tar.gz", "ContainerHostname": "scale"},
        {"Image": XGBOOST, "ModelDataUrl": "s3://lake/trees.tar.gz", "ContainerHostname": "predict"},
    ]
    runtime = deploy(server, "chain", Containers=containers)
    assert float(ask(runtime, "chain")) == pytest.approx(3.0, abs=0.4)
    code, message = refused(ask, runtime, "chain", "1,2")
    assert code == "ModelError" and "from scale with message" in message
    direct = deploy(server, "direct", Containers=containers, InferenceExecutionConfig={"Mode": "Direct"})
    scaled = ask(direct, "direct", TargetContainerHostname="scale")
    assert ask(direct, "direct", scaled, TargetContainerHostname="predict") == ask(runtime, "chain")
    assert refused(ask, direct, "direct")[0] == "ValidationError"
    assert "no container 'x'" in refused(ask, direct, "direct", TargetContainerHostname="x")[1]


def test_many_models_behind_one_endpoint(server: RealClary, tmp_path: Path) -> None:
    container = {"Image": XGBOOST, "Mode": "MultiModel", "ModelDataUrl": "s3://lake/many/"}
    runtime = deploy(server, "many", PrimaryContainer=container)

    def level(number: int) -> float:
        return float(ask(runtime, "many", TargetModel=f"m{number}.tar.gz"))

    # Sixteen clients at once, each model asked by several of them for the first time: more models than are loaded.
    wanted = [number for number in range(MODELS) for _ in range(3)]
    with ThreadPoolExecutor(16) as clients:
        assert list(clients.map(level, wanted)) == pytest.approx([float(one) for one in wanted])
    folders = list(server.home.glob("runs/*/ml/models/*"))
    assert 0 < len(folders) <= LOADED + 1, "what is not loaded leaves no files"
    code, message = refused(ask, runtime, "many", TargetModel="none.tar.gz")
    assert (code, "bucket: lake, key: many/none.tar.gz" in message) == ("ValidationError", True)
    assert refused(ask, runtime, "many")[0] == "ValidationError"
    code, message = refused(ask, runtime, "many", TargetModel="bad.tar.gz")
    assert code == "ModelError" and "could not be unpacked" in message
    code, message = refused(ask, runtime, "many", TargetModel="empty.tar.gz")
    assert code == "ModelError" and "Unable to load the model" in message
    watch = server.client("cloudwatch")
    where = [{"Name": "EndpointName", "Value": "many"}, {"Name": "VariantName", "Value": "v"}]

    def names() -> set[str]:
        found = watch.list_metrics(Namespace="AWS/SageMaker", Dimensions=where)["Metrics"]
        return {one["MetricName"] for one in found}

    wanted_names = {"ModelCacheHit", "ModelLoadingWaitTime", "ModelLoadingTime", "ModelDownloadingTime",
                    "ModelUnloadingTime", "LoadedModelCount"}  # fmt: skip
    until(lambda: wanted_names <= names(), 30.0)
    # A model that is replaced answers as before until it is evicted.
    assert level(0) == 0.0
    server.client("s3").put_object(Bucket="lake", Key="many/m0.tar.gz", Body=artifact(500.0))
    assert level(0) == 0.0
    for number in range(1, LOADED + 2):
        level(number)
    assert level(0) == 500.0
