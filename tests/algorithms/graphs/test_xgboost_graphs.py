"""Every kind of Booster that is compiled answers as XGBoost itself; the others are refused with a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from clary.algorithms.graphs import base, native
from clary.algorithms.graphs.base import Request
from clary.algorithms.graphs.native import Stage
from tests.algorithms.conftest import OptMl
from tests.algorithms.graphs import cars

CHANCE = np.random.default_rng(11)
FEATURES = CHANCE.normal(size=(120, 4)).astype(np.float32)
FEATURES[CHANCE.random(FEATURES.shape) < 0.15] = np.nan
LABELS = {
    "class": CHANCE.integers(0, 3, 120).astype(float),
    "yes": CHANCE.integers(0, 2, 120).astype(float),
    "count": CHANCE.integers(1, 9, 120).astype(float),
}
BODY = "".join(",".join("" if cell != cell else repr(float(cell)) for cell in row) + "\n" for row in FEATURES).encode()


def booster(labels: str, rounds: int = 12, **settings: Any) -> Any:
    table = xgboost.DMatrix(FEATURES, LABELS[labels])
    depth = {} if settings.get("booster") == "gblinear" else {"max_depth": 3}
    return xgboost.train({"nthread": 1, "eta": 0.4, "seed": 5} | depth | settings, table, rounds)


def agree(folder: Path, stages: list[Stage]) -> None:
    """The graph's answers are those of the server, byte for byte."""
    graph = cars.made(folder, stages)
    request = Request("text/csv", "text/csv", BODY)
    expected = native.chain(stages).answer(request)
    assert expected.status == 200
    assert base.load(graph).answer([request]) == [expected]


@pytest.mark.parametrize(
    ("labels", "settings"),
    [
        ("class", {"objective": "multi:softmax", "num_class": 3}),
        ("class", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 3, "subsample": 0.6}),
        ("yes", {"objective": "binary:logistic"}),
        ("yes", {"objective": "binary:logitraw"}),
        ("yes", {"objective": "binary:hinge"}),
        ("yes", {"objective": "reg:logistic", "base_score": 0.3}),
        ("count", {"objective": "reg:squarederror"}),
        ("count", {"objective": "reg:absoluteerror"}),
        ("count", {"objective": "reg:quantileerror", "quantile_alpha": [0.2, 0.7]}),
        ("count", {"objective": "count:poisson"}),
        ("count", {"objective": "reg:gamma"}),
        ("count", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}),
        ("count", {"objective": "survival:cox"}),
        ("class", {"objective": "rank:pairwise"}),
        ("yes", {"objective": "binary:logistic", "max_depth": 0, "max_leaves": 6, "grow_policy": "lossguide"}),
    ],
    ids=lambda one: one if isinstance(one, str) else "-".join(map(str, one.values())),
)
def test_a_booster_is_answered_for_to_the_last_digit(tmp_path: Path, labels: str, settings: dict[str, Any]) -> None:
    agree(tmp_path, cars.store(tmp_path / "model", booster(labels, **settings)))


@pytest.mark.parametrize(
    ("labels", "settings"),
    [
        ("class", {"booster": "dart", "rate_drop": 0.5, "objective": "multi:softprob", "num_class": 3}),
        ("count", {"booster": "dart", "rate_drop": 0.5, "skip_drop": 0.2}),
        ("count", {"booster": "gblinear"}),
        ("class", {"booster": "gblinear", "objective": "multi:softmax", "num_class": 3}),
    ],
    ids=lambda one: one if isinstance(one, str) else "-".join(map(str, one.values())),
)
def test_sums_in_another_order_pass_the_gate(tmp_path: Path, labels: str, settings: dict[str, Any]) -> None:
    cars.made(tmp_path, cars.store(tmp_path / "model", booster(labels, **settings)))


def test_only_the_rounds_up_to_the_best_count(tmp_path: Path) -> None:
    known, other = xgboost.DMatrix(FEATURES, LABELS["yes"]), xgboost.DMatrix(FEATURES[::-1], LABELS["yes"])
    settings = {"objective": "binary:logistic", "nthread": 1, "eta": 0.9}
    model = xgboost.train(
        settings, known, 40, evals=[(other, "validation")], early_stopping_rounds=4, verbose_eval=False
    )
    assert model.best_iteration + 1 < model.num_boosted_rounds()
    agree(tmp_path, cars.store(tmp_path / "model", model))


@pytest.mark.parametrize("name", ["1.2-logistic.pickle", "1.5-tweedie.pickle", "1.7-dart.bin", "1.7-softprob.bin"])
def test_models_of_old_versions(tmp_path: Path, name: str) -> None:
    place = tmp_path / "model"
    place.mkdir()
    (place / "xgboost-model").write_bytes((Path(__file__).parents[1] / "models" / name).read_bytes())
    cars.made(tmp_path, [Stage("xgboost", place, {})])


def test_old_images_write_all_scores_on_one_line(tmp_path: Path) -> None:
    (stage,) = cars.store(tmp_path / "model", booster("count"))
    agree(tmp_path, [Stage("xgboost", stage.folder, {"CLARY_IMAGE": "683313688378.dkr.ecr/xgboost:0.90-1"})])


def categorical() -> Any:
    table = np.column_stack([CHANCE.integers(0, 9, 120), FEATURES[:, 0]])
    given = xgboost.DMatrix(table, LABELS["count"], feature_types=["c", "float"], enable_categorical=True)
    return xgboost.train({"max_cat_to_onehot": 1, "nthread": 1}, given, 4)


def vectors() -> Any:
    settings = {"objective": "multi:softprob", "num_class": 3, "multi_strategy": "multi_output_tree"}
    return booster("class", tree_method="hist", **settings)


@pytest.mark.parametrize(
    ("made", "why"),
    [(categorical, "categorical features are not compiled"), (vectors, "multi_output_tree")],
)
def test_what_is_not_compiled_is_refused_with_a_sentence(tmp_path: Path, made: Callable[[], Any], why: str) -> None:
    with pytest.raises(RuntimeError, match=why):
        cars.made(tmp_path, cars.store(tmp_path / "model", made()))


def test_containers_that_do_more_than_their_image_are_refused(tmp_path: Path, ml: OptMl) -> None:
    (stage,) = cars.store(tmp_path / "model", booster("yes", objective="binary:logistic"))
    for environ, why in (
        ({"SAGEMAKER_PROGRAM": "serve.py"}, "a program of yours"),
        ({"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"}, "SAGEMAKER_INFERENCE_OUTPUT"),
    ):
        with pytest.raises(RuntimeError, match=why):
            cars.made(tmp_path, [Stage("xgboost", stage.folder, environ)])
    with pytest.raises(RuntimeError, match="stands behind another model"):
        cars.made(tmp_path, [stage, stage])
    (stage.folder / "xgboost-model").write_bytes(b"{}")
    with pytest.raises(RuntimeError, match="no model of XGBoost"):
        cars.made(tmp_path, [stage])
