"""A Condition step: chooses one of its two branches. All of its conditions must hold."""

from collections.abc import Sequence
from typing import Any

from clary.kernel.resource import Doc
from clary.pipeline.language import conditions
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem, Unresolved
from clary.services.sagemaker.pipelines.steps.base import Failed, Outcome, StepRun, Stopped, Succeeded

OUTCOME = "ConditionOutcome"
"""The member of `Succeeded.outcome` that says which branch is taken: "True" or "False"."""


class _Nothing:
    """The scope of what has been resolved: nobody asks it anything."""

    def parameter(self, name: str) -> Any:
        raise Unresolved("", f"the parameter {name!r} was not resolved")

    def execution(self, variable: str) -> Any:
        raise Unresolved("", f"the execution variable {variable!r} was not resolved")

    def properties(self, step: str) -> Doc:
        raise Unresolved("", f"the properties of the step {step!r} were not resolved")

    def document(self, s3_uri: str) -> Any:
        raise Unresolved("", f"the document {s3_uri!r} was not read")


class ConditionStep:
    """Condition. Its conditions are checked by the language, with the rest of the definition."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        return ()

    async def look(self, run: StepRun) -> Outcome:
        try:
            said = all(
                conditions.holds(one, _Nothing(), run.definition) for one in run.arguments.get("Conditions") or ()
            )
        except Unresolved as error:
            return Failed(f"ClientError: the conditions could not be evaluated: {error}"[:1024])
        outcome = "True" if said else "False"
        return Succeeded({"Outcome": outcome}, {"Condition": {"Outcome": outcome}}, {OUTCOME: outcome})

    async def stop(self, run: StepRun) -> Outcome:
        return Stopped()

    def cached(self, run: StepRun) -> Doc | None:
        return None
