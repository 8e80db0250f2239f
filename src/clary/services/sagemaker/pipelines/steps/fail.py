"""A Fail step: ends the execution as failed, with a message of the pipeline's author."""

from collections.abc import Sequence

from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines.steps import arguments
from clary.services.sagemaker.pipelines.steps.base import Failed, Outcome, StepRun, Stopped


class FailStep:
    """Fail."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        at, said = f"{step.path}.Arguments", step.arguments
        found = [
            Problem(f"{at}.{name}", "there is no such argument; a Fail step has ErrorMessage alone", step.name)
            for name in said
            if name != "ErrorMessage"
        ]
        message = said.get("ErrorMessage")
        if message is not None and not isinstance(message, str) and not arguments.is_expression(message):
            found.append(Problem(f"{at}.ErrorMessage", "must be a string", step.name))
        return found

    async def look(self, run: StepRun) -> Outcome:
        message = str(run.arguments.get("ErrorMessage") or "")
        return Failed(message[:1024], metadata={"Fail": {"ErrorMessage": message[:3072]}}, ends_execution=True)

    async def stop(self, run: StepRun) -> Outcome:
        return Stopped()

    def cached(self, run: StepRun) -> Doc | None:
        return None
