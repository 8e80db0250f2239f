"""ONNX graphs, written node by node."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ML: Final = "ai.onnx.ml"
_OPSETS: Final = {"": 20, ML: 4}
_IR_VERSION: Final = 10
"""Old enough for runtimes of 2024: graphs are files that people take elsewhere."""
INPUT: Final = "rows"

FLOAT, DOUBLE, STRING, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.STRING, TensorProto.INT64


class Graph:
    """A graph while it is written. Methods give the name of what they added."""

    def __init__(self, prefix: str = "") -> None:
        """`prefix`: of the names within, where inputs and outputs have names that others chose."""
        self._prefix = prefix
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[Any] = []

    def node(self, operator: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> str:
        """Adds a node; the name of its first output."""
        number = len(self._nodes)
        names = [f"{self._prefix}{operator.lower()}{number}" + (f"_{one}" if one else "") for one in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, domain=domain, **attributes))
        return names[0]

    def constant(self, values: Any) -> str:
        """An array; equal ones are kept once. Text as an array of objects."""
        array = np.asarray(values)
        if array.dtype.kind in "OU":
            array = array.astype(object)
            identity = (str(array.dtype), array.shape, "\0".join(array.reshape(-1).tolist()).encode())
        else:
            identity = (str(array.dtype), array.shape, array.tobytes())
        if identity not in self._constants:
            name = f"{self._prefix}constant{len(self._initializers)}"
            self._initializers.append(_tensor(array, name))
            self._constants[identity] = name
        return self._constants[identity]

    def cast(self, name: str, to: int) -> str:
        return self.node("Cast", name, to=to)

    def model(self, kind: int, shape: Sequence[int | str], outputs: Sequence[tuple[str, str, int, int | None]]) -> Any:
        """The checked ModelProto, without what nobody reads. `outputs`: (public name, what was added, type, numbers a
        row or None for one number a row)."""
        return self.named([(INPUT, kind, shape)], outputs)

    def named(
        self,
        inputs: Sequence[tuple[str, int, Sequence[int | str]]],
        outputs: Sequence[tuple[str, str, int, int | str | None]],
    ) -> Any:
        """As `model`, with several inputs: (name, type, shape)."""
        made = []
        for public, name, of, width in outputs:
            self._nodes.append(helper.make_node("Identity", [name], [public]))
            made.append(helper.make_tensor_value_info(public, of, ["N"] if width is None else ["N", width]))
        given = [helper.make_tensor_value_info(name, kind, list(shape)) for name, kind, shape in inputs]
        nodes, constants = self._read({one[0] for one in outputs})
        graph = helper.make_graph(nodes, "clary", given, made, constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="clary")
        onnx.checker.check_model(model)
        return model

    def _read(self, wanted: set[str]) -> tuple[list[Any], list[Any]]:
        """The nodes and constants that the wanted tensors come from."""
        kept = []
        for one in reversed(self._nodes):
            if wanted & set(one.output):
                kept.append(one)
                wanted |= set(one.input)
        return kept[::-1], [one for one in self._initializers if one.name in wanted]


def _tensor(array: NDArray[Any], name: str) -> Any:
    if array.dtype == object:
        words = [one.encode() for one in array.reshape(-1).tolist()]
        return helper.make_tensor(name, STRING, list(array.shape), words)
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
