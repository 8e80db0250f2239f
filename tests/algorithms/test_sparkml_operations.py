"""What the operations of a bundle answer, without Spark: small numbers that can be checked by hand. That Spark answers
the same is seen in test_spark_bundles.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.refused import Refused
from clary.algorithms.sparkml import bundle, server, writing
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.categories import java_text
from clary.algorithms.sparkml.server import BundleModel
from tests.algorithms import bundles


def one(op: str, inputs: str, output: str = "out", **attributes: Any) -> Node:
    return Node(op, op, attributes, tuple(inputs.split()), tuple(output.split()))


def load(
    folder: Path, nodes: list[Node], inputs: list[tuple[str, str]], output: str, kind: str = "double"
) -> BundleModel:
    writing.write(folder / "bundle", writing.files("p", nodes, {}, None), zipped=False)
    return server.load(folder / "bundle", bundles.schema(inputs, output, kind))


def ask(model: BundleModel, body: str, kind: str = "text/csv") -> str:
    return model.invoke(body.encode(), kind, None).body.decode()


@pytest.mark.parametrize(
    ("node", "answer"),
    [
        (one("min_max_scaler", "v", min=[0.0, 2.0], max=[4.0, 2.0]), "0.5,0.5"),
        (one("min_max_scaler", "v", min=[0.0, 0.0], max=[4.0, 6.0], min_value=-1, max_value=1), "0.0,0.0"),
        (one("max_abs_scaler", "v", max_abs=[8.0, 0.0]), "0.25,3.0"),
        (one("robust_scaler", "v", median=[1.0, 1.0], range=[2.0, 0.0]), "0.5,0.0"),
        (one("standard_scaler", "v", std=[2.0, 4.0]), "1.0,0.75"),
        (one("normalizer", "v", p_norm=1.0), "0.4,0.6"),
        (one("normalizer", "v", p_norm="inf"), "0.6666666666666666,1.0"),
        (one("vector_slicer", "v", indices=[1]), "3.0"),
        (one("binarizer", "v", thresholds=[2.0]), "0.0,1.0"),
    ],
)
def test_vectors(tmp_path: Path, node: Node, answer: str) -> None:
    model = load(tmp_path, [one("vector_assembler", "a b", "v"), node], [("a", "double"), ("b", "double")], "out")
    assert ask(model, "2,3") == answer + "\n"


def test_buckets_and_missing_values(tmp_path: Path) -> None:
    nodes = [
        one("imputer", "a", "full", surrogates=[7.0], missing_value=-1.0),
        one("bucketizer", "full", splits=[["-inf", 0.0, 5.0, 10.0]], handle_invalid="error"),
    ]
    model = load(tmp_path, nodes, [("a", "double")], "out")
    assert ask(model, "-3\n0\n5\n10\n-1\nnan\n").split() == ["0.0", "1.0", "2.0", "2.0", "2.0", "2.0"]
    with pytest.raises(Refused, match=r"Row 2, column full: 11 is in no bucket, which are from -inf to 10"):
        ask(model, "3\n11\n")


@pytest.mark.parametrize(
    ("kind", "sent", "word"),
    [
        ("int", "2", "2"),
        ("double", "2", "2.0"),
        ("boolean", "true", "true"),
        ("boolean", "0", "false"),
        ("long", "-7", "-7"),
    ],
)
def test_numbers_are_categories_as_spark_casts_them(tmp_path: Path, kind: str, sent: str, word: str) -> None:
    model = load(tmp_path, [one("string_indexer", "a", labels_array=[["other", word]])], [("a", kind)], "out")
    assert ask(model, sent) == "1.0\n"
    assert ask(model, json.dumps({"data": [json.loads(sent)]}), "application/json") == "1.0\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e7, "1.0E7"), (1.25e-4, "1.25E-4"), (123456.5, "123456.5"), (-3e22, "-3.0E22"), (0.001, "0.001"),
     (12345678.9, "1.23456789E7"), (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (5e-324, "5.0E-324")],
)  # fmt: skip
def test_text_of_numbers_is_javas(value: float, text: str) -> None:
    assert java_text(value) == text


def test_rows_of_unknown_words_are_left_out_and_said_when_nothing_is_left(tmp_path: Path) -> None:
    node = one("string_indexer", "a b", "x y", labels_array=[["p", "q"], ["r"]], handle_invalid="skip")
    nodes = [node, one("vector_assembler", "x y")]
    model = load(tmp_path, nodes, [("a", "string"), ("b", "string")], "out")
    assert ask(model, "p,r\nodd,r\nq,odd\nq,r\n") == "0.0,0.0\n1.0,0.0\n"
    with pytest.raises(Refused, match=r"Row 1, column 1 \(a\): 'odd' is not one of the known values: p, q") as refused:
        ask(model, "odd,r\n")
    assert refused.value.status == 400


def test_models(tmp_path: Path) -> None:
    ports = ("prediction", "probability", "raw_prediction")
    leaf = {"left": [1, -1, -1], "right": [2, -1, -1], "feature": [1, 0, 0], "threshold": [None, None, None]}
    tree = leaf | {"categories": {"0": [[0.0, 2.0], True]}, "values": [[0, 0], [3.0, 1.0], [0.0, 5.0]]}
    forest = Node("random_forest_classifier", "f", {"trees": [tree, tree]}, ("v",), ("p", "pr", "raw"), ports)
    line = {"coefficients": [[1.0, -2.0]], "intercepts": [0.5]}
    linear = Node("linear_regression", "l", line, ("v",), ("lp",), ("prediction",))
    logistic = Node("logistic_regression", "g", {**line, "threshold": 0.9}, ("v",), ("gp",), ("prediction",))
    nodes = [one("vector_assembler", "a b", "v"), forest, linear, logistic]
    inputs = [("a", "double"), ("b", "double")]
    body = "1,2\n9,1\n"
    answers = {name: ask(load(tmp_path, nodes, inputs, name), body) for name in ("p", "pr", "raw", "lp", "gp")}
    assert answers == {
        "p": "0.0\n1.0\n",
        "pr": "0.75,0.25\n0.0,1.0\n",
        "raw": "1.5,0.5\n0.0,2.0\n",
        "lp": "-2.5\n7.5\n",
        "gp": "0.0\n1.0\n",
    }


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (one("sql_transformer", "a"), "sql_transformer of sql_transformer is not known; known are string_indexer"),
        (one("string_indexer", "a"), "string_indexer has no labels"),
        (one("string_indexer", "a", labels_array=[[], []]), "labels for 2 columns, but takes 1"),
        (
            one("string_indexer", "a", labels=["x"], handle_invalid="ignore"),
            "handle_invalid of string_indexer is ignore",
        ),
        (one("bucketizer", "a", splits=[[1.0, 0.0, 2.0]]), "splits of bucketizer do not rise"),
        (one("imputer", "a", surrogates=["much"]), "surrogates of imputer is no list of numbers"),
        (one("linear_regression", "a", coefficients=[[1.0]], intercepts=[]), "do not fit its intercepts"),
        (one("gbt_regression", "a", trees=[{"left": [0]}]), "trees of gbt_regression cannot be read"),
        (one("one_hot_encoder", "a"), "one_hot_encoder .* cannot be read: KeyError"),
        (one("min_max_scaler", "a", min=[0.0], max=[1.0], min_value="low"), "min_max_scaler .* cannot be read"),
        (Node("normalizer", "n", {}, (), ()), "has no columns"),
    ],
)
def test_a_broken_bundle_does_not_load_and_says_what_is_broken(tmp_path: Path, node: Node, said: str) -> None:
    with pytest.raises(AlgorithmError, match=said):
        load(tmp_path, [node], [("a", "double")], "out")


def test_a_tree_that_goes_round_in_circles_is_refused(tmp_path: Path) -> None:
    tree = {"left": [0], "right": [0], "feature": [0], "threshold": [1.0], "values": [[0.0]]}
    with pytest.raises(AlgorithmError, match="the children of node 0 are 0 and 0"):
        load(tmp_path, [one("gbt_regression", "a", trees=[tree])], [("a", "double")], "out")


@pytest.mark.parametrize(
    ("inputs", "output", "body", "said"),
    [
        ([("a", "double")], "out", "1", "needs the column b, which is not in the schema"),
        ([("a", "double"), ("b", "string")], "out", "1,2", "takes numbers, but the column b holds text"),
        ([("a", "double"), ("b", "double")], "other", "1,2", "The schema's output other is none of a, b, v, out"),
        ([("a", "double"), ("b", "double")], "out", "1,2,3", "Row 1 has 3 columns, but the model takes 2"),
        ([("a", "double"), ("b", "boolean")], "out", "1,perhaps", "'perhaps' is not a finite number"),
    ],
)
def test_a_schema_that_does_not_fit_is_a_400(
    tmp_path: Path, inputs: list[tuple[str, str]], output: str, body: str, said: str
) -> None:
    nodes = [one("vector_assembler", "a b", "v"), one("max_abs_scaler", "v", max_abs=[1.0, 1.0])]
    with pytest.raises(Refused, match=said) as refused:
        ask(load(tmp_path, nodes, inputs, output), body)
    assert refused.value.status == 400


def test_vectors_of_another_size_are_refused(tmp_path: Path) -> None:
    nodes = [one("vector_assembler", "a b", "v"), one("max_abs_scaler", "v", max_abs=[1.0, 1.0, 1.0])]
    with pytest.raises(Refused, match="takes vectors of 3 numbers, but those of v have 2"):
        ask(load(tmp_path, nodes, [("a", "double"), ("b", "double")], "out"), "1,2")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    nodes = [
        Node("string_indexer", "a/b ü", {"labels_array": [["é", ","]]}, ("a",), ("i",)),
        Node("string_indexer", "a b ü", {"labels_array": [["x"]]}, ("b",), ("j",)),
        one("vector_assembler", " ".join(f"c{at}" for at in range(12)), "v", handle_invalid="keep"),
    ]
    files = writing.files("p", nodes, {"compared": 3}, b"graph")
    for zipped, name in ((True, "one.zip"), (False, "one"), (False, "one")):
        writing.write(tmp_path / name, files, zipped=zipped)
        assert [(x.op, x.name, x.inputs, x.outputs) for x in bundle.read(tmp_path / name)] == [
            (x.op, x.name, x.inputs, x.outputs) for x in nodes
        ]
    assert (tmp_path / "one/root/model.onnx").read_bytes() == b"graph"
    assert sorted(x.name for x in tmp_path.iterdir()) == ["one", "one.zip"]
    for wrong, said in (("none", "there is no bundle"), ("one/bundle.json", "is no zip")):
        with pytest.raises(AlgorithmError, match=said):
            bundle.read(tmp_path / wrong)
