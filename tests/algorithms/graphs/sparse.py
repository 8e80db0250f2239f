"""A pipeline with the default of scikit-learn's encoder, a sparse table: XGBoost takes what is absent for missing.

`python -m tests.algorithms.graphs.sparse <folder>`: in a process of its own, since it needs all of xgboost, of which
the built-in algorithm imports a part. The last line is JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from onnx import TensorProto, helper
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder

from clary.algorithms.graphs import building, native, parity
from clary.algorithms.graphs.features import CannotCompile
from tests.algorithms.graphs import cars


def main(folder: Path) -> dict[str, Any]:
    rows = np.array(cars.rows(), object)
    labels = LabelEncoder().fit_transform([cars.label(row) for row in cars.rows()])
    model = xgboost.XGBClassifier(n_estimators=25, max_depth=5, n_jobs=1)
    pipeline = Pipeline([("encoder", OneHotEncoder()), ("model", model)]).fit(rows, labels)
    stages = cars.store(folder / "model", pipeline)

    # A plain converter sees an encoder, then trees: absent columns are zeros to it.
    built = building.build(cars.store(folder / "parts", pipeline[0], model.get_booster()))
    plain = folder / "plain"
    plain.mkdir()
    (plain / "graph.onnx").write_bytes(as_labels(built.model))
    (plain / "graph.json").write_text(json.dumps({**built.plan, "output": "array"}))
    wrong = int((model.predict(pipeline[0].transform(rows).toarray()) != pipeline.predict(rows)).sum())
    try:
        parity.check(plain, native.chain(stages), cars.rows())
    except CannotCompile as error:
        refused = str(error)

    ours = cars.made(folder, stages, cars.rows())
    return {
        "wrong": wrong,
        "refused": refused,
        "agreed": json.loads((ours / "graph.json").read_text())["agreed"],
    }


def as_labels(model: Any) -> bytes:
    """The graph with the number of the class for its scores."""
    graph = model.graph
    nodes = list(graph.node)
    last = next(at for at, one in enumerate(nodes) if one.op_type == "TreeEnsembleRegressor")
    del graph.node[:], graph.output[:]
    graph.node.extend(
        [*nodes[: last + 1], helper.make_node("ArgMax", [nodes[last].output[0]], ["score"], axis=1, keepdims=0)]
    )
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.INT64, ["N"]))
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
