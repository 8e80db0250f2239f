"""Parameters of a pipeline: declared in the definition, given as strings when an execution starts."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from clary.pipeline.language.definition import Definition, Doc, Parameter, ParameterType
from clary.pipeline.language.findings import Findings, below, meant, told
from clary.pipeline.language.problems import Problem, Refused

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
TYPES: Final[tuple[str, ...]] = get_args(ParameterType)
_MEMBERS: Final = ("Name", "Type", "DefaultValue", "EnumValues")
_WHOLE: Final = re.compile(r"\s*[+-]?\d{1,19}\s*")

Value = str | int | float | bool


def read(value: Any, path: str, findings: Findings) -> Parameter | None:
    """The declaration at `path`; None where it has no name or no type that could be used."""
    given = findings.object(value, path, _MEMBERS)
    if given is None:
        return None
    name = given.get("Name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        wrong = "is missing" if name is None else f"{name!r} must be 1 to 256 letters, digits, - and _"
        findings.add(below(path, "Name"), wrong)
        return None
    declared: Any = given.get("Type")
    if declared not in TYPES:
        wrong = "is missing" if declared is None else f"{declared!r} is no type{meant(str(declared), TYPES)}"
        findings.add(below(path, "Type"), f"{wrong}: one of {', '.join(TYPES)}" if declared is None else wrong)
        return None
    default = given.get("DefaultValue")
    if default is not None and not of_type(default, declared):
        findings.add(below(path, "DefaultValue"), f"must be of type {declared}, but is {told(default)}")
        default = None
    choices = tuple(_choices(given, path, declared, findings))
    if default is not None and choices and default not in choices:
        wrong = f"{default!r} is none of EnumValues: {', '.join(map(str, choices))}"
        findings.add(below(path, "DefaultValue"), wrong)
    return Parameter(name, declared, default, choices)


def values(definition: Definition, given: Mapping[str, str]) -> Doc:
    """The typed value of every parameter: what was given, else its default. Raises Refused with everything that is
    wrong with what was given, and the names of those without a value."""
    problems = [
        Problem(f"Parameters.{name}", f"the pipeline has no parameter {name!r}{meant(name, definition.parameters)}")
        for name in given
        if name not in definition.parameters
    ]
    found: Doc = {}
    for name, parameter in definition.parameters.items():
        if name in given:
            value = typed(given[name], parameter.type)
            if value is None:
                wrong = f"must be of type {parameter.type}, but is {given[name]!r}"
                problems.append(Problem(f"Parameters.{name}", wrong))
            elif parameter.choices and value not in parameter.choices:
                wrong = f"{value!r} is none of {', '.join(map(str, parameter.choices))}"
                problems.append(Problem(f"Parameters.{name}", wrong))
            found[name] = value
        elif parameter.default is not None:
            found[name] = parameter.default
        else:
            problems.append(Problem(f"Parameters.{name}", "has no default value: give one when the execution starts"))
    if problems:
        raise Refused(problems)
    return found


def typed(text: str, wanted: ParameterType) -> Value | None:
    """The string of the wire as a value of that type; None: it is none."""
    match wanted:
        case "String":
            return text
        case "Integer":
            return int(text) if _WHOLE.fullmatch(text) else None
        case "Float":
            try:
                number = float(text)
            except ValueError:
                return None
            return number if math.isfinite(number) else None
        case "Boolean":
            return {"true": True, "false": False}.get(text.strip().lower())


def of_type(value: Any, wanted: ParameterType) -> bool:
    """Whether a value of the document is of that type; a whole number is a Float, too."""
    match wanted:
        case "String":
            return isinstance(value, str)
        case "Integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean":
            return isinstance(value, bool)


def _choices(given: Doc, path: str, declared: ParameterType, findings: Findings) -> list[Value]:
    if "EnumValues" not in given:
        return []
    where = below(path, "EnumValues")
    found = []
    listed = findings.list(given["EnumValues"], where)
    if given["EnumValues"] == []:
        findings.add(where, "must not be empty: leave it out where any value will do")
    for number, one in enumerate(listed):
        if of_type(one, declared):
            found.append(one)
        else:
            findings.add(below(where, number), f"must be of type {declared}, but is {told(one)}")
    return found
