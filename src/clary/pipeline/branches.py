"""Steps that decide: conditions, and the end of an execution that has failed."""

from collections.abc import Mapping, Sequence

from clary.pipeline.language.definition import Branch, Doc
from clary.pipeline.nodes import Node, Options, Plain, Setting
from clary.pipeline.values import Condition, Value


class ConditionNode(Node):
    def __init__(
        self,
        name: str,
        conditions: Sequence[Condition],
        then: Sequence[Node],
        otherwise: Sequence[Node],
        options: Options,
    ) -> None:
        super().__init__(name, "Condition", options)
        self._conditions = tuple(conditions)
        self._branches: dict[Branch, Sequence[Node]] = {"IfSteps": _whole(then), "ElseSteps": _whole(otherwise)}

    def arguments(self, setting: Setting) -> Doc:
        return {"Conditions": [one.document() for one in self._conditions]}

    def branches(self) -> Mapping[Branch, Sequence[Node]]:
        return self._branches


def _whole(nodes: Sequence[Node]) -> Sequence[Node]:
    return tuple(one for node in nodes for one in (*node.companions, node))


def condition(
    name: str,
    *conditions: Condition,
    then: Sequence[Node] = (),
    otherwise: Sequence[Node] = (),
    options: Options = Options(),  # noqa: B008 -- frozen
) -> Node:
    """Where all conditions hold the steps of `then` run, else those of `otherwise`. What these read, and stands in
    neither list, runs before in any case."""
    return ConditionNode(name, conditions, then, otherwise, options)


def fail(name: str, message: Value | str, *, options: Options = Options()) -> Node:  # noqa: B008
    """The execution ends as failed, with this message."""
    return Plain(name, "Fail", {"ErrorMessage": message}, options)
