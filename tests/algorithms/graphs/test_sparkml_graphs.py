"""Spark's encoders before XGBoost, and its labels behind it: one graph for the three containers."""

import itertools
import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms.graphs import base, building, native, parity
from clary.algorithms.graphs.base import Request
from clary.algorithms.graphs.features import CannotCompile
from clary.algorithms.graphs.native import Stage
from clary.algorithms.sparkml import server, writing
from clary.algorithms.sparkml.bundle import Node
from tests.algorithms import bundles
from tests.algorithms.graphs import cars, spark_cars

CLASSES = ["unacc", "acc", "good", "vgood"]


def containers(folder: Path, *, drop: bool, invalid: str) -> list[Stage]:
    """As Spark's own defaults are (drop, error), or otherwise; labels by how often they come, as Spark orders them."""
    indexed, hot = [f"{one}_index" for one in cars.NAMES], [f"{one}_hot" for one in cars.NAMES]
    sizes = [len(words) + (invalid == "keep") for words in cars.WORDS]
    nodes = [
        *(
            bundles.indexer(name, out, words[::-1], invalid)
            for name, out, words in zip(cars.NAMES, indexed, cars.WORDS, strict=True)
        ),
        bundles.hot(indexed, hot, sizes, drop=drop),
        bundles.assembler(hot),
    ]
    first = bundles.schema([(one, "string") for one in cars.NAMES], "features", struct="vector")
    bundles.save(folder / "0", nodes)
    encoded = server.load(folder / "0", first).invoke(
        "".join(",".join(row) + "\n" for row in cars.rows()).encode(), "text/csv", None
    )
    features = np.array([line.split(",") for line in encoded.body.decode().split()], np.float32)
    model = cars.booster(features, [CLASSES.index(cars.label(row)) for row in cars.rows()], rounds=8)
    (folder / "1").mkdir()
    (folder / "1/xgboost-model").write_bytes(pickle.dumps(model))
    bundles.save(folder / "2", [bundles.names(CLASSES)])
    last = bundles.schema([("prediction", "double")], "label", "string")
    return [
        Stage("sparkml-serving", folder / "0", first),
        Stage("xgboost", folder / "1", {}),
        Stage("sparkml-serving", folder / "2", last),
    ]


@pytest.mark.parametrize(("drop", "invalid"), list(itertools.product((True, False), ("error", "keep", "skip"))))
def test_every_car_is_answered_as_by_the_three_containers(tmp_path: Path, drop: bool, invalid: str) -> None:
    stages = containers(tmp_path / "model", drop=drop, invalid=invalid)
    graph = cars.made(tmp_path, stages)
    plan = json.loads((graph / "graph.json").read_text())
    assert (plan["reader"], plan["input"], plan["output"]) == ("spark", "lines", "spark")
    program, chain = base.load(graph), native.chain(stages)
    body = "".join(",".join(row) + "\n" for row in cars.rows()).encode()
    odd = Request("text/csv", "", b"vhigh,vhigh,2,2,small,none\n")
    lines = Request("application/json", "application/jsonlines", b'{"data": ["low","low","5more","more","big","high"]}')
    for request in (Request("text/csv", "text/csv", body), odd, lines):
        assert program.answer([request]) == [chain.answer(request)]
    assert program.answer([odd])[0].status == (200 if invalid == "keep" else 400)


