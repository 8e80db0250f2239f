"""Graphs small enough to be written by hand, with the plans that they need."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 4)]


def write(directory: Path, nodes: list[Any], plan: dict[str, Any], outputs: dict[str, int], shape: list[Any]) -> Path:
    """`directory` holds the graph of these nodes: input "x", outputs of these element types."""
    kind = TensorProto.FLOAT if plan["input"] == "floats" else TensorProto.STRING
    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, element, None) for name, element in outputs.items()],
    )
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(made, opset_imports=_OPSETS, ir_version=9), str(directory / "graph.onnx"))
    whole = {"version": 1, "stages": ["scikit-learn"], "agreed": 4, "outputs": list(outputs), **plan}
    (directory / "graph.json").write_text(json.dumps(whole))
    return directory


def _constant(name: str, value: Any) -> Any:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value), name))


def colours(directory: Path, **plan: Any) -> Path:
    """Rows of (colour, size) in text; the answer is a label of the whole row: "red,small" -> "stop", others "go"."""
    columns = [
        {"name": "colour", "kind": "string", "allowed": ["red", "green"], "unknown": "error"},
        {"name": "size", "kind": "string", "allowed": ["small", "large"], "unknown": "error"},
    ]
    node = helper.make_node(
        "LabelEncoder",
        ["x"],
        ["label"],
        domain="ai.onnx.ml",
        keys_strings=["red,small", "red,large"],
        values_strings=["stop", "slow"],
        default_string="go",
    )
    said = {"reader": "arrays", "input": "lines", "columns": columns, "output": "array", "default_accept": "text/csv"}
    return write(directory, [node], {**said, **plan}, {"label": TensorProto.STRING}, [None])


def sizes(directory: Path, **plan: Any) -> Path:
    """Rows of (size in text, number in text); the answer is the number, negative unless the size is "large"."""
    columns = [{"name": "size", "kind": "string", "allowed": None}, {"name": "number", "kind": "float"}]
    nodes = [
        _constant("first", [0]),
        _constant("second", [1]),
        helper.make_node("Gather", ["x", "first"], ["size"], axis=1),
        helper.make_node("Gather", ["x", "second"], ["text"], axis=1),
        helper.make_node("Cast", ["text"], ["number"], to=TensorProto.FLOAT),
        helper.make_node(
            "LabelEncoder",
            ["size"],
            ["sign"],
            domain="ai.onnx.ml",
            keys_strings=["large"],
            values_floats=[1.0],
            default_float=-1.0,
        ),
        helper.make_node("Mul", ["number", "sign"], ["y"]),
    ]
    said = {"reader": "arrays", "input": "strings", "columns": columns, "output": "array", "default_accept": "text/csv"}
    return write(directory, nodes, {**said, **plan}, {"y": TensorProto.FLOAT}, [None, 2])


def sums(directory: Path, columns: int = 4, classes: int = 3, **plan: Any) -> Path:
    """Numbers in, `classes` scores out: the sum of the row times 0.5, 1.5, 2.5 ..."""
    weights = np.repeat(np.arange(classes, dtype=np.float32)[None, :] + np.float32(0.5), columns, axis=0)
    nodes = [_constant("w", weights), helper.make_node("MatMul", ["x", "w"], ["scores"])]
    said: dict[str, Any] = {"reader": "xgboost", "input": "floats", "columns": [{"kind": "float"}] * columns}
    said |= {"output": "scores", "default_accept": "text/csv"}
    return write(directory, nodes, {**said, **plan}, {"scores": TensorProto.FLOAT}, [None, columns])


def picky(directory: Path) -> Path:
    """Sums that fail for a whole run when any row of it holds a number below zero."""
    nodes = [
        _constant("eight", np.array([8], np.int64)),
        helper.make_node("Cast", ["x"], ["places"], to=TensorProto.INT64),
        _constant("table", np.arange(8, dtype=np.float32)),
        helper.make_node("Gather", ["table", "places"], ["scores"], axis=0),
    ]
    said: dict[str, Any] = {"reader": "xgboost", "input": "floats", "columns": [{"kind": "float"}] * 2}
    said |= {"output": "scores", "default_accept": "text/csv"}
    return write(directory, nodes, said, {"scores": TensorProto.FLOAT}, [None, 2])


def centres(directory: Path) -> Path:
    """As k-means answers: the closest of two centres on a line (0 and 10), and how far it is."""
    nodes = [
        _constant("centres", np.array([[0.0, 10.0]], np.float32)),
        helper.make_node("Sub", ["x", "centres"], ["apart"]),
        helper.make_node("Abs", ["apart"], ["far"]),
        helper.make_node("ArgMin", ["far"], ["at"], axis=1, keepdims=0),
        helper.make_node("Cast", ["at"], ["closest"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMin", ["far", "one"], ["distance"], keepdims=0),
    ]
    nodes.insert(0, _constant("one", np.array([1], np.int64)))
    said = {"reader": "tables", "input": "floats", "columns": [{"kind": "float"}], "output": "rows"}
    said |= {"names": ["closest_cluster", "distance_to_cluster"], "default_accept": "application/json"}
    return write(directory, nodes, said, {"closest": TensorProto.FLOAT, "distance": TensorProto.FLOAT}, [None, 1])


def with_data_at(directory: Path, location: str) -> None:
    """The graph takes 16 bytes from another file, and gives them as a further output."""
    model = onnx.load(str(directory / "graph.onnx"))
    data = model.graph.initializer.add(name="data", data_type=TensorProto.UINT8, dims=[16])
    data.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "16")):
        data.external_data.add(key=key, value=value)
    model.graph.node.append(helper.make_node("Identity", ["data"], ["taken"]))
    model.graph.output.append(helper.make_tensor_value_info("taken", TensorProto.UINT8, [16]))
    (directory / "graph.onnx").write_bytes(model.SerializeToString())
