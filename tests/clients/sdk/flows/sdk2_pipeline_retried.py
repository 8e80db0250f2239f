"""sagemaker 2.x: a retry policy that repeats a step, and an execution that is retried from the step that failed.

python sdk2_pipeline_retried.py"""

from pathlib import Path

import pipeline_retried
import sagemaker
from sagemaker import get_execution_role
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.retry import SageMakerJobExceptionTypeEnum, SageMakerJobStepRetryPolicy
from sagemaker.workflow.steps import ProcessingStep

session = PipelineSession()
plain = sagemaker.Session()
role = get_execution_role(plain)
bucket = session.default_bucket()
place = Path(__file__).parent / "pipeline"


def counted(name, after=(), instances=1, policies=()):
    """A step that counts the rows of its own file."""
    processor = SKLearnProcessor(
        framework_version="1.2-1",
        role=role,
        instance_type="ml.m5.24xlarge" if instances > 1 else "ml.m5.large",
        instance_count=instances,
        base_job_name=name,
        sagemaker_session=session,
    )
    return ProcessingStep(
        name,
        step_args=processor.run(
            code=str(place / "count.py"),
            inputs=[
                ProcessingInput(
                    source=f"s3://{bucket}/retried2/{name}.csv", destination="/opt/ml/processing/input/given"
                )
            ],
            outputs=[ProcessingOutput(output_name="counted", source="/opt/ml/processing/counted")],
        ),
        depends_on=list(after),
        retry_policies=list(policies),
    )


limit = SageMakerJobStepRetryPolicy(
    [SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT], interval_seconds=1, backoff_rate=1.5, max_attempts=2
)
pipeline_retried.play("retried2", session, role, counted, Pipeline, limit)
