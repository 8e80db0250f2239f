"""What expressions and names refer to exists, and can be there when it is read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from clary.pipeline.language import graph, references
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.expressions import OPERATORS, operator
from clary.pipeline.language.findings import Findings, below, kind, meant
from clary.pipeline.language.paths import parts
from clary.pipeline.language.references import EXECUTION, ToExecution, ToParameter, ToPropertyFile


class Checker:
    """Tells, of a definition that was read, what refers to nothing or can never be."""

    def __init__(self, definition: Definition, findings: Findings) -> None:
        self._definition = definition
        self._findings = findings

    def step(self, step: Step) -> None:
        """Expressions, property files and DependsOn of one step."""
        arguments = below(step.path, "Arguments")
        for member, value in step.arguments.items():
            self.value(value, below(arguments, member), step.name)
        for member, value in step.extra.items():
            self.value(value, below(step.path, member), step.name)
        self._outputs(step)
        for number, name in enumerate(step.depends_on):
            where = below(below(step.path, "DependsOn"), number)
            if name == step.name:
                self._findings.add(where, "a step cannot depend on itself", step.name)
            elif name not in self._definition.steps:
                others = self._definition.steps.keys() - {step.name}
                self._findings.add(where, f"there is no step {name!r}{meant(name, sorted(others))}", step.name)

    def value(self, value: Any, path: str, step: str | None) -> None:
        """Every expression in the value. `step` None: outside of steps, where no step's properties are known."""
        for where, name, operand in _operations(value, path):
            match name:
                case "Get":
                    self._get(operand, where, step)
                case "Std:Join":
                    self._join(operand, where, step)
                case "Std:JsonGet":
                    self._json_get(operand, where, step)
                case _:
                    wrong = f"{name} is no function{meant(name, OPERATORS)}"
                    self._findings.add(where, wrong, step)

    def waits(self) -> None:
        """Cycles, and steps that need both branches of a condition."""
        steps = self._definition.steps
        needed = {name: graph.of(step) & steps.keys() for name, step in steps.items()}
        needed = {name: wanted - {name} for name, wanted in needed.items()}
        for cycle in graph.cycles(needed):
            first = steps[cycle[0]]
            self._findings.add(first.path, f"these steps wait for each other: {' -> '.join(cycle)}", first.name)
        taken = graph.branches(self._definition, needed)
        for name, sides in taken.items():
            for condition, both in sides.items():
                known_before = any(len(taken[one].get(condition, ())) == 2 for one in needed[name])
                if len(both) == 2 and not known_before:
                    wrong = f"can never run: it needs steps of both branches of the condition {condition}"
                    self._findings.add(steps[name].path, wrong, name)

    def _get(self, operand: Any, path: str, step: str | None) -> None:
        if not isinstance(operand, str):
            self._findings.add(path, f"must be a string, but is {kind(operand)}", step)
            return
        try:
            target = references.read(operand)
        except ValueError as error:
            self._findings.add(path, str(error), step)
            return
        match target:
            case ToParameter(name):
                known = self._definition.parameters
                if name not in known:
                    self._findings.add(path, f"there is no parameter {name!r}{meant(name, known)}", step)
            case ToExecution(variable):
                if variable not in EXECUTION:
                    wrong = f"an execution has no variable {variable!r}{meant(variable, EXECUTION)}"
                    self._findings.add(path, wrong, step)
            case _:
                self._of_step(target, path, step)

    def _of_step(self, target: Any, path: str, step: str | None) -> None:
        steps = self._definition.steps
        if step is None:
            self._findings.add(path, "properties of steps can be read in steps alone", step)
        elif target.step == step:
            self._findings.add(path, "a step cannot read its own properties", step)
        elif target.step not in steps:
            others = sorted(steps.keys() - {step})
            self._findings.add(path, f"there is no step {target.step!r}{meant(target.step, others)}", step)
        elif isinstance(target, ToPropertyFile):
            names = [one.name for one in steps[target.step].property_files]
            if target.file not in names:
                wrong = f"the step {target.step} has no property file {target.file!r}{meant(target.file, names)}"
                self._findings.add(path, wrong, step)

    def _join(self, operand: Any, path: str, step: str | None) -> None:
        given = self._findings.object(operand, path, ("On", "Values"), step)
        if given is None:
            return
        if not isinstance(given.get("On", ""), str):
            self._findings.add(below(path, "On"), f"must be a string, but is {kind(given['On'])}", step)
        where = below(path, "Values")
        for number, one in enumerate(self._findings.list(given.get("Values"), where, step)):
            if one is None or (isinstance(one, list | dict) and operator(one) is None):
                wrong = f"must be text, a number, a boolean or an expression, but is {kind(one)}"
                self._findings.add(below(where, number), wrong, step)

    def _json_get(self, operand: Any, path: str, step: str | None) -> None:
        given = self._findings.object(operand, path, ("PropertyFile", "S3Uri", "Path"), step)
        if given is None:
            return
        way = self._findings.text(given.get("Path"), below(path, "Path"), step)
        if way is not None:
            try:
                parts(way)
            except ValueError as error:
                self._findings.add(below(path, "Path"), str(error), step)
        if ("PropertyFile" in given) == ("S3Uri" in given):
            self._findings.add(path, "needs one of PropertyFile and S3Uri, and not both", step)
        elif "S3Uri" in given:
            self._s3_uri(given["S3Uri"], below(path, "S3Uri"), step)
        else:
            self._property_file(given["PropertyFile"], below(path, "PropertyFile"), step)

    def _s3_uri(self, value: Any, path: str, step: str | None) -> None:
        if not isinstance(value, str) and operator(value) is None:
            self._findings.add(path, f"must be an S3 URI or an expression, but is {kind(value)}", step)
        elif isinstance(value, str) and not value.startswith("s3://"):
            self._findings.add(path, f"must begin with s3://, but is {value!r}", step)
        elif any(name == "Std:JsonGet" for _, name, _ in _operations(value, path)):
            self._findings.add(path, "cannot itself be read by Std:JsonGet", step)

    def _property_file(self, value: Any, path: str, step: str | None) -> None:
        target = None
        if operator(value) == "Get" and isinstance(value["Get"], str):
            try:
                target = references.read(value["Get"])
            except ValueError:
                return  # told where the Get itself is looked at
        if not isinstance(target, ToPropertyFile):
            self._findings.add(path, 'must be {"Get": "Steps.STEP.PropertyFiles.NAME"}', step)

    def _outputs(self, step: Step) -> None:
        """The outputs that property files are in exist, as far as they are written out."""
        config = step.arguments.get("ProcessingOutputConfig")
        listed = config.get("Outputs", []) if isinstance(config, dict) else []
        if operator(config) or not isinstance(listed, list):
            return
        names = [one.get("OutputName") for one in listed if isinstance(one, Mapping)]
        if not all(isinstance(name, str) for name in names):
            return  # they are known when it runs
        for number, file in enumerate(step.property_files):
            if file.output not in names:
                where = below(below(below(step.path, "PropertyFiles"), number), "OutputName")
                wrong = f"the step has no output {file.output!r}{meant(file.output, map(str, names))}"
                self._findings.add(where, wrong, step.name)


_MAY_BE: Final = "Std:"


def _operations(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Every object in the value that is an expression, or looks like one: (path, operator, operand)."""
    if isinstance(value, dict):
        if len(value) == 1:
            (name,) = value
            if name in OPERATORS or str(name).startswith(_MAY_BE):
                yield below(path, name), name, value[name]
        for member, one in value.items():
            if isinstance(one, dict | list):
                yield from _operations(one, below(path, member))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if isinstance(one, dict | list):
                yield from _operations(one, below(path, number))
