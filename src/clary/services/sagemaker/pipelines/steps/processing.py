"""A Processing step: one processing job; its properties are DescribeProcessingJob's answer."""

from typing import Final

from clary.services.sagemaker.pipelines.steps.job_step import JobStep
from clary.services.sagemaker.pipelines.steps.jobs import Job

JOB: Final = Job(
    create="CreateProcessingJob",
    describe="DescribeProcessingJob",
    stop="StopProcessingJob",
    name="ProcessingJobName",
    arn="ProcessingJobArn",
    status="ProcessingJobStatus",
    metadata="ProcessingJob",
)
STEP: Final = JobStep(JOB, ("RoleArn", "Tags", "ExperimentConfig"))
"""Neither the job's rights nor its tags change what it makes."""
