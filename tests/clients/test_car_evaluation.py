"""The car-evaluation workshop on a real server with a real Spark: a notebook, a script, and a demonstration."""

import json
import pickle
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import xgboost

from clary.cli.demo import car
from tests.examples_house import EXAMPLES
from tests.real import RealClary, until
from tests.spark_needed import spark_needed

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(400), spark_needed]

FOLDER = EXAMPLES / "car-evaluation"
REFERENCE = """
import json
import sys

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.ml import Pipeline
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import SparkSession

bucket = getResolvedOptions(sys.argv, ["BUCKET"])["BUCKET"]
names = ["buying", "maint", "doors", "persons", "lug_boot", "safety"]
raw = SparkSession.builder.getOrCreate().read.csv(f"s3://{bucket}/raw/car.data").toDF(*names, "category")
stages = [StringIndexer(inputCol=name, outputCol=name + "_i") for name in [*names, "category"]]
stages += [OneHotEncoder(inputCol=name + "_i", outputCol=name + "_v") for name in names]
stages += [VectorAssembler(inputCols=[name + "_v" for name in names], outputCol="features")]
fitted = Pipeline(stages=stages).fit(raw)
rows = [[",".join(row[:6]), list(row.features.toArray())] for row in fitted.transform(raw).collect()]
said = {"labels": fitted.stages[6].labels, "rows": rows}
boto3.client("s3").put_object(Bucket=bucket, Key="reference.json", Body=json.dumps(said))
"""


@pytest.fixture(scope="module")
def environ(server: RealClary) -> dict[str, str]:
    """Of a user's shell after `eval "$(clary env)"`."""
    return server.environment()


@pytest.fixture
def shop(server: RealClary, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The workshop by its functions; what it made is gone at the end."""
    monkeypatch.syspath_prepend(str(FOLDER))
    from clary.cli.demo.car_workshop import Workshop

    account = server.client("sts").get_caller_identity()["Account"]
    made = Workshop(server.client, "us-east-1", f"car-evaluation-us-east-1-{account}")
    yield made
    made.clean_up()


def test_the_notebook_and_every_car_as_spark_sees_it(
    server: RealClary, environ: dict[str, str], shop: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "car-evaluation"
    shutil.copytree(FOLDER, folder)
    notebook = nbformat.read(folder / "car-evaluation.ipynb", as_version=4)
    last = notebook.cells[-1]
    assert last.source.startswith("keep = False")
    last.source = last.source.replace("keep = False", "keep = True", 1)
    nbformat.write(notebook, folder / "car-evaluation.ipynb")
    execute = Path(sys.executable).with_name("jupyter-execute")
    line = [execute, "--inplace", "--timeout=300", "car-evaluation.ipynb"]
    done = subprocess.run(line, cwd=folder, env=environ, capture_output=True, text=True, timeout=350, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    notebook = nbformat.read(folder / "car-evaluation.ipynb", as_version=4)
    said = "\n".join(one.get("text", "") for cell in notebook.cells for one in cell.get("outputs", ()))
    accuracy = float(said.partition("validation accuracy ")[2].split()[0])
    assert accuracy >= 0.93
    assert "ModelError 400" in said and "free" in said and "vhigh" in said, said  # the words that there are

    # The same by Spark itself and the library alone, for every car there is.
    features, labels = _by_spark(server, shop)
    artifact = server.client("s3").list_objects_v2(Bucket=shop.bucket, Prefix="models/")["Contents"][0]["Key"]
    with tarfile.open(fileobj=BytesIO(_read(server, shop.bucket, artifact))) as tar:
        member = tar.extractfile("xgboost-model")
        assert member is not None
        body = member.read()
    booster = _booster(body)
    predicted = booster.predict(xgboost.DMatrix(np.array(list(features.values()))))
    expected = {row: labels[int(number)] for row, number in zip(features, predicted, strict=True)}
    assert len(expected) == 1728
    assert {row: shop.ask(row) for row in expected} == expected
    truth = {",".join(row): car.label(row) for row in car.rows()}
    assert sum(expected[row] == truth[row] for row in truth) / len(truth) >= 0.93
    shop.clean_up()
    sagemaker = server.client("sagemaker")
    until(lambda: not sagemaker.list_endpoints(NameContains="pipeline-car")["Endpoints"], what="the endpoint to go")
    assert shop.bucket not in [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]]


def test_the_script(environ: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "car-evaluation"
    shutil.copytree(FOLDER, folder)
    line = [sys.executable, "workshop.py"]
    done = subprocess.run(line, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "low,low,5more,more,big,high -> vgood"


def test_the_demonstration_says_which_road_it_takes(server: RealClary) -> None:
    done = server.clary("demo", "car-evaluation", "--json")
    assert "the whole road: Glue with Spark" in done.stderr
    found = json.loads(done.stdout)
    assert found["road"] == "spark"
    assert found["accuracy"]["all"]["rows"] == 1728
    assert found["accuracy"]["all"]["accuracy"] >= 0.93
    assert server.client("glue").list_jobs()["JobNames"] == []


def _by_spark(server: RealClary, shop: Any) -> tuple[dict[str, list[float]], list[str]]:
    """Car -> its features; and the classes in the order of their numbers."""
    glue = server.client("glue")
    server.client("s3").put_object(Bucket=shop.bucket, Key="code/reference.py", Body=REFERENCE)
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{shop.bucket}/code/reference.py"}
    role = server.client("iam").get_role(RoleName=shop.name)["Role"]["Arn"]
    glue.create_job(Name="reference", Role=role, Command=command)
    run = glue.start_job_run(JobName="reference", Arguments={"--BUCKET": shop.bucket})["JobRunId"]

    def ended() -> Any:
        said = glue.get_job_run(JobName="reference", RunId=run)["JobRun"]
        assert said["JobRunState"] not in ("FAILED", "ERROR", "TIMEOUT"), said["ErrorMessage"]
        return said["JobRunState"] == "SUCCEEDED"

    until(ended, 120.0, "the reference")
    glue.delete_job(JobName="reference")
    said = json.loads(_read(server, shop.bucket, "reference.json"))
    return dict(said["rows"]), said["labels"]


def _read(server: RealClary, bucket: str, key: str) -> bytes:
    body: bytes = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _booster(body: bytes) -> xgboost.Booster:
    """Of either form in which images of several ages keep a model."""
    if body[:1] == b"\x80":
        loaded: xgboost.Booster = pickle.loads(body)
        return loaded
    made = xgboost.Booster()
    made.load_model(bytearray(body))
    return made
