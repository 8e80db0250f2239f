"""Where the document of a page comes from, over an S3 of a few objects."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError

from clary.cli.app.documents import finding
from clary.cli.app.documents.finding import Asked, Found, given, kept, of_model, readable
from clary.cli.app.documents.served import Served
from clary.cli.registry.wire import Wire
from tests.algorithms.bundles import indexer, save

PAGE = {"title": "T", "input": {"properties": {"x": {"type": "number"}}}}
STATISTICS = {"features": [{"name": "y", "numerical_statistics": {"min": 0, "max": 1}}, {"name": "z"}]}
SCHEMA = {"input": [{"name": "safety", "type": "string"}], "output": {"name": "features", "type": "double"}}


class Objects:
    """A client of S3, as far as it is read."""

    def __init__(self, **objects: Any) -> None:
        self._objects = {
            name: one if isinstance(one, bytes) else json.dumps(one).encode() for name, one in objects.items()
        }

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self._objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "It is not there."}}, "GetObject")
        body = self._objects[Key]
        return {"ContentLength": len(body), "Body": io.BytesIO(body)}


def wire(**objects: Any) -> Wire:
    return Wire({}, {"s3": Objects(**objects)})


def of_package(**package: Any) -> Served:
    return Served("arn", "InService", (), package)


def baseline(name: str = "s") -> dict[str, Any]:
    return {"ModelDataQuality": {"Statistics": {"S3Uri": f"s3://b/{name}"}}}


def test_a_package_says_where_its_page_is() -> None:
    served = of_package(CustomerMetadataProperties={"clary:page": "s3://b/page"}, ModelMetrics=baseline())
    found = of_model(wire(page=PAGE, s=STATISTICS), served, None)
    assert (found.document, found.place) == (PAGE, "s3://b/page")


@pytest.mark.parametrize("page", [None, b"{", {"input": 1}, bytes(2**26 + 1)])
def test_a_page_of_no_use_is_said_and_passed_over(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    objects = {"s": STATISTICS} if page is None else {"s": STATISTICS, "page": page}
    served = of_package(CustomerMetadataProperties={"clary:page": "s3://b/page"}, DriftCheckBaselines=baseline())
    found = of_model(wire(**objects), served, "y")
    assert "left out" in capsys.readouterr().err
    assert found.place is None and found.document is not None
    assert list(found.document["input"]["properties"]) == ["z"]
    assert found.document["output"] == {"kind": "number", "title": "Y"}


def test_the_schema_of_a_container_and_its_words(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for one in save(tmp_path / "b", [indexer("safety", "i", ["low", "high"])]).iterdir():
            tar.add(one, arcname=one.name)
    environment = {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(SCHEMA)}
    container = {"ModelDataUrl": "s3://b/model", "Environment": environment}
    served = Served("arn", "InService", (container,), None)
    found = of_model(wire(model=packed.getvalue()), served, None)
    assert found.document is not None
    assert found.document["input"]["properties"]["safety"] == {"title": "Safety", "enum": ["low", "high"]}
    # Without its archive the columns are known, and their words are not.
    found = of_model(wire(), served, None)
    assert found.document is not None
    assert found.document["input"]["properties"]["safety"] == {"title": "Safety", "type": "string"}


def test_nothing_tells_of_the_model() -> None:
    assert of_model(wire(), Served("arn", "InService"), None) == finding.NONE
    assert of_model(wire(), of_package(ModelMetrics=baseline("gone")), None) == finding.NONE


def test_what_was_there_is_kept_as_long_as_it_can_be_read() -> None:
    assert kept(wire(page=PAGE), "s3://b/page") == Found("what was there", PAGE, "s3://b/page")
    assert kept(wire(), "s3://b/page") is None
    assert readable(wire(page=PAGE), "s3://b/page") == PAGE
    assert readable(wire(page=[1]), "s3://b/page") is None
    assert readable(wire(), "s3://b/page") is None


def test_what_is_given_is_read_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert given(Asked()) is None
    good, bad = tmp_path / "good.json", tmp_path / "bad[1].json"
    good.write_text(json.dumps(PAGE))
    assert given(Asked(good)) == Found(str(good), PAGE)
    for text, said in (("{", "is no JSON"), ('{"input": {"properties": {"x": 1}}}', "input.properties.x must be")):
        bad.write_text(text)
        with pytest.raises(typer.Exit):
            given(Asked(bad))
        assert said in capsys.readouterr().err
