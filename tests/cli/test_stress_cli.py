"""`clary stress` and `clary demo iris-stress` on a real server."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from clary.cli.demo.iris_stress import ENDPOINT, IrisStress
from clary.cli.demo.stage import Stage
from clary.stress.captured import captured
from clary.stress.plan import Keys
from clary.stress.target import Target
from tests.real import RealClary, until
from tests.sagemaker_house import XGBOOST

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def lake(server: RealClary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A server with an endpoint `tiny`: does x exceed a half?"""
    table = np.random.default_rng(3).random((200, 2), np.float32)
    booster = xgb.train({"objective": "reg:squarederror", "nthread": 1}, xgb.DMatrix(table, table[:, 0] > 0.5), 3)
    path = tmp_path_factory.mktemp("model") / "xgboost-model"
    booster.save_model(path.with_suffix(".json"))
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(path.with_suffix(".json"), "xgboost-model")
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="model.tar.gz", Body=packed.getvalue())
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    sagemaker.create_model(ModelName="tiny", ExecutionRoleArn=server.role("tiny"), PrimaryContainer=container)
    variant = {"VariantName": "all", "ModelName": "tiny", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="tiny", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="tiny", EndpointConfigName="tiny")
    until(
        lambda: sagemaker.describe_endpoint(EndpointName="tiny")["EndpointStatus"] == "InService", 60.0, "the endpoint"
    )
    yield server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("0.1,0.2\n0.9,0.8\n0.3,0.3\n")
    return path


def test_two_thousand_requests_are_answered_counted_and_reported(lake: RealClary, data: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.html"
    arguments = ["tiny", "--data", str(data), "-c", "16", "-n", "2000", "--json", "--report", str(report)]
    whole = json.loads(lake.clary("stress", *arguments).stdout)
    (run,) = whole["runs"]
    assert (run["sent"], run["answered"], run["errors"]) == (2000, 2000, 0)
    assert run["variants"]["all"]["answered"] == 2000
    assert run["client"]["signatures"] == 2000
    assert 0 < run["latency_ms"]["p50"] <= run["latency_ms"]["p99"] <= run["latency_ms"]["max"]
    assert whole["instances"]["all"][0][1:] == [1, 1]
    assert "tiny" in report.read_text()


def test_an_open_loop_as_a_person_sees_it(lake: RealClary, data: Path) -> None:
    done = lake.clary("stress", "tiny", "--data", str(data), "--rate", "100", "--duration", "1")
    assert "100 requests/s" in done.stdout
    assert "p99" in done.stdout


def test_a_wrong_row_is_said_in_the_models_words_before_anything_is_measured(lake: RealClary, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("red,blue\n")
    done = lake.clary("stress", "tiny", "--data", str(rows), "-n", "100", check=False)
    assert done.returncode == 1
    assert "ModelError" in done.stderr
    done = lake.clary("stress", "tiny", "--data", str(rows), "-n", "100", "--max-errors", "99", "--json", check=False)
    assert done.returncode == 1
    (run,) = json.loads(done.stdout)["runs"]
    assert run["errors"] == 100
    assert run["errors_by_kind"][0]["kind"] == "424 ModelError"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nobody"], "Could not find"), (["tiny"], "--data FILE"), (["tiny", "--data", "no.csv"], "No such file")],
)
def test_what_is_missing_is_asked_for(lake: RealClary, arguments: list[str], words: str) -> None:
    done = lake.clary("stress", *arguments, check=False)
    assert done.returncode == 1
    assert words in done.stderr


def test_captured_requests_are_sent_again_the_newest_kind_most_often_seen(lake: RealClary) -> None:
    def line(body: str, kind: str, encoding: str = "CSV") -> str:
        told = {"data": body, "observedContentType": kind, "encoding": encoding, "mode": "INPUT"}
        return json.dumps({"captureData": {"endpointInput": told}})

    lines = [line("0.1,0.2", "text/csv"), line("MC4zLDAuNA==", "text/csv", "BASE64"), line("{}", "application/json")]
    lines += [line("0.1,0.2", "text/csv"), json.dumps({"captureData": {"endpointOutput": {}}})]
    key = "kept/tiny/all/2026/11/22/01/a.jsonl"
    lake.client("s3").put_object(Bucket="lake", Key=key, Body="\n".join(lines).encode())
    described = {"DataCaptureConfig": {"DestinationS3Uri": "s3://lake/kept"}}
    found = captured(target(lake, "tiny"), described)
    assert found is not None
    assert (set(found.bodies), found.content_type) == ({"0.1,0.2", "0.3,0.4"}, "text/csv")
    assert captured(target(lake, "other"), described) is None


def target(server: RealClary, endpoint: str) -> Target:
    keys = json.loads((server.home / "credentials.json").read_text())
    return Target(server.url, "us-east-1", Keys(keys["AccessKeyId"], keys["SecretAccessKey"]), endpoint)


def test_control_c_ends_it_with_the_report_so_far(lake: RealClary, data: Path) -> None:
    command = [sys.executable, "-m", "clary", "stress", "tiny", "--home", str(lake.home), "--json"]
    command += ["--data", str(data), "--duration", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as running:
        until(lambda: _workers(running.pid), what="a process of the load")
        # From here on it is measuring, or about to: both must end with a report.
        until(lambda: _spent(_workers(running.pid)[0]) > 0.6, what="the load to be under way")
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    whole = json.loads(said)
    assert running.returncode == 0
    assert whole["interrupted"]
    assert whole["runs"][0]["answered"] > 0
    assert not _workers(running.pid)


def _workers(parent: int) -> list[int]:
    import psutil

    try:
        family = psutil.Process(parent).children(recursive=True)
        return [one.pid for one in family if "clary.stress.worker" in one.cmdline()]
    except psutil.Error:
        return []


def _spent(pid: int) -> float:
    import psutil

    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def test_the_iris_demonstration_from_raw_data_to_report_and_back(server: RealClary, tmp_path: Path) -> None:
    stage = Stage("iris-stress")
    demonstration = IrisStress(
        server.client,
        target(server, ENDPOINT),
        f"{time.time_ns():x}",
        stage,
        loads=((4, 300),),
        report=tmp_path / "iris.html",
    )
    found = demonstration.play()
    assert found["merror"] == {
        "model-a": {"train": 0.03, "validation": 0.1},
        "model-b": {"train": 0.03, "validation": 0.06},
    }
    (run,) = found["stress"]["runs"]
    assert (run["answered"], run["errors"]) == (300, 0)
    assert set(run["variants"]) == {"model-a", "model-b"}
    assert all(one["score"] > 0.88 and one["answered"] > 75 for one in run["variants"].values())
    assert "model-b" in (tmp_path / "iris.html").read_text()
    demonstration.clean_up()
    assert "iris-model-production" not in str(server.client("sagemaker").list_endpoints()["Endpoints"])
