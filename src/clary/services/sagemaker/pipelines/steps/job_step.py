"""A type of step that is one job, made of the step's arguments."""

from collections.abc import Sequence

from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines.steps import arguments, jobs
from clary.services.sagemaker.pipelines.steps.base import Outcome, StepRun
from clary.services.sagemaker.pipelines.steps.jobs import Job


class JobStep:
    """`without_effect`: arguments that do not change what the job makes; the job's name is always one."""

    def __init__(self, job: Job, without_effect: Sequence[str]) -> None:
        self._job = job
        self._without_effect = frozenset((job.name, *without_effect))

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        return arguments.check(step, self._job.create, given=(self._job.name,))

    async def look(self, run: StepRun) -> Outcome:
        return await jobs.look(run, self._job, run.arguments)

    async def stop(self, run: StepRun) -> Outcome:
        return await jobs.stop(run, self._job)

    def cached(self, run: StepRun) -> Doc | None:
        """The arguments that change what the job makes."""
        return {name: value for name, value in run.arguments.items() if name not in self._without_effect}
