"""A Transform step: one batch transform job; its properties are DescribeTransformJob's answer."""

from typing import Final

from clary.services.sagemaker.pipelines.steps.job_step import JobStep
from clary.services.sagemaker.pipelines.steps.jobs import Job

JOB: Final = Job(
    create="CreateTransformJob",
    describe="DescribeTransformJob",
    stop="StopTransformJob",
    name="TransformJobName",
    arn="TransformJobArn",
    status="TransformJobStatus",
    metadata="TransformJob",
)
STEP: Final = JobStep(JOB, ("Tags", "ExperimentConfig"))
"""The model counts by its name."""
