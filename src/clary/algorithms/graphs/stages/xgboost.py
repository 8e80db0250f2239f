"""A model of the XGBoost image: its scores, as the objective transforms them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.graphs import trees
from clary.algorithms.graphs.features import CannotCompile, Feature
from clary.algorithms.graphs.nodes import DOUBLE, FLOAT, INT64
from clary.algorithms.graphs.source import Source
from clary.algorithms.graphs.trees import Tree
from clary.algorithms.xgboost import model

LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")
IDENTITY = (
    "reg:squarederror", "reg:absoluteerror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:quantileerror",
    "binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map",
)  # fmt: skip
MULTI = ("multi:softmax", "multi:softprob")
CLASSES = ("multi:softmax", "binary:hinge")
"""Objectives that answer the number of a class."""


@dataclass(frozen=True, slots=True)
class Boosted:
    """What must be known of a Booster to answer without it."""

    columns: int
    objective: str
    groups: int
    base: NDArray[np.float32]
    """The margin of each group before any tree."""
    trees: tuple[Tree, ...] = ()
    weights: NDArray[np.float32] | None = None
    """(columns, groups) of a linear booster, which has no trees."""

    @property
    def answers_classes(self) -> bool:
        return self.objective in CLASSES


def load(folder: Path) -> Boosted:
    """The model of that folder. Raises CannotCompile, and AlgorithmError as the native server would."""
    found = model.load(folder)
    if not isinstance(found, model.Single):
        raise CannotCompile("the models of a cross-validation answer together, which is not compiled")
    return read(found.booster, found.columns, found.rounds)


def fitted(model: Any) -> Boosted:
    """Of a class of xgboost.sklearn that has learnt. Raises CannotCompile."""
    if model.missing is not None and not np.isnan(model.missing):
        raise CannotCompile(f"XGBoost was told that {model.missing:g} means missing, which is not compiled")
    booster = model.get_booster()
    best = booster.attr("best_iteration")
    return read(booster, booster.num_features(), (0, int(best) + 1) if best is not None else (0, 0))


def read(booster: Any, columns: int, rounds: tuple[int, int] = (0, 0)) -> Boosted:
    """What is in the Booster, of its rounds up to the second number (0: all). Raises CannotCompile."""
    if rounds[1] and json.loads(booster.save_config())["learner"]["gradient_booster"]["name"] != "gblinear":
        booster = booster[: min(rounds[1], booster.num_boosted_rounds())]
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    about, objective = learner["learner_model_param"], learner["objective"]["name"]
    if objective not in (*LOGISTIC, *EXPONENTIAL, *IDENTITY, *MULTI, "binary:hinge"):
        raise CannotCompile(f"the objective {objective} is not compiled")
    groups = max(int(about.get("num_class") or 0), int(about.get("num_target") or 1), 1)
    base = _margin(objective, _base(str(about["base_score"]), groups))
    made = learner["gradient_booster"]
    match made["name"]:
        case "gbtree":
            return Boosted(columns, objective, groups, base, _trees(made["model"], None))
        case "dart":
            return Boosted(columns, objective, groups, base, _trees(made["gbtree"]["model"], made["weight_drop"]))
        case "gblinear":
            weights = np.array(made["model"]["weights"], np.float32).reshape(columns + 1, groups)
            # A linear booster begins each group with the first one's base score (seen in XGBoost 3.2).
            return Boosted(columns, objective, groups, base[0] + weights[-1], weights=weights[:-1])
    raise CannotCompile(f"the booster {made['name']} is not compiled")


def _base(text: str, groups: int) -> NDArray[np.float32]:
    """Older versions hold one number for all groups, newer ones a list."""
    said = np.atleast_1d(np.array(json.loads(text), np.float32))
    if said.size not in (1, groups):
        raise CannotCompile(f"the model has {said.size} base scores for {groups} groups")
    return np.broadcast_to(said, groups).astype(np.float32)


def _margin(objective: str, base: NDArray[np.float32]) -> NDArray[np.float32]:
    """The base score is kept as an answer; trees add to what it is before the transformation. Logarithms are taken in
    64 bits and rounded once, as the C library's are."""
    if objective in LOGISTIC:
        return (-np.log((np.float32(1) / base - np.float32(1)).astype(np.float64))).astype(np.float32)
    return np.log(base.astype(np.float64)).astype(np.float32) if objective in EXPONENTIAL else base


