"""The steps of a definition, read one by one; those in branches too. What refers to other steps is checked later, when
all are known."""

import re
from collections.abc import Mapping
from typing import Any, Final

from clary.pipeline.language import conditions, policies
from clary.pipeline.language.definition import Branch, Doc, PropertyFile, Step
from clary.pipeline.language.findings import Findings, below, told

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
COMMON: Final = (
    "Name",
    "Type",
    "Arguments",
    "DependsOn",
    "CacheConfig",
    "RetryPolicies",
    "PropertyFiles",
    "DisplayName",
    "Description",
)
_CHECK: Final = (
    "CheckType",
    "ModelPackageGroupName",
    "SkipCheck",
    "FailOnViolation",
    "RegisterNewBaseline",
    "SuppliedBaselineConstraints",
    "SuppliedBaselineStatistics",
    "ModelName",
)
_NONE: Final = ("Processing", "Training", "Tuning", "Transform", "Model", "RegisterModel", "Condition", "Fail")
EXTRA: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_NONE, ()),
    "EndpointConfig": (),
    "Endpoint": (),
    "Callback": ("SqsQueueUrl", "OutputParameters"),
    "Lambda": ("FunctionArn", "OutputParameters"),
    "QualityCheck": _CHECK,
    "ClarifyCheck": _CHECK,
}
"""Further members of a step by its type; a type that is not here may have any."""
BRANCHES: Final[tuple[Branch, Branch]] = ("IfSteps", "ElseSteps")


class Reader:
    """Reads lists of steps; `steps` are those that have a name of their own, in the order of the document."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.steps: dict[str, Step] = {}

    def read(self, value: Any, path: str, parent: str | None = None, branch: Branch | None = None) -> None:
        for number, one in enumerate(self._findings.list(value, path, parent)):
            self._step(one, below(path, number), parent, branch)

    def _step(self, value: Any, path: str, parent: str | None, branch: Branch | None) -> None:
        findings = self._findings
        if not isinstance(value, dict):
            findings.object(value, path, None, parent)
            return
        name = self._name(value.get("Name"), path)
        kind = findings.text(value.get("Type"), below(path, "Type"), name)
        known = (*COMMON, *EXTRA[kind]) if kind and kind in EXTRA else None
        given = findings.object(value, path, known, name) or {}
        arguments = findings.object(given.get("Arguments", {}), below(path, "Arguments"), None, name) or {}
        step = Step(
            name=name or "",
            type=kind or "",
            arguments={one: each for one, each in arguments.items() if not (kind == "Condition" and one in BRANCHES)},
            path=path,
            depends_on=self._depends(given, path, name),
            cache=self._policy(policies.cache, given, "CacheConfig", path, name),
            retries=self._policy(policies.retries, given, "RetryPolicies", path, name) or (),
            property_files=self._files(given, path, name),
            display_name=self._words(given, "DisplayName", 256, path, name),
            description=self._words(given, "Description", 3072, path, name),
            parent=parent,
            branch=branch,
            extra={one: each for one, each in given.items() if one not in COMMON},
        )
        if name and name not in self.steps:
            self.steps[name] = step
        if kind == "Condition":
            self._condition(arguments, below(path, "Arguments"), name)

    def _name(self, value: Any, path: str) -> str | None:
        where = below(path, "Name")
        if not isinstance(value, str) or not NAME.fullmatch(value):
            wrong = "is missing" if value is None else f"{value!r} must be 1 to 64 letters, digits, - and _"
            self._findings.add(where, wrong)
            return None
        if value in self.steps:
            other = self.steps[value].path
            self._findings.add(where, f"the name {value} is taken by {other}: names are unique over all levels", value)
        return value

    def _condition(self, arguments: Doc, path: str, name: str | None) -> None:
        findings = self._findings
        findings.object(arguments, path, ("Conditions", *BRANCHES), name)
        where = below(path, "Conditions")
        if arguments.get("Conditions") in (None, []):
            findings.add(where, "is missing: a condition step needs one condition or more", name)
        else:
            for number, one in enumerate(findings.list(arguments["Conditions"], where, name)):
                conditions.check(one, below(where, number), findings, name)
        for branch in BRANCHES:
            if branch in arguments:
                self.read(arguments[branch], below(path, branch), name, branch)

    def _depends(self, given: Doc, path: str, name: str | None) -> tuple[str, ...]:
        where = below(path, "DependsOn")
        listed = self._findings.list(given.get("DependsOn", []), where, name)
        found = [self._depends_on(one, below(where, number), name) for number, one in enumerate(listed)]
        return tuple(dict.fromkeys(one for one in found if one))

    def _depends_on(self, value: Any, path: str, name: str | None) -> str | None:
        """The step's name: as such, or as version 3 of the SDK writes it, with the outcome that is waited for."""
        findings = self._findings
        if not isinstance(value, dict):
            return findings.text(value, path, name)
        given = findings.object(value, path, ("Step", "Trigger"), name) or {}
        trigger = given.get("Trigger", "Completed")
        if trigger != "Completed":
            said = "steps run after what they depend on has succeeded; other outcomes are not served here"
            findings.add(below(path, "Trigger"), f"is {told(trigger)}: {said}", name)
        return findings.text(given.get("Step"), below(path, "Step"), name)

    def _policy(self, read: Any, given: Doc, member: str, path: str, name: str | None) -> Any:
        return read(given[member], below(path, member), self._findings, name) if member in given else None

    def _words(self, given: Doc, member: str, most: int, path: str, name: str | None) -> str | None:
        value = given.get(member)
        if value is None or (isinstance(value, str) and len(value) <= most):
            return value
        self._findings.add(below(path, member), f"must be a string of at most {most} characters", name)
        return None

    def _files(self, given: Doc, path: str, name: str | None) -> tuple[PropertyFile, ...]:
        findings, where = self._findings, below(path, "PropertyFiles")
        found: dict[str, PropertyFile] = {}
        for number, one in enumerate(findings.list(given.get("PropertyFiles", []), where, name)):
            here = below(where, number)
            members = ("PropertyFileName", "OutputName", "FilePath")
            file = findings.object(one, here, members, name)
            if file is None:
                continue
            values = [findings.text(file.get(each), below(here, each), name) for each in members]
            if all(values):
                made = PropertyFile(*map(str, values))
                if made.name in found:
                    findings.add(here, f"the property file {made.name} is declared twice", name)
                found[made.name] = made
        return tuple(found.values())
