"""A definition, checked and planned: what is wrong with it, and what it says of the order of steps."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clary.aws.errors import ValidationException
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.pipeline.language import graph
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.parse import parse
from clary.pipeline.language.problems import Problem, Refused
from clary.services.sagemaker.pipelines.definitions import DEFINITION
from clary.services.sagemaker.pipelines.machine import VERSION
from clary.services.sagemaker.pipelines.steps.table import KINDS, refusal

MOST_SHOWN: Final = 50
"""Problems that one message tells."""
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition, and what each of its steps waits for."""

    definition: Definition
    needs: Mapping[str, frozenset[str]]


def check(text: str) -> Plan:
    """The plan of a definition that can be executed here. Raises ValidationException with every problem there is."""
    try:
        definition = parse(text, _check_step)
    except Refused as error:
        raise _refused(error.problems) from None
    return Plan(definition, graph.needs(definition))


def _check_step(step: Step, definition: Definition) -> Sequence[Problem]:
    kind = KINDS.get(step.type)
    if kind is None:
        return [Problem(f"{step.path}.Type", refusal(step.type), step.name)]
    return kind.check(step, definition)


def planned(text: str) -> Plan:
    """The plan of a definition that was checked when it was kept. Raises Refused."""
    definition = parse(text)
    return Plan(definition, graph.needs(definition))


class Plans:
    """The plans of the versions that executions run, each read once while it is in use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, Plan] = OrderedDict()

    def of(self, execution: Resource) -> Plan:
        """The plan that the execution follows. Raises Missing when its version is gone."""
        uid = execution.status["_version_uid"]
        plan = self._kept.get(uid)
        if plan is None:
            plan = self._kept[uid] = planned(self._store.find(VERSION, uid).spec[DEFINITION])
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(uid)
        return plan


def _refused(problems: Sequence[Problem]) -> ValidationException:
    said = [str(one) for one in problems[:MOST_SHOWN]]
    if len(problems) > MOST_SHOWN:
        said.append(f"and {len(problems) - MOST_SHOWN} more")
    noun = "problem" if len(problems) == 1 else "problems"
    return ValidationException(f"Unable to parse pipeline definition. {len(problems)} {noun}: {'; '.join(said)}")