def _trees(about: dict[str, Any], dropped: list[float] | None) -> tuple[Tree, ...]:
    made = []
    for number, (tree, group) in enumerate(zip(about["trees"], about["tree_info"], strict=True)):
        if any(tree.get("split_type") or ()) or tree.get("categories"):
            raise CannotCompile("splits of XGBoost's own categorical features are not compiled")
        if int(tree["tree_param"].get("size_leaf_vector") or 0) > 1:
            raise CannotCompile("trees with several outputs each (multi_output_tree) are not compiled")
        condition = np.array(tree["split_conditions"], np.float32)
        if dropped is not None:
            leaf = np.array(tree["left_children"]) < 0
            condition = np.where(leaf, condition * np.float32(dropped[number]), condition).astype(np.float32)
        made.append(
            Tree(
                tree["left_children"],
                tree["right_children"],
                tree["split_indices"],
                condition,
                [bool(one) for one in tree["default_left"]],
                int(group),
            )
        )
    return tuple(made)


def scores(source: Source, boosted: Boosted, features: list[Feature], *, zero_missing: bool = False) -> str:
    """The answers of the model as the native server gives them: float32[N], or [N, groups]; of a model that answers
    classes their numbers, int64[N]. Raises CannotCompile."""
    if len(features) != boosted.columns:
        raise CannotCompile(f"the model takes {boosted.columns} columns, but its rows have {len(features)}")
    if boosted.weights is None:
        margins = trees.ensemble(source, boosted.trees, features, zero_missing, boosted.base)
    else:
        margins = _linear(source, boosted, features)
    return _transformed(source, boosted, margins)


def _linear(source: Source, boosted: Boosted, features: list[Feature]) -> str:
    """Missing values add nothing."""
    graph = source.graph
    values = source.matrix(features, FLOAT)
    values = graph.node("Where", graph.node("IsNaN", values), graph.constant(np.float32(0)), values)
    return graph.node(
        "Add", graph.node("MatMul", values, graph.constant(boosted.weights)), graph.constant(boosted.base)
    )


def _transformed(source: Source, boosted: Boosted, margins: str) -> str:
    graph, objective = source.graph, boosted.objective
    if objective == "multi:softmax":
        return graph.node("ArgMax", margins, axis=1, keepdims=0)
    if objective == "multi:softprob":
        return _shares(source, margins)
    if boosted.groups == 1:
        margins = graph.node("Squeeze", margins, graph.constant(np.array([1], np.int64)))
    if objective == "binary:hinge":
        return graph.cast(graph.node("Greater", margins, graph.constant(np.float32(0))), INT64)
    if objective in LOGISTIC:
        one = graph.constant(np.float32(1))
        power = _power(source, graph.node("Neg", margins))
        return graph.node("Div", one, graph.node("Add", power, one))
    return _power(source, margins) if objective in EXPONENTIAL else margins


def _shares(source: Source, margins: str) -> str:
    """Softmax as XGBoost calculates it: powers in 32 bits, their sum in 64."""
    graph = source.graph
    axis = graph.constant(np.array([1], np.int64))
    most = graph.node("ReduceMax", margins, axis, keepdims=1)
    powers = _power(source, graph.node("Sub", margins, most))
    total = graph.node("ReduceSum", graph.cast(powers, DOUBLE), axis, keepdims=1)
    return graph.node("Div", powers, graph.cast(total, FLOAT))


def _power(source: Source, values: str) -> str:
    """e to the power of each, rounded once: in 64 bits, since the runtime's own in 32 bits is an approximation."""
    graph = source.graph
    return graph.cast(graph.node("Exp", graph.cast(values, DOUBLE)), FLOAT)