def scaled(folder: Path, *, invalid: str, steps: Sequence[str]) -> list[Stage]:
    """Words and numbers, of a bundle of our own format, before a model of XGBoost."""
    inputs = ["colour", "size", "weight"]
    nodes = [
        Node(
            "string_indexer", "i", {"labels_array": [["red", "green"]], "handle_invalid": "keep"}, ("colour",), ("n",)
        ),
        Node("one_hot_encoder", "h", {"category_sizes": [3], "drop_last": False}, ("n",), ("hot",)),
        Node("imputer", "m", {"surrogates": [2.5], "missing_value": "nan"}, ("size",), ("full",)),
        Node("binarizer", "b", {"thresholds": [3.0]}, ("size",), ("large",)),
        Node("vector_assembler", "a", {"handle_invalid": invalid}, ("full", "weight", "large"), ("numbers",)),
    ]
    known = {
        "min_max_scaler": {"min": [0.0, 1.0, 1.0], "max": [8.0, 3.0, 1.0], "max_value": 2.0},
        "max_abs_scaler": {"max_abs": [3.0, 0.7, 0.0]},
        "robust_scaler": {"median": [1.0, 2.0, 0.0], "range": [0.3, 0.0, 1.0]},
        "vector_slicer": {"indices": [1, 2, 0]},
    }
    last = "numbers"
    for at, op in enumerate(steps):
        nodes.append(Node(op, f"s{at}", known[op], (last,), (f"made{at}",)))
        last = f"made{at}"
    nodes.append(Node("vector_assembler", "all", {"handle_invalid": invalid}, ("hot", last), ("features",)))
    first = bundles.schema([(one, "string" if one == "colour" else "double") for one in inputs], "features")
    (folder / "0").mkdir(parents=True)
    writing.write(folder / "0/model.zip", writing.files("p", nodes, {}, None), zipped=True)
    rows = [[colour, size / 2, weight / 4] for colour in ("red", "green") for size in range(12) for weight in range(8)]
    body = "".join(f"{','.join(map(str, row))}\n" for row in rows).encode()
    encoded = server.load(folder / "0", first).invoke(body, "text/csv", None).body.decode()
    features = np.array([line.split(",") for line in encoded.split()], np.float32)
    model = cars.booster(features, [at % 4 for at in range(len(rows))], rounds=4)
    (folder / "1").mkdir()
    (folder / "1/xgboost-model").write_bytes(pickle.dumps(model))
    return [Stage("sparkml-serving", folder / "0", first), Stage("xgboost", folder / "1", {})]


@pytest.mark.parametrize(
    ("invalid", "steps"),
    [("error", ["min_max_scaler", "vector_slicer"]), ("keep", ["max_abs_scaler"]), ("error", ["robust_scaler"])],
)
def test_scalers_and_imputers_are_part_of_the_graph(tmp_path: Path, invalid: str, steps: list[str]) -> None:
    stages = scaled(tmp_path / "model", invalid=invalid, steps=steps)
    program, chain = base.load(cars.made(tmp_path, stages)), native.chain(stages)
    bodies = [b"red,1.5,0.25\npink,3.5,2\n", b"green,,1\n", b"green,1,\n", b"red,0,0\nred,2,nan\n", b"red,1,x\n"]
    requests = [Request("text/csv", "text/csv", one) for one in bodies]
    answers = [chain.answer(one) for one in requests]
    assert program.answer(requests) == answers
    assert [one.status for one in answers] == [200, 200, *[400 if invalid == "error" else 200] * 2, 400]
    if invalid == "error":
        assert answers[3].body == b"Row 2, column 3 (weight): a value is missing."


TREE = {
    "left": [1, -1, 3, -1, -1],
    "right": [2, -1, 4, -1, -1],
    "feature": [3, 0, 0, 0, 0],
    "threshold": [0.7, None, None, None, None],
    "categories": {"2": [[1.0], True]},
    "values": [[0, 0, 0], [5.0, 1.0, 2.0], [0, 0, 0], [0.0, 7.0, 1.0], [0.5, 0.25, 3.0]],
}
CLASSIFIED = ("prediction", "probability", "raw_prediction")


