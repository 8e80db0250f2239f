"""No graph serves that answers otherwise than its containers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.graphs import native, parity
from clary.algorithms.graphs.features import CannotCompile
from tests.algorithms.graphs import cars

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of the pipeline with a sparse table, see sparse.py."""
    words = [sys.executable, "-m", "tests.algorithms.graphs.sparse", str(tmp_path_factory.mktemp("sparse"))]
    done = subprocess.run(words, capture_output=True, check=True, text=True, timeout=100, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_a_plain_conversion_of_a_sparse_one_hot_pipeline_is_caught(sparse: dict[str, Any]) -> None:
    wrong = sparse["wrong"]
    assert wrong > 500  # of 1,728: a third of all labels
    assert sparse["refused"] == f"{wrong} of 1,728 answers differ from those of the native servers"


@pytest.mark.slow
def test_our_own_graph_of_it_sees_absent_columns_as_missing(sparse: dict[str, Any]) -> None:
    assert sparse["agreed"] >= 2 * 1728


def test_a_graph_that_answers_what_its_containers_refuse_is_caught(car: Path, tmp_path: Path) -> None:
    graph = tmp_path / "graph"
    shutil.copytree(car / "output/graph", graph)
    plan = json.loads((graph / "graph.json").read_text())
    for column in plan["columns"]:
        column["unknown"] = "pass"
    (graph / "graph.json").write_text(json.dumps(plan))
    with pytest.raises(CannotCompile, match="1 rows are refused by the native servers, but not in the same way"):
        parity.check(graph, native.chain(cars.stages(car)), [*cars.rows()[:3], ["?", "low", "2", "4", "big", "high"]])


def test_scores_may_differ_in_the_last_digits_and_classes_in_nothing() -> None:
    assert parity._same("0.123456", "0.1234561")
    assert not parity._same("0.123456", "0.12346")
    assert not parity._same("100000.0", "100001.0")
    assert parity._same("nan", "nan")
    assert not parity._same("nan", "0.0")
    assert parity._same("[0.25, 0.75]", "[0.25000001, 0.75]")
    assert not parity._same("acc", "unacc")
