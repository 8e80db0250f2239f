"""sagemaker 3.x: a retry policy that repeats a step, and an execution that is retried from the step that failed.

python sdk3_pipeline_retried.py"""

from pathlib import Path

import pipeline_retried
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import SageMakerJobExceptionTypeEnum, SageMakerJobStepRetryPolicy
from sagemaker.mlops.workflow.steps import ProcessingStep

session = PipelineSession()
role = get_execution_role()
bucket = session.default_bucket()
place = Path(__file__).parent / "pipeline"


def counted(name, after=(), instances=1, policies=()):
    """A step that counts the rows of its own file."""
    processor = ScriptProcessor(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1"),
        command=["python3"],
        role=role,
        instance_type="ml.m5.24xlarge" if instances > 1 else "ml.m5.large",
        instance_count=instances,
        base_job_name=name,
        sagemaker_session=session,
    )
    source = ProcessingS3Input(
        s3_uri=f"s3://{bucket}/retried3/{name}.csv",
        local_path="/opt/ml/processing/input/given",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    target = ProcessingS3Output(
        s3_uri=f"s3://{bucket}/retried3/{name}", local_path="/opt/ml/processing/counted", s3_upload_mode="EndOfJob"
    )
    return ProcessingStep(
        name,
        step_args=processor.run(
            code=str(place / "count.py"),
            inputs=[ProcessingInput(input_name="given", s3_input=source)],
            outputs=[ProcessingOutput(output_name="counted", s3_output=target)],
        ),
        depends_on=list(after),
        retry_policies=list(policies),
    )


limit = SageMakerJobStepRetryPolicy(
    [SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT], interval_seconds=1, backoff_rate=1.5, max_attempts=2
)
pipeline_retried.play("retried3", session, role, counted, Pipeline, limit)
