"""A Training step: one training job; its properties are DescribeTrainingJob's answer. The SDK's repacking of models
and its @step functions are such steps, too."""

from typing import Final

from clary.services.sagemaker.pipelines.steps.job_step import JobStep
from clary.services.sagemaker.pipelines.steps.jobs import Job

JOB: Final = Job(
    create="CreateTrainingJob",
    describe="DescribeTrainingJob",
    stop="StopTrainingJob",
    name="TrainingJobName",
    arn="TrainingJobArn",
    status="TrainingJobStatus",
    metadata="TrainingJob",
)
STEP: Final = JobStep(
    JOB,
    (
        "RoleArn",
        "Tags",
        "ExperimentConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "TensorBoardOutputConfig",
    ),
)
"""Neither the job's rights, nor what only watches it, change what is learned."""
