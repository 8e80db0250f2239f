"""A Tuning step: one tuning job; its properties are DescribeHyperParameterTuningJob's answer, and the training jobs
that it launched, the best one first."""

from dataclasses import replace
from typing import Final

from clary.aws.errors import ServiceError
from clary.kernel.resource import Doc
from clary.services.sagemaker.pipelines.steps import failures
from clary.services.sagemaker.pipelines.steps.base import Outcome, StepRun, Succeeded
from clary.services.sagemaker.pipelines.steps.job_step import JobStep
from clary.services.sagemaker.pipelines.steps.jobs import Job

JOB: Final = Job(
    create="CreateHyperParameterTuningJob",
    describe="DescribeHyperParameterTuningJob",
    stop="StopHyperParameterTuningJob",
    name="HyperParameterTuningJobName",
    arn="HyperParameterTuningJobArn",
    status="HyperParameterTuningJobStatus",
    metadata="TuningJob",
    longest=32,
)
MOST_SUMMARIES: Final = 50
_LISTS: Final = "ListTrainingJobsForHyperParameterTuningJob"


class TuningStep(JobStep):
    """Tuning."""

    def __init__(self) -> None:
        super().__init__(JOB, ("Tags",))

    async def look(self, run: StepRun) -> Outcome:
        outcome = await super().look(run)
        if not isinstance(outcome, Succeeded):
            return outcome
        try:
            best = await _best(run, outcome.properties)
        except ServiceError as error:
            return failures.refused(error, f"sagemaker:{_LISTS}", outcome.metadata)
        return replace(outcome, properties={**outcome.properties, "TrainingJobSummaries": best})

    def cached(self, run: StepRun) -> Doc | None:
        """The arguments but for the job's name, the rights of its training jobs, and its tags."""
        found = super().cached(run) or {}
        if isinstance(one := found.get("TrainingJobDefinition"), dict):
            found["TrainingJobDefinition"] = _without_rights(one)
        if isinstance(several := found.get("TrainingJobDefinitions"), list):
            found["TrainingJobDefinitions"] = [_without_rights(one) for one in several]
        return found


async def _best(run: StepRun, said: Doc) -> list[Doc]:
    """HyperParameterTrainingJobSummaries, the best objective first; without those that have told none."""
    objective: Doc = (said.get("BestTrainingJob") or {}).get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    asked = {
        JOB.name: said[JOB.name],
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Descending" if objective.get("Type") == "Maximize" else "Ascending",
        "MaxResults": MOST_SUMMARIES,
    }
    return list((await run.ctx.call("sagemaker", _LISTS, asked))["TrainingJobSummaries"])


def _without_rights(definition: Doc) -> Doc:
    return {name: value for name, value in definition.items() if name != "RoleArn"}
