"""The sparkml-serving image: bundles answer as Spark's pipelines do."""

import json
from pathlib import Path

import pytest

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.serve import Refused
from clary.algorithms.sparkml import server
from clary.algorithms.sparkml.server import BundleModel
from tests.algorithms import bundles

CSV = "text/csv"
INPUTS = [("colour", "string"), ("size", "double")]


def model(
    folder: Path, *, drop: bool = True, indexed: str = "error", hot: str = "error", zipped: bool = False
) -> BundleModel:
    nodes = [
        bundles.indexer("colour", "index", ["red", "green", "blue"], indexed),
        bundles.hot(["index"], ["hot"], [3 + (indexed == "keep")], drop=drop, invalid=hot),
        bundles.assembler(["hot", "size"]),
    ]
    bundles.save(folder, nodes, zipped=zipped)
    return server.load(folder, bundles.schema(INPUTS, "features", struct="vector"))


def ask(served: BundleModel, body: str, kind: str = CSV, accept: str | None = None) -> str:
    return served.invoke(body.encode(), kind, accept).body.decode()


@pytest.mark.parametrize(
    ("drop", "indexed", "red", "blue", "unknown"),
    [
        (True, "error", "1.0,0.0", "0.0,0.0", None),
        (False, "error", "1.0,0.0,0.0", "0.0,0.0,1.0", None),
        (True, "keep", "1.0,0.0,0.0", "0.0,0.0,1.0", "0.0,0.0,0.0"),
        (False, "keep", "1.0,0.0,0.0,0.0", "0.0,0.0,1.0,0.0", "0.0,0.0,0.0,1.0"),
    ],
)
def test_categories_become_vectors_as_spark_encodes_them(
    tmp_path: Path, drop: bool, indexed: str, red: str, blue: str, unknown: str | None
) -> None:
    served = model(tmp_path, drop=drop, indexed=indexed)
    assert ask(served, "red,1.5") == f"{red},1.5\n"
    assert ask(served, "red,1.5\nblue,2\n") == f"{red},1.5\n{blue},2.0\n"
    if unknown is not None:
        assert ask(served, "pink,3") == f"{unknown},3.0\n"
        return
    with pytest.raises(Refused, match=r"column 1 \(colour\): 'pink' is not one of the known values: red, green, blue"):
        ask(served, "pink,3")


def test_an_encoder_that_keeps_unknown_numbers_gives_them_a_place(tmp_path: Path) -> None:
    nodes = [bundles.hot(["index"], ["hot"], [2], drop=False, invalid="keep")]
    bundles.save(tmp_path, nodes)
    served = server.load(tmp_path, bundles.schema([("index", "double")], "hot", struct="vector"))
    assert ask(served, "0\n1\n2\n9") == "1.0,0.0,0.0\n0.0,1.0,0.0\n0.0,0.0,1.0\n0.0,0.0,1.0\n"


def test_a_bundle_is_read_from_a_zip_and_from_a_directory_below(tmp_path: Path) -> None:
    assert ask(model(tmp_path / "zip", zipped=True), "green,1") == "0.0,1.0,1.0\n"
    model(tmp_path / "deep" / "bundle")
    served = server.load(tmp_path / "deep", bundles.schema(INPUTS, "features", struct="vector"))
    assert ask(served, "green,1") == "0.0,1.0,1.0\n"


def test_classes_get_their_names_back(tmp_path: Path) -> None:
    bundles.save(tmp_path, [bundles.names(["unacc", "acc"])])
    served = server.load(tmp_path, bundles.schema([("prediction", "double")], "label", "string"))
    assert ask(served, "1.0\n0.0") == "acc\nunacc\n"
    with pytest.raises(Refused, match="which are 0 to 1"):
        ask(served, "2.0")


def test_json_and_its_answers(tmp_path: Path) -> None:
    served = model(tmp_path)
    assert ask(served, '{"data": ["red", 1]}', "application/json") == "1.0,0.0,1.0\n"
    lines = '{"data": ["red", 1]}\n{"data": ["blue", null]}\n'
    assert ask(served, lines, "application/jsonlines") == "1.0,0.0,1.0\n0.0,0.0,nan\n"
    assert json.loads(ask(served, "red,1", CSV, "application/jsonlines")) == {"features": [1.0, 0.0, 1.0]}
    assert json.loads(ask(served, "red,1", CSV, "application/jsonlines;data=text")) == {"source": "1.0 0.0 1.0"}


def test_a_request_may_bring_its_own_schema(tmp_path: Path) -> None:
    nodes = [bundles.assembler(["first", "second"])]
    bundles.save(tmp_path, nodes)
    served = server.load(tmp_path, {})
    own = {
        "input": [{"name": "first", "type": "double", "struct": "vector"}, {"name": "second", "type": "int"}],
        "output": {"name": "features", "type": "double", "struct": "vector"},
    }
    assert ask(served, json.dumps({"schema": own, "data": [[1, 2], 3]}), "application/json") == "1.0,2.0,3.0\n"
    with pytest.raises(Refused, match="SAGEMAKER_SPARKML_SCHEMA"):
        ask(served, "1,2")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("red", CSV, 400),
        ("red,much", CSV, 400),
        ("", CSV, 400),
        ("{}", "application/json", 400),
        ('{"data": ["red"]}', "application/json", 400),
        ("red,1", "text/xml", 415),
    ],
)
def test_what_is_no_row_is_refused(tmp_path: Path, body: str, kind: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        ask(model(tmp_path), body, kind)
    assert refused.value.status == status


def test_what_is_no_bundle_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(AlgorithmError, match="holds no MLeap bundle"):
        server.load(tmp_path, {})
    bundles.save(tmp_path / "a", [("word_to_vector", {}, ["a"], ["b"])])
    with pytest.raises(AlgorithmError, match="word_to_vector of n0 is not known"):
        server.load(tmp_path / "a", {})
    with pytest.raises(AlgorithmError, match="SAGEMAKER_SPARKML_SCHEMA is not JSON"):
        server.load(bundles.save(tmp_path / "b", []), {"SAGEMAKER_SPARKML_SCHEMA": "{"})
    (tmp_path / "b/root/model.json").write_text('{"op": "pipeline", "attributes": {"nodes": {"string": ["../x"]}}}')
    with pytest.raises(AlgorithmError, match="a node called"):
        server.load(tmp_path / "b", {})
