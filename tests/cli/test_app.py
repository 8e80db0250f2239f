"""`clary app` on a real server: a page is made, changed, asked and ended, as the owner of a home types it."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary import app_roles
from clary.cli.demo.car import ATTRIBUTES
from clary.cli.demo.car import csv as cars
from tests.jobs_house import archive
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN

pytestmark = pytest.mark.server

SCRIPT = b"""
def model_fn(folder):
    return None

def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError("text/csv please")
    return body if isinstance(body, str) else body.decode()

def predict_fn(rows, model):
    return [len(row.split(",")) for row in rows.splitlines()]

def output_fn(counts, accept):
    return "\\n".join(map(str, counts)), "text/csv"
"""
"""Counts the cells of each row."""


@pytest.fixture(scope="module")
def clary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A server whose endpoint "cars" counts cells. Its console is built of two files."""
    built = tmp_path_factory.mktemp("built")
    (built / "app.html").write_text('<meta name="clary-endpoint" content=""><title>Model</title>')
    (built / "app-source.html").write_text('<meta name="clary-base" content="">')
    patch = pytest.MonkeyPatch()
    patch.setenv("CLARY_CONSOLE_DIR", str(built))
    made = RealClary(tmp_path_factory.mktemp("pages") / "home").up()
    try:
        _serve(made)
        yield made
    finally:
        made.sweep()
        patch.undo()


def _serve(clary: RealClary) -> None:
    """The endpoint is in service; its model comes from a package that says where its page's document is."""
    sagemaker, s3 = clary.client("sagemaker"), clary.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="model.tar.gz", Body=archive(("code/inference.py", SCRIPT)))
    s3.put_object(Bucket="lake", Key="page.json", Body=json.dumps(of_package()).encode())
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": "s3://lake/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    package = sagemaker.create_model_package(
        ModelPackageName="cars",
        InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
        CustomerMetadataProperties={app_roles.PAGE_PROPERTY: "s3://lake/page.json"},
    )["ModelPackageArn"]
    role = clary.role("models")
    sagemaker.create_model(ModelName="cars", ExecutionRoleArn=role, Containers=[{"ModelPackageName": package}])
    variant = {
        **{"VariantName": "AllTraffic", "ModelName": "cars", "InitialInstanceCount": 1},
        **{"InstanceType": "ml.m5.large"},
    }
    sagemaker.create_endpoint_config(EndpointConfigName="cars", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="cars", EndpointConfigName="cars")

    def status() -> bool:
        said = sagemaker.describe_endpoint(EndpointName="cars")
        assert said["EndpointStatus"] != "Failed", said
        return bool(said["EndpointStatus"] == "InService")

    until(status, 60)


def of_package() -> dict[str, Any]:
    properties = {"buying": {"enum": ["low", "high"]}, "doors": {"type": "integer"}}
    return {"title": "Of the package", "contentType": "text/csv", "input": {"properties": properties}}


@pytest.fixture
def page(clary: RealClary) -> Iterator[None]:
    """After the test there is no page."""
    yield
    app(clary, "delete", "cars", check=False)


