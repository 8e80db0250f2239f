"""XGBoost's old model formats, rewritten as JSON that it still reads. XGBoost 3.1 and later no longer read the binary
one, which AWS's containers up to 1.7 wrote, as a file and inside pickles.

The format is the memory of XGBoost's structures, little-endian: the model's parameters, names of objective and booster,
the booster (for each tree its parameters, nodes and statistics), attributes."""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from clary.algorithms.contract import AlgorithmError

MAGIC = b"binf"
PICKLED = b"CONFIG-offset:"
"""How a pickled Booster of versions 1.0 to 1.6 begins: then comes an offset, the model, and a configuration."""

NODE = np.dtype([("parent", "<i4"), ("left", "<i4"), ("right", "<i4"), ("index", "<u4"), ("value", "<f4")])
STATISTICS = np.dtype([("loss", "<f4"), ("hessian", "<f4"), ("weight", "<f4"), ("leaves", "<i4")])
LOW = np.uint32((1 << 31) - 1)
"""A node's index and parent keep a flag in their highest bit."""

OBJECTIVE_PARAMETERS = {
    "multi:softmax": "softmax_multiclass_param",
    "multi:softprob": "softmax_multiclass_param",
    "count:poisson": "poisson_regression_param",
    "reg:tweedie": "tweedie_regression_param",
    "reg:pseudohubererror": "pseudo_huber_param",
    "rank:pairwise": "lambda_rank_param",
    "rank:ndcg": "lambda_rank_param",
    "rank:map": "lambda_rank_param",
    "survival:aft": "aft_loss_param",
    "binary:hinge": "",
    "survival:cox": "",
    "reg:absoluteerror": "",
}
DEFAULTS = {
    "poisson_regression_param": {"max_delta_step": "0.7"},
    "tweedie_regression_param": {"tweedie_variance_power": "1.5"},
    "pseudo_huber_param": {"huber_slope": "1"},
    "aft_loss_param": {"aft_loss_distribution": "normal", "aft_loss_distribution_scale": "1"},
    "reg_loss_param": {"scale_pos_weight": "1"},
    "lambda_rank_param": {},
}
"""Old versions do not hold them, and predictions do not need them: XGBoost's defaults stand in."""
RENAMED = {"reg:linear": "reg:squarederror"}


def is_legacy(raw: bytes) -> bool:
    """Whether that is the old format: marked, or so old that it has no mark and begins with its base score."""
    if raw.startswith((MAGIC, PICKLED)):
        return True
    return len(raw) > 144 and raw[:1] not in (b"{", b"\x80") and 0 < struct.unpack("<Q", raw[136:144])[0] < 64


def to_json(raw: bytes) -> bytes:
    """The same model as XGBoost's JSON. Raises AlgorithmError when it is cut off or no such model."""
    reader = Reader(raw)
    try:
        if reader.skip(PICKLED):
            reader.take(8)
        reader.skip(MAGIC)
        return json.dumps(_model(reader)).encode()
    except (struct.error, ValueError, ArithmeticError) as error:
        raise AlgorithmError(f"a model in XGBoost's old binary format that cannot be read: {error}") from None


