"""Spark's encoders before XGBoost, and its labels behind it: one graph for the three containers."""

import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms.graphs import base, native
from clary.algorithms.graphs.base import Request
from clary.algorithms.graphs.native import Stage
from clary.algorithms.sparkml import server
from tests.algorithms import bundles
from tests.algorithms.graphs import cars

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