def app(clary: RealClary, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "clary", "app", *arguments, "--home", str(clary.home)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def told(clary: RealClary, *arguments: str) -> Any:
    return json.loads(app(clary, *arguments, "--json").stdout)


def refused(clary: RealClary, *arguments: str) -> str:
    done = app(clary, *arguments, check=False)
    assert done.returncode == 1, (done.stdout, done.stderr)
    return done.stderr


def ask(clary: RealClary, body: bytes, token: str = "", kind: str = "text/csv") -> tuple[int, str]:
    headers = {"content-type": kind} | ({"authorization": f"Bearer {token}"} if token else {})
    return _sent(urllib.request.Request(f"{clary.url}/apps/cars/invocations", body, headers))


def about(clary: RealClary, token: str = "") -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    status, body = _sent(urllib.request.Request(f"{clary.url}/apps/cars/app.json", headers=headers))
    return json.loads(body) if status == 200 else status


def _sent(request: urllib.request.Request) -> tuple[int, str]:
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with straight.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.usefixtures("page")
def test_a_page_by_token_from_its_making_to_its_end(clary: RealClary) -> None:
    assert app(clary, "list").stderr.startswith("there are no pages; make one with: ")
    made = told(clary, "create", "cars")
    token = made["Token"]
    assert made["Link"] == f"{clary.url}/apps/cars#token={token}"
    assert (made["Access"], made["Rate"], made["Document"]) == ("token", 60, "s3://lake/page.json")
    assert ask(clary, b"1,2,3")[0] == 401
    assert ask(clary, b"1,2,3\n4", token) == (200, "3\n1")
    said = about(clary, token)
    assert (said["status"], said["access"], said["document"]) == ("InService", "token", of_package())

    again = told(clary, "create", "cars", "--rate", "600")  # the same page, with its token
    assert "Token" not in again and again["Rate"] == 600
    assert ask(clary, b"1", token)[0] == 200

    fresh = told(clary, "token", "cars")
    assert fresh["Link"].endswith(f"#token={fresh['Token']}")
    assert (ask(clary, b"1", token)[0], ask(clary, b"1", fresh["Token"])[0]) == (401, 200)
    files = [one for one in clary.home.rglob("*") if one.is_file()]
    assert not [one for one in files if fresh["Token"].encode() in one.read_bytes()]  # it is kept nowhere

    shown = app(clary, "show", "cars").stdout
    assert f"curl {clary.url}/apps/cars/invocations" in shown and "Bearer $TOKEN" in shown
    assert [one["Endpoint"] for one in told(clary, "list")] == ["cars"]
    assert "cars" in app(clary, "list").stdout

    assert "the page of cars is gone" in app(clary, "delete", "cars").stdout
    assert ask(clary, b"1", fresh["Token"])[0] == 404
    assert "cars has no page" in refused(clary, "show", "cars")
    assert "cars has no page" in refused(clary, "delete", "cars")


@pytest.mark.usefixtures("page")
def test_a_page_of_data_for_everybody(clary: RealClary, tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text(",".join([*ATTRIBUTES, "class"]) + "\n" + cars())
    made = told(
        *(clary, "create", "cars", "--public", "--from-data", str(tmp_path / "cars.csv"), "--label", "class"),
        *("--title", "Cars", "--bucket", "lake"),
    )
    assert (made["Access"], made["Document"]) == ("public", "s3://lake/apps/cars/page.json")
    assert "Token" not in made
    document = about(clary)["document"]
    assert (document["title"], list(document["input"]["properties"])) == ("Cars", list(ATTRIBUTES))
    assert ask(clary, b"vhigh,vhigh,2,2,small,low") == (200, "6")
    curl = told(clary, "show", "cars")["Curl"]
    assert curl.endswith("--data-binary 'vhigh,vhigh,2,2,small,low'") and "Bearer" not in curl

    # Said again it stays as it is; with other options it is changed, and the rest stays.
    assert told(clary, "create", "cars", "--description", "Six facts")["Access"] == "public"
    kept = about(clary)["document"]
    assert (kept["title"], kept["description"], kept["output"]) == ("Cars", "Six facts", document["output"])
    assert told(clary, "create", "cars", "--again")["Document"] == "s3://lake/page.json"
    assert told(clary, "create", "cars", "--raw")["Document"] is None
    assert about(clary)["document"] is None

    closed = told(clary, "create", "cars", "--token")
    assert (ask(clary, b"1")[0], ask(clary, b"1", closed["Token"])[0]) == (401, 200)
    told(clary, "create", "cars", "--public")
    assert ask(clary, b"1")[0] == 200
    tags = clary.client("iam").list_role_tags(RoleName="app-cars")["Tags"]
    assert "clary:token" not in {one["Key"] for one in tags}
    assert "is public" in refused(clary, "token", "cars")


@pytest.mark.usefixtures("page")
def test_what_was_broken_off_is_finished_by_asking_again(clary: RealClary) -> None:
    """The crash comes after the role was made, and nobody has seen the token."""
    tags = {"endpoint": "cars", "region": "us-east-1", "access": "token", "token": app_roles.digest("lost")}
    clary.client("iam").create_role(
        RoleName="app-cars",
        Path="/apps/",
        AssumeRolePolicyDocument=app_roles.trust(),
        Tags=[{"Key": f"clary:{key}", "Value": value} for key, value in tags.items()],
    )
    assert json.loads(ask(clary, b"1", "lost")[1])["code"] == "NotPermitted"
    assert "half made" in app(clary, "show", "cars").stdout
    token = told(clary, "create", "cars")["Token"]
    assert (ask(clary, b"1", "lost")[0], ask(clary, b"1", token)[0]) == (401, 200)


@pytest.mark.usefixtures("page")
def test_errors_are_said_before_anything_is_made(clary: RealClary, tmp_path: Path) -> None:
    bad, rows = tmp_path / "page.json", tmp_path / "rows.csv"
    bad.write_text('{"input": {"properties": {"x": {"type": "float"}}}, "output": {"kind": "x"}}')
    rows.write_text("a,b\n1,2\n")
    said = refused(clary, "create", "cars", "--document", str(bad))
    assert "input.properties.x.type is 'float'" in said and "output.kind must be one of" in said
    assert "there is no column 'c'" in refused(clary, "create", "cars", "--from-data", str(rows), "--label", "c")
    assert "there is no endpoint planes" in refused(clary, "create", "planes")
    assert "two ways" in refused(clary, "create", "cars", "--public", "--token")
    assert "three ways" in refused(clary, "create", "cars", "--raw", "--document", str(bad))
    assert told(clary, "list") == []


@pytest.mark.usefixtures("page")
def test_the_source_of_a_page(clary: RealClary, tmp_path: Path) -> None:
    app(clary, "create", "cars", "--public")
    assert f'content="{clary.url}/apps/cars"' in app(clary, "source", "cars").stdout
    to = tmp_path / "mine.html"
    assert "asks" in app(clary, "source", "cars", "--to", str(to)).stdout
    assert "clary-base" in to.read_text()
    status, page = _sent(urllib.request.Request(f"{clary.url}/apps/cars"))
    assert status == 200 and 'content="cars"' in page


@pytest.mark.usefixtures("page")
def test_what_the_model_says_of_a_bad_request(clary: RealClary) -> None:
    app(clary, "create", "cars", "--public")
    status, body = ask(clary, b"1", kind="application/json")
    assert status in (415, 424) and json.loads(body)["message"]
