"""On real data, every row is answered by the graph as by the native servers: iris, abalone and churn."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from clary.algorithms.graphs import base, native
from clary.algorithms.graphs.base import Request
from clary.algorithms.graphs.native import Stage
from clary.algorithms.kmeans.model import ALGORITHM as K_MEANS
from clary.algorithms.linear_learner.model import ALGORITHM as LINEAR
from clary.algorithms.tabular import artifact
from tests.algorithms.graphs import cars

Rows = list[list[str]]


def boosted(features: Any, labels: Any, rounds: int = 30, **settings: Any) -> Any:
    dense = features.toarray() if hasattr(features, "toarray") else features
    table = xgboost.DMatrix(np.asarray(dense, np.float32), labels)
    return xgboost.train({"nthread": 1, "max_depth": 4, "seed": 3} | settings, table, rounds)


def agree(folder: Path, stages: Sequence[Stage], rows: Rows) -> dict[str, Any]:
    """The plan of a graph that answers all rows of one request byte for byte as the containers do."""
    graph = cars.made(folder, list(stages), rows)
    request = Request("text/csv", "text/csv", "".join(",".join(row) + "\n" for row in rows).encode())
    expected, (got,) = native.chain(stages).answer(request), base.load(graph).answer([request])
    assert expected.status == 200
    assert got == expected
    plan: dict[str, Any] = json.loads((graph / "graph.json").read_text())
    assert plan["agreed"] > min(len(rows), 2000)
    return plan


def table(image: str, folder: Path, about: dict[str, Any], **arrays: Any) -> Stage:
    artifact.save(folder, {"k-means": K_MEANS, "linear-learner": LINEAR}[image], about, arrays)
    return Stage(image, folder, {})


@pytest.fixture
def iris() -> tuple[Any, Any, Rows]:
    features, labels = load_iris(return_X_y=True)
    return features, labels, [[repr(float(cell)) for cell in row] for row in features]


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_iris(tmp_path: Path, iris: tuple[Any, Any, Rows], objective: str) -> None:
    features, labels, rows = iris
    model = boosted(features, labels, objective=objective, num_class=3)
    plan = agree(tmp_path, cars.store(tmp_path / "model", model), rows)
    assert (plan["reader"], plan["input"], plan["output"]) == ("xgboost", "floats", "scores")


def test_iris_scaled_and_named(tmp_path: Path, iris: tuple[Any, Any, Rows]) -> None:
    features, labels, rows = iris
    names = LabelEncoder().fit(["setosa", "versicolor", "virginica"])
    scaler = Pipeline([("gaps", SimpleImputer()), ("scale", StandardScaler())]).fit(features)
    model = boosted(scaler.transform(features), labels, objective="multi:softmax", num_class=3)
    plan = agree(tmp_path, cars.store(tmp_path / "model", scaler, model, names), rows)
    assert plan["input"] == "doubles"


def test_iris_in_clusters(tmp_path: Path, iris: tuple[Any, Any, Rows]) -> None:
    features, _, rows = iris
    found = KMeans(3, n_init=1, random_state=0).fit(features)
    stage = table("k-means", tmp_path / "model", {"k": 3}, centers=found.cluster_centers_)
    plan = close(tmp_path, [stage], rows)
    assert plan["names"] == ["closest_cluster", "distance_to_cluster"]


@pytest.mark.parametrize(
    ("predictor", "loss"), [("multiclass_classifier", "softmax"), ("binary_classifier", "logistic")]
)
def test_iris_by_a_linear_learner(tmp_path: Path, iris: tuple[Any, Any, Rows], predictor: str, loss: str) -> None:
    features, labels, rows = iris
    wanted = labels if predictor.startswith("multi") else labels == 1
    fitted = LogisticRegression(max_iter=500).fit(features, wanted)
    about = {"predictor_type": predictor, "loss": loss, "threshold": 0.5}
    stage = table("linear-learner", tmp_path / "model", about, weights=fitted.coef_.T, bias=fitted.intercept_)
    plan = close(tmp_path, [stage], rows)
    assert plan["names"] == ["score", "predicted_label"]


def close(folder: Path, stages: Sequence[Stage], rows: Rows) -> dict[str, Any]:
    """The plan of a graph that the gate lets pass: sums of products may end in other digits here and there."""
    plan: dict[str, Any] = json.loads((cars.made(folder, list(stages), rows) / "graph.json").read_text())
    assert plan["agreed"] > len(rows)
    return plan


def read(path: Path, header: bool) -> Rows:
    with path.open(newline="") as file:
        return list(csv.reader(file))[int(header) :]


def test_abalone(tmp_path: Path, data: Callable[[str], Path]) -> None:
    whole = read(data("abalone/abalone.data"), header=False)
    rows, rings = [row[:-1] for row in whole], [float(row[-1]) for row in whole]
    typed = np.array([[row[0], *map(float, row[1:])] for row in rows], object)
    numbers = Pipeline([("gaps", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    first = ColumnTransformer([("numbers", numbers, slice(1, 8)), ("sex", OneHotEncoder(), [0])]).fit(typed)
    model = boosted(first.transform(typed), rings, rounds=50, objective="reg:squarederror")
    plan = agree(tmp_path, cars.store(tmp_path / "model", first, model), rows)
    assert plan["input"] == "strings"
    assert [one["kind"] for one in plan["columns"]] == ["string", *["float"] * 7]


def test_abalone_by_a_linear_learner_behind_scikit_learn(tmp_path: Path, data: Callable[[str], Path]) -> None:
    whole = read(data("abalone/abalone.data"), header=False)[:1000]
    rows, rings = [row[:-1] for row in whole], [float(row[-1]) for row in whole]
    typed = np.array([[row[0], *map(float, row[1:])] for row in rows], object)
    parts = [("sex", OneHotEncoder(drop="first"), [0]), ("numbers", MinMaxScaler(), slice(1, 8))]
    first = ColumnTransformer(parts).fit(typed)
    fitted = LinearRegression().fit(first.transform(typed), rings)
    about = {"predictor_type": "regressor", "loss": "squared_loss", "threshold": 0.5}
    last = table(
        "linear-learner",
        tmp_path / "model/1",
        about,
        weights=fitted.coef_.reshape(-1, 1),
        bias=fitted.intercept_.reshape(1),
    )
    stages = [*cars.store(tmp_path / "model", first), last]
    plan = close(tmp_path, stages, rows)
    # The linear learner refuses what is missing, so its graph never sees it.
    assert [one.get("missing") for one in plan["columns"]] == [None, *["error"] * 7]
    gap = Request("text/csv", "text/csv", b"M,,0.365,0.095,0.514,0.2245,0.101,0.15\n")
    assert base.load(tmp_path / "output/graph").answer([gap]) == [native.chain(stages).answer(gap)]


def test_churn(tmp_path: Path, data: Callable[[str], Path]) -> None:
    """Text and numbers in turns; states that nobody has seen are ignored, plans have an order."""
    whole = read(data("churn/churn.csv"), header=True)[:800]
    rows, left = [[*row[:3], *row[4:-1]] for row in whole], [row[-1] == "True." for row in whole]
    text = [0, 2, 3, 4]
    typed = np.array([[cell if at in text else float(cell) for at, cell in enumerate(row)] for row in rows], object)
    first = ColumnTransformer(
        [
            ("places", OneHotEncoder(handle_unknown="ignore"), [0, 2]),
            ("plans", OrdinalEncoder(), [3, 4]),
        ],
        remainder="passthrough",
    ).fit(typed)
    model = boosted(first.transform(typed), left, objective="binary:logistic")
    plan = agree(tmp_path, cars.store(tmp_path / "model", first, model), rows)
    assert {one["unknown"] for one in plan["columns"] if one["kind"] == "string"} == {"pass", "error"}
    assert len(plan["columns"]) == 19