@pytest.mark.parametrize(
    ("tail", "output", "kind"),
    [
        ([Node("normalizer", "n", {"p_norm": 2.0}, ("all",), ("end",))], "end", "double"),
        (
            [
                Node("random_forest_classifier", "f", {"trees": [TREE, TREE]}, ("all",), ("p", "end", "r"), CLASSIFIED),
            ],
            "end",
            "double",
        ),
        (
            [
                Node("decision_tree_classifier", "f", {"trees": [TREE]}, ("all",), ("p",), ("prediction",)),
                Node("reverse_string_indexer", "l", {"labels": ["bad", "fair", "good"]}, ("p",), ("end",)),
            ],
            "end",
            "string",
        ),
        (
            [
                Node("max_abs_scaler", "m", {"max_abs": [1.0, 1.0, 9.0, 2.0]}, ("all",), ("scaled",)),
                Node("normalizer", "n", {"p_norm": 1.0}, ("scaled",), ("unit",)),
                Node(
                    "linear_regression",
                    "l",
                    {"coefficients": [[0.5, -1.5, 2.0, 0.25]], "intercepts": [0.1]},
                    ("unit",),
                    ("end",),
                    ("prediction",),
                ),
            ],
            "end",
            "double",
        ),
    ],
    ids=["vectors", "forest", "tree", "regression"],
)
def test_a_bundle_with_sparks_own_model_is_one_graph(tmp_path: Path, tail: list[Node], output: str, kind: str) -> None:
    nodes = [
        Node("string_indexer", "i", {"labels_array": [["red", "green"]]}, ("colour",), ("n",)),
        Node("one_hot_encoder", "h", {"category_sizes": [2], "drop_last": False}, ("n",), ("hot",)),
        Node("vector_assembler", "a", {"handle_invalid": "error"}, ("hot", "size", "weight"), ("all",)),
        *tail,
    ]
    writing.write(tmp_path / "model", writing.files("p", nodes, {}, None), zipped=False)
    schema = bundles.schema([("colour", "string"), ("size", "double"), ("weight", "double")], output, kind)
    stages = [Stage("sparkml-serving", tmp_path / "model", schema)]
    program, chain = base.load(cars.made(tmp_path, stages)), native.chain(stages)
    bodies = [b"red,1,0.7\ngreen,0,0.71\nred,-3.5,2\n", b"pink,1,2\n", b"red,,2\n", b"green,1e9,-1e-9\n"]
    requests = [Request("text/csv", "text/csv", one) for one in bodies]
    answers = program.answer(requests)
    assert [one.status for one in answers] == [200, 400, 400, 200]
    for made, right in zip(answers, map(chain.answer, requests), strict=True):
        assert parity._alike(right, made)


def test_what_is_not_compiled_is_left_to_the_containers(tmp_path: Path) -> None:
    nodes = [Node("bucketizer", "b", {"splits": [[0.0, 1.0, 2.0]]}, ("size",), ("features",))]
    writing.write(tmp_path / "0", writing.files("p", nodes, {}, None), zipped=False)
    stage = Stage("sparkml-serving", tmp_path / "0", bundles.schema([("size", "double")], "features"))
    with pytest.raises(CannotCompile, match="the operation bucketizer is not compiled"):
        building.build([stage])


def test_the_workshops_three_containers_are_one_graph(tmp_path: Path) -> None:
    stages = spark_cars.containers(tmp_path / "model")
    program, chain = base.load(cars.made(tmp_path, stages, cars.rows())), native.chain(stages)
    whole = Request("text/csv", "", "".join(",".join(row) + "\n" for row in cars.rows()).encode())
    unseen = Request("text/csv", "", b"low,low,5more,more,huge,high\n")
    answers = [chain.answer(one) for one in (whole, unseen)]
    assert program.answer([whole, unseen]) == answers
    answered = answers[0].body.decode().split()
    right = sum(got == cars.label(row) for got, row in zip(answered, cars.rows(), strict=True))
    assert right > 1650
    assert answered[cars.rows().index(["low", "low", "5more", "more", "big", "high"])] == "vgood"
    assert answers[1] == (
        400,
        "text/plain; charset=utf-8",
        b"Row 1, column 5 (lug_boot): 'huge' is not one of the known values: small, med, big.",
    )
