"""Values that are known only when an execution runs: parameters, variables of the execution, what steps made."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from clary.pipeline.language.definition import Doc, ParameterType
from clary.pipeline.language.references import EXECUTION

if TYPE_CHECKING:
    from clary.pipeline.nodes import Node

Plain = str | int | float | bool
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPES: Final[dict[type, ParameterType]] = {str: "String", int: "Integer", float: "Float", bool: "Boolean"}


class Value:
    """A value of an execution. `<`, `<=`, `>`, `>=`, `equals` and `is_in` make conditions of it."""

    def expression(self) -> Doc:
        """As the definition writes it."""
        raise NotImplementedError

    def sources(self) -> "tuple[Value | Node, ...]":
        """The steps and parameters that it is made of."""
        return ()

    def __lt__(self, other: "Value | Plain") -> "Condition":
        return Condition("LessThan", self, other)

    def __le__(self, other: "Value | Plain") -> "Condition":
        return Condition("LessThanOrEqualTo", self, other)

    def __gt__(self, other: "Value | Plain") -> "Condition":
        return Condition("GreaterThan", self, other)

    def __ge__(self, other: "Value | Plain") -> "Condition":
        return Condition("GreaterThanOrEqualTo", self, other)

    def equals(self, other: "Value | Plain") -> "Condition":
        return Condition("Equals", self, other)

    def is_in(self, others: "Sequence[Value | Plain]") -> "Condition":
        return Condition("In", self, list(others))

    def __bool__(self) -> bool:
        raise TypeError("a value of an execution is not known yet: compare it in condition(...), not in Python")


class Parameter(Value):
    """A parameter of the pipeline: `Parameter("Rate", 0.2)` with a default, `Parameter("Data", str)` without."""

    def __init__(self, name: str, default: Plain | type, *, choices: Sequence[Plain] = ()) -> None:
        kind = default if isinstance(default, type) else type(default)
        if kind not in _TYPES:
            raise TypeError(f"the parameter {name} must be of type str, int, float or bool, not {kind.__name__}")
        self.name = name
        self.type: ParameterType = _TYPES[kind]
        self.default = None if isinstance(default, type) else default
        self.choices = tuple(choices)

    def expression(self) -> Doc:
        return {"Get": f"Parameters.{self.name}"}

    def declaration(self) -> Doc:
        """As `Parameters` of the definition has it."""
        default = {} if self.default is None else {"DefaultValue": self.default}
        choices = {"EnumValues": list(self.choices)} if self.choices else {}
        return {"Name": self.name, "Type": self.type, **default, **choices}


class ExecutionVariable(Value):
    def __init__(self, name: str) -> None:
        if name not in EXECUTION:
            raise ValueError(f"an execution has no variable {name!r}; there are {', '.join(EXECUTION)}")
        self._name = name

    def expression(self) -> Doc:
        return {"Get": f"Execution.{self._name}"}


class Property(Value):
    """What a step made, by the path in the Describe answer of it."""

    def __init__(self, node: "Node", path: str) -> None:
        self._node = node
        self._path = path

    def expression(self) -> Doc:
        return {"Get": f"Steps.{self._node.name}.{self._path}"}

    def sources(self) -> "tuple[Value | Node, ...]":
        return (self._node,)


class Result(Value):
    """What a function step returned, or with `["key"]` and `[0]` a part of it."""

    def __init__(self, node: "Node", file: str, path: str, output: Value, *, whole: bool = True) -> None:
        self._node = node
        self._file = file
        self._path = path
        self.output = output
        """The directory in S3 that it is stored in."""
        self.whole = whole
        """It is all that the function returned."""

    def __getitem__(self, part: str | int) -> "Result":
        if isinstance(part, int):
            inside = f"{self._path}[{part}]"
        elif _WORD.fullmatch(part):
            inside = f"{self._path}.{part}" if self._path else part
        else:
            quote = '"' if "'" in part else "'"
            inside = f"{self._path}[{quote}{part}{quote}]"
        return Result(self._node, self._file, inside, self.output, whole=False)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a result is not known yet, nor how many parts it has: take them by [0], [1] ...")

    def expression(self) -> Doc:
        named = {"Get": f"Steps.{self._node.name}.PropertyFiles.{self._file}"}
        return {"Std:JsonGet": {"PropertyFile": named, "Path": self._path or "$"}}

    def sources(self) -> "tuple[Value | Node, ...]":
        return (self._node,)


class Join(Value):
    def __init__(self, values: Sequence["Value | Plain"], on: str) -> None:
        self._values = tuple(values)
        self._on = on

    def expression(self) -> Doc:
        return {"Std:Join": {"On": self._on, "Values": [rendered(one) for one in self._values]}}

    def sources(self) -> "tuple[Value | Node, ...]":
        return tuple(one for one in self._values if isinstance(one, Value))


class Condition:
    """A comparison, or several: `a | b`, `a & b`, `~a`."""

    def __init__(self, kind: str, *operands: Any) -> None:
        self.kind = kind
        self.operands = operands

    def __or__(self, other: "Condition") -> "Condition":
        return Condition("Or", [self, other])

    def __and__(self, other: "Condition") -> "Condition":
        # The language has no And but that of the list in a step.
        return ~(~self | ~other)

    def __invert__(self) -> "Condition":
        return self.operands[0] if self.kind == "Not" else Condition("Not", self)

    def __bool__(self) -> bool:
        raise TypeError("a condition is not known yet: give it to condition(...); join several by &, | and ~")

    def document(self) -> Doc:
        """With the Values in it still Values."""
        if self.kind == "Not":
            return {"Type": "Not", "Condition": self.operands[0].document()}
        if self.kind == "Or":
            return {"Type": "Or", "Conditions": [one.document() for one in self.operands[0]]}
        names = ("QueryValue", "Values") if self.kind == "In" else ("LeftValue", "RightValue")
        return {"Type": self.kind, **dict(zip(names, self.operands, strict=True))}


def execution(variable: str) -> Value:
    """A variable of the execution, for example `PipelineExecutionId`."""
    return ExecutionVariable(variable)


def join(*values: Value | Plain, on: str = "") -> Value:
    """The values as text, one behind the other, `on` between them."""
    return Join(values, on)


def rendered(value: Any) -> Any:
    """`value` with every Value in it as the definition writes it."""
    if isinstance(value, Value):
        return value.expression()
    if isinstance(value, dict):
        return {name: rendered(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [rendered(one) for one in value]
    return value


def within(value: Any) -> Iterator[Value]:
    """Every Value in `value`, and those that it is made of."""
    if isinstance(value, Value):
        yield value
        for one in value.sources():
            if isinstance(one, Value):
                yield from within(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from within(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from within(one)
