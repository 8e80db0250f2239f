"""Model steps: a model is made of what earlier steps left."""

from collections.abc import Sequence
from contextlib import suppress

from clary.aws.errors import ValidationException
from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines.steps import arguments, jobs
from clary.services.sagemaker.pipelines.steps.base import Outcome, StepRun, Stopped, Succeeded


class ModelStep:
    """Type "Model": CreateModel, then DescribeModel."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """The arguments are a CreateModel but for the name."""
        return arguments.check(step, "CreateModel", given=("ModelName",))

    async def look(self, run: StepRun) -> Outcome:
        """The model is there, under the name of this attempt: one that was killed right after it finds its own."""
        name = jobs.job_name(run.token, run.arguments.get("ModelName"))
        if not await _is_there(run, name):
            await run.ctx.call("sagemaker", "CreateModel", {**run.arguments, "ModelName": name})
        said = await run.ctx.call("sagemaker", "DescribeModel", {"ModelName": name})
        return Succeeded(said, {"Model": {"Arn": said["ModelArn"]}})

    async def stop(self, run: StepRun) -> Outcome:
        """There is nothing that runs."""
        return Stopped()

    def cached(self, run: StepRun) -> Doc | None:
        """Never: to make it costs nothing."""
        return None


async def _is_there(run: StepRun, name: str) -> bool:
    with suppress(ValidationException):
        await run.ctx.call("sagemaker", "DescribeModel", {"ModelName": name})
        return True
    return False
