"""A real server: what a compiled endpoint answers is what its containers answer, and none is lost between them."""

import io
import tarfile
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from tests.real import RealClary, until
from tests.sagemaker_house import XGBOOST

pytestmark = [pytest.mark.slow, pytest.mark.server]
CLIENTS = 8
CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
ASKED: list[tuple[bytes, str, str]] = [
    (b"5.1,3.5,1.4,0.2", CSV, CSV),
    (b"5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n", CSV, CSV),
    (b"6.7,,5.2,2.3\n", CSV, ""),
    (b'"6.7",3.0,5.2,nan\n', CSV, "*/*"),
    (b"[[6.7,3.0,5.2,2.3],[5.1,3.5,1.4,0.2]]", JSON, JSON),
    (b'{"features":[6.7,3.0,5.2,2.3]}\n', LINES, LINES),
    (b"0 0:6.7 2:5.2\n", "text/libsvm", CSV),
    (b"6.7,3.0,5.2", CSV, CSV),
    (b"1,6.7,3.0,5.2,2.3", CSV, CSV),
    (b"6.7,3.0,5.2,big", CSV, CSV),
    (b" \n", CSV, CSV),
    (b"6.7,3.0,5.2,2.3", "image/png", CSV),
    (b"6.7,3.0,5.2,2.3", CSV, "image/png"),
]


@pytest.fixture(scope="module")
def clary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    made = RealClary(tmp_path_factory.mktemp("compiled")).up()
    try:
        role = made.role("models")
        s3, sagemaker = made.client("s3"), made.client("sagemaker")
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key="iris/model.tar.gz", Body=trained())
        for name, environ in (("native", {"CLARY_COMPILE": "off"}), ("compiled", {})):
            container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/iris/model.tar.gz", "Environment": environ}
            sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
            variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 2, "InstanceType": "ml.m5.large"}
            sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        yield made
    finally:
        made.sweep()


def trained() -> bytes:
    """model.tar.gz with a classifier of three classes."""
    import xgboost

    pick = np.random.default_rng(5)
    features = pick.normal((5.8, 3.0, 3.8, 1.2), (0.8, 0.4, 1.8, 0.8), (150, 4)).astype(np.float32)
    labels = np.digitize(features[:, 2], (2.5, 4.8))
    given = {"objective": "multi:softmax", "num_class": 3, "max_depth": 3}
    booster = xgboost.train(given, xgboost.DMatrix(features, labels), num_boost_round=4)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("xgboost-model")
        raw = bytes(booster.save_raw("ubj"))
        member.size = len(raw)
        tar.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def answers(runtime: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for body, content_type, accept in ASKED:
        try:
            said = runtime.invoke_endpoint(EndpointName="iris", Body=body, ContentType=content_type, Accept=accept)
            found.append((said["ContentType"], said["Body"].read()))
        except ClientError as error:
            found.append((error.response["OriginalStatusCode"], error.response["OriginalMessage"]))
    return found


class Load:
    """Clients that ask until they are told to stop; every request must be answered, and rightly."""

    def __init__(self, clary: RealClary) -> None:
        self.count = 0
        self.errors: list[str] = []
        self._stop = threading.Event()
        clients = [clary.client("sagemaker-runtime") for _ in range(CLIENTS)]
        self._threads = [threading.Thread(target=self._ask, args=(one,)) for one in clients]

    def __enter__(self) -> "Load":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def _ask(self, runtime: Any) -> None:
        while not self._stop.is_set():
            try:
                said = runtime.invoke_endpoint(
                    EndpointName="iris", Body=b"5.1,3.5,1.4,0.2\n", ContentType=CSV, Accept=CSV
                )
                if said["Body"].read() != b"0.0\n":
                    self.errors.append("another answer")
            except Exception as error:
                self.errors.append(repr(error))
            self.count += 1


def status(sagemaker: Any) -> dict[str, Any]:
    said: dict[str, Any] = sagemaker.describe_endpoint(EndpointName="iris")
    return said


def serves(sagemaker: Any, config: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        said = status(sagemaker)
        assert said["EndpointStatus"] in ("Creating", "Updating", "InService"), said
        return said if said["EndpointStatus"] == "InService" and said["EndpointConfigName"] == config else None

    said: dict[str, Any] = until(look, 100.0, f"the endpoint to serve {config}")
    return said


def test_a_graph_takes_over_from_its_containers_and_back_and_answers_as_they_do(clary: RealClary) -> None:
    sagemaker, runtime = clary.client("sagemaker"), clary.client("sagemaker-runtime")
    sagemaker.create_endpoint(EndpointName="iris", EndpointConfigName="native")
    image = serves(sagemaker, "native")["ProductionVariants"][0]["DeployedImages"][0]
    assert "ResolvedImage" not in image
    natively = answers(runtime)
    assert {one[0] for one in natively} >= {400, 406, 415, "text/csv; charset=utf-8"}
    with Load(clary) as load:
        sagemaker.update_endpoint(EndpointName="iris", EndpointConfigName="compiled")
        image = serves(sagemaker, "compiled")["ProductionVariants"][0]["DeployedImages"][0]
        assert image["ResolvedImage"].startswith("clary/compiled@sha256:")
        assert answers(runtime) == natively
        sagemaker.update_endpoint(EndpointName="iris", EndpointConfigName="native")
        serves(sagemaker, "native")
    assert load.errors == []
    assert load.count > 20
    assert answers(runtime) == natively

    # What serves, and why, is in the log.
    logs = clary.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/sagemaker/Endpoints/iris", logStreamNamePrefix="v/compiled-")
    said = [one["message"] for one in found["events"]]
    assert said[0] == "native: CLARY_COMPILE is off in its environment"
    assert said[1].startswith("compiled: xgboost in one graph; ")
    assert said[1].endswith(" rows agree with the native servers")
    assert said[2:] == said[:1]