def of_snapshot(raw: bytes) -> bytes:
    """The model in the text that versions 1.3 to 1.5 put into a pickle, beside their configuration. Raises
    AlgorithmError."""
    try:
        return json.dumps(json.loads(raw)["Model"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AlgorithmError(f"a pickled Booster that cannot be read: {error!r}") from None


class Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._position = 0

    def skip(self, begin: bytes) -> bool:
        """Whether what comes next is that; then it is passed over."""
        found = self._raw.startswith(begin, self._position)
        self._position += len(begin) if found else 0
        return found

    def take(self, size: int) -> bytes:
        end = self._position + size
        if size < 0 or end > len(self._raw):
            raise ValueError("it is cut off")
        begin, self._position = self._position, end
        return self._raw[begin:end]

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def table(self, kind: Any, count: int) -> Any:
        return np.frombuffer(self.take(np.dtype(kind).itemsize * count), kind)

    def text(self) -> str:
        return self.take(self.numbers("Q")[0]).decode()


def _model(reader: Reader) -> dict[str, Any]:
    base_score, features, classes, attributes, _, major, minor, *_ = reader.numbers("fIiiiII27i")
    objective, booster = reader.text(), reader.text()
    objective = RENAMED.get(objective, objective)
    if objective == "binary:logitraw" and (major, minor) < (1, 3):
        base_score = math.log(base_score / (1 - base_score))  # it was a probability, and is a margin now
    made = BOOSTERS[booster](reader, max(1, classes)) if booster in BOOSTERS else _unknown(booster)
    said = {reader.text(): reader.text() for _ in range(reader.numbers("Q")[0])} if attributes else {}
    # From 1.5 on an attribute of that name holds the objective with its parameters.
    known = json.loads(said.pop("objective", "null"))
    _count_rounds(made, said)
    learner: dict[str, Any] = {
        "learner_model_param": {
            "base_score": repr(float(base_score)),
            "boost_from_average": "0",
            "num_class": str(classes),
            "num_feature": str(features),
            "num_target": "1",
        },
        "objective": known if isinstance(known, dict) else {"name": objective} | _parameters(objective, classes),
        "gradient_booster": made,
        "attributes": said,
        "feature_names": [],
        "feature_types": [],
    }
    return {"version": [1, 7, 0], "learner": learner}


def _count_rounds(booster: dict[str, Any], attributes: Mapping[str, str]) -> None:
    """A forest of one group, before 1.4, tells how many trees a round has only where training noted its best round."""
    trees = booster.get("gbtree", booster)["model"].get("gbtree_model_param")
    limit, best = attributes.get("best_ntree_limit", ""), attributes.get("best_iteration", "")
    if trees and trees["num_parallel_tree"] == "1" and limit.isdigit() and best.isdigit():
        trees["num_parallel_tree"] = str(max(1, int(limit) // (int(best) + 1)))


def _unknown(booster: str) -> Any:
    raise ValueError(f"booster {booster[:40]!r} is not known")


def _parameters(objective: str, classes: int) -> dict[str, Any]:
    name = OBJECTIVE_PARAMETERS.get(objective, "reg_loss_param")
    if not name:
        return {}
    return {name: {"num_class": str(classes)} if name == "softmax_multiclass_param" else DEFAULTS[name]}


def _gbtree(reader: Reader, groups: int) -> dict[str, Any]:
    trees, parallel, *_ = reader.numbers("iiiiqii32i")
    made = [_tree(reader, number) for number in range(trees)]
    info = reader.table("<i4", trees).tolist()
    # Versions before 1.4 did not write it. A round grows so many trees of a group in a row.
    row = next((number for number, group in enumerate(info) if group != info[0]), 1)
    about = {"num_parallel_tree": str(max(1, parallel, row)), "num_trees": str(trees), "size_leaf_vector": "0"}
    return {"name": "gbtree", "model": {"gbtree_model_param": about, "tree_info": info, "trees": made}}


def _tree(reader: Reader, number: int) -> dict[str, Any]:
    _, count, deleted, _, features, *_ = reader.numbers("6i31i")
    if count < 1:
        raise ValueError("a tree has no nodes")
    nodes, statistics = reader.table(NODE, count), reader.table(STATISTICS, count)
    none = [0] * count
    return {
        "id": number,
        "tree_param": {
            "num_deleted": str(deleted),
            "num_feature": str(features),
            "num_nodes": str(count),
            "size_leaf_vector": "0",
        },
        "parents": (nodes["parent"].astype(np.uint32) & LOW).tolist(),
        "left_children": nodes["left"].tolist(),
        "right_children": nodes["right"].tolist(),
        "split_indices": (nodes["index"] & LOW).tolist(),
        "default_left": (nodes["index"] >> np.uint32(31)).tolist(),
        "split_conditions": nodes["value"].astype(np.float64).tolist(),
        "loss_changes": statistics["loss"].astype(np.float64).tolist(),
        "sum_hessian": statistics["hessian"].astype(np.float64).tolist(),
        "base_weights": statistics["weight"].astype(np.float64).tolist(),
        "split_type": none,
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
    }


def _dart(reader: Reader, groups: int) -> dict[str, Any]:
    trees = _gbtree(reader, groups)
    count = int(trees["model"]["gbtree_model_param"]["num_trees"])
    weights = reader.table("<f4", reader.numbers("Q")[0] if count else 0)
    return {"name": "dart", "gbtree": trees, "weight_drop": weights.astype(np.float64).tolist()}


def _gblinear(reader: Reader, groups: int) -> dict[str, Any]:
    reader.numbers("Ii32i")
    weights = reader.table("<f4", reader.numbers("Q")[0]).astype(np.float64).tolist()
    return {"name": "gblinear", "model": {"boosted_rounds": 0, "weights": weights}}


BOOSTERS = {"gbtree": _gbtree, "dart": _dart, "gblinear": _gblinear}
