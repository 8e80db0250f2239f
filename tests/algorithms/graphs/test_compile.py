"""Pipelines become graphs that answer as their containers do."""

import json
from pathlib import Path

from clary.algorithms.graphs import base, native
from clary.algorithms.graphs.base import Request
from tests.algorithms.graphs import cars

CSV = "text/csv"


def ask(program: base.Program, *rows: str) -> list[tuple[int, str]]:
    answers = program.answer([Request(CSV, CSV, row.encode()) for row in rows])
    return [(one.status, one.body.decode()) for one in answers]


def test_the_whole_pipeline_is_one_graph(car: Path) -> None:
    plan = json.loads((car / "output/graph/graph.json").read_text())
    assert plan["stages"] == ["scikit-learn", "xgboost", "scikit-learn"]
    assert plan["input"] == "lines"
    assert plan["agreed"] >= 1728


def test_every_car_is_answered_byte_for_byte_as_by_the_three_containers(car: Path) -> None:
    program = base.load(car / "output/graph")
    stages = cars.stages(car)
    body = "".join(",".join(row) + "\n" for row in cars.rows()).encode()
    request = Request(CSV, CSV, body)
    assert program.answer([request]) == [native.chain(stages).answer(request)]


def test_an_unknown_category_is_refused_with_those_that_are_known(car: Path) -> None:
    program = base.load(car / "output/graph")
    (status, words), (good, label) = ask(program, "vhigh,vhigh,2,2,small,none", "low,low,5more,more,big,high")
    assert status == 422
    assert "'none'" in words
    assert "high, low, med" in words
    assert (good, label) == (200, "vgood\n")
