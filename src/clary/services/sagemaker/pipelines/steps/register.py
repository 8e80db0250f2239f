"""RegisterModel steps: what earlier steps left becomes a version in the registry."""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

from clary.aws.errors import ServiceError, ValidationException
from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines.steps import arguments
from clary.services.sagemaker.pipelines.steps.base import Outcome, StepRun, Stopped, Succeeded

_LEFT_TO_RUNS: Final = ("ClientToken",)


class RegisterModelStep:
    """Type "RegisterModel": CreateModelPackage, in a group that is made when it is not there."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """The arguments are a CreateModelPackage."""
        found = arguments.check(step, "CreateModelPackage")
        found += [
            Problem(f"{step.path}.Arguments.{name}", "is set by the pipeline: leave it out", step.name)
            for name in _LEFT_TO_RUNS
            if name in step.arguments
        ]
        if not step.arguments.get("ModelPackageGroupName") and not step.arguments.get("ModelPackageName"):
            found.append(
                Problem(f"{step.path}.Arguments", "the argument 'ModelPackageGroupName' is missing", step.name)
            )
        return found

    async def look(self, run: StepRun) -> Outcome:
        """The package is there, once: it is asked for with the ClientToken of this attempt."""
        said = {name: value for name, value in run.arguments.items() if value is not None}
        if said.get("ModelPackageGroupName"):
            await _group(run, said["ModelPackageGroupName"], said.pop("Tags", None))
        said["ClientToken"] = _request_token(run)
        # As on AWS a package says which execution it comes from.
        said["MetadataProperties"] = {"GeneratedBy": run.execution.arn, **(said.get("MetadataProperties") or {})}
        arn = (await run.ctx.call("sagemaker", "CreateModelPackage", said))["ModelPackageArn"]
        described = await run.ctx.call("sagemaker", "DescribeModelPackage", {"ModelPackageName": arn})
        return Succeeded(described, {"RegisterModel": {"Arn": arn}})

    async def stop(self, run: StepRun) -> Outcome:
        """There is nothing that runs."""
        return Stopped()

    def cached(self, run: StepRun) -> Doc | None:
        """Never: every run that registers makes a version."""
        return None


def _request_token(run: StepRun) -> str:
    """A ClientToken, which has 36 characters at most, of this attempt alone."""
    return sha256(f"{run.token}/{run.row.uid}".encode()).hexdigest()[:32]


async def _group(run: StepRun, name: str, tags: list[Doc] | None) -> None:
    """The group is there; the step's tags are for the group that it makes, since versions have those of their group."""
    if name.startswith("arn:"):
        return
    try:
        await run.ctx.call("sagemaker", "DescribeModelPackageGroup", {"ModelPackageGroupName": name})
    except ServiceError as error:
        if "does not exist" not in error.message:
            raise
        made: Doc = {"ModelPackageGroupName": name, **({"Tags": tags} if tags else {})}
        with suppress(ValidationException):  # Another step was first: CreateModelPackage will find it, or say what is.
            await run.ctx.call("sagemaker", "CreateModelPackageGroup", made)
