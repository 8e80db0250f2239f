"""`clary demo abalone` and `clary demo churn`: pipelines of plain functions, from raw data to an endpoint and back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.sdk.sets import ABSENT, FILES
from tests.real import RealClary


def demo(server: RealClary, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "clary", "demo", name, "--home", str(server.home), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=400, check=False)


def published(name: str) -> list[str]:
    """The option that names the published file, where it lies beside the repository."""
    return [] if name in ABSENT else ["--data", str(FILES[name])]


def cached(execution: dict[str, Any]) -> set[str]:
    return {one["step"] for one in execution["steps"] if one["cached"]}


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_abalone(server: RealClary) -> None:
    done = demo(server, "abalone", "--json", *published("abalone"))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    first, again = said["executions"]
    assert first["status"] == again["status"] == "Succeeded"
    assert first["metrics"]["regression_metrics"]["mse"]["value"] <= 6.0
    assert first["metrics"]["regression_metrics"]["mse_of_the_mean"]["value"] >= 8.0
    assert cached(first) == set()
    assert cached(again) == {"prepare", "train", "evaluate"}
    assert again["seconds"] < first["seconds"] / 4  # half a second on a machine that is not shared
    assert said["versions"][0]["version"].endswith("/1")
    assert abs(said["inference"]["label"] - said["inference"]["answer"]) < 8
    assert said["lineage"][0] == f"Endpoint {said['endpoint']}"
    assert any("raw/abalone.csv" in line for line in said["lineage"])
    assert_nothing_is_left(server)


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_churn(server: RealClary) -> None:
    done = demo(server, "churn", *published("churn"), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    modest, better, worse, nothing, again = said["executions"]
    assert [one["status"] for one in said["executions"]] == ["Succeeded", "Succeeded", "Failed", "Failed", "Failed"]
    assert better["metrics"]["accuracy"] >= 0.91
    assert better["metrics"]["auc"] >= 0.965
    assert modest["metrics"]["accuracy"] < better["metrics"]["accuracy"]
    now, before = worse["metrics"], better["metrics"]
    assert worse["reason"] == (
        f"accuracy {now['accuracy']}, AUC {now['auc']} does not beat the version in service:"
        f" accuracy {before['accuracy']}, AUC {before['auc']}"
    )
    assert nothing["metrics"]["auc"] == 0.5
    assert "must be at least 0.8 and above the majority class's 0.5" in nothing["reason"]
    assert again["reason"] == nothing["reason"]
    assert cached(better) == cached(nothing) == {"prepare"}
    assert cached(worse) == cached(again) == {"prepare", "train", "evaluate"}
    assert again["seconds"] < nothing["seconds"] / 4
    assert [one["version"].rpartition("/")[2] for one in said["versions"]] == ["1", "2"]
    assert any(f"ModelPackage {said['pipeline']}/2" in line for line in said["lineage"])
    assert_nothing_is_left(server)


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_file_of_another_form_ends_the_demo_with_what_the_step_said(server: RealClary, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("Churn?,Phone\nTrue.,1\n")
    done = demo(server, "churn", "--data", str(file))
    assert done.returncode == 1
    assert "prepare" in done.stderr and "KeyError" in done.stderr and "State" in done.stderr
    assert_nothing_is_left(server)


def assert_nothing_is_left(server: RealClary) -> None:
    sagemaker, iam = server.client("sagemaker"), server.client("iam")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    assert server.client("s3").list_buckets()["Buckets"] in ([], registry(server))
    assert iam.list_roles()["Roles"] == []


def registry(server: RealClary) -> Any:
    """The bucket of the registry's own copies stays; it is empty."""
    s3 = server.client("s3")
    buckets = [one for one in s3.list_buckets()["Buckets"] if one["Name"].startswith("sagemaker-model-registry-")]
    assert all("Contents" not in s3.list_objects_v2(Bucket=one["Name"]) for one in buckets)
    return buckets


def test_data_is_an_option_of_the_demos_of_pipelines_alone(tmp_path: Path) -> None:
    (tmp_path / "some.csv").touch()
    line = [sys.executable, "-m", "clary", "demo", "car-evaluation", "--data", str(tmp_path / "some.csv")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "--data belongs to the demos abalone and churn" in done.stderr
