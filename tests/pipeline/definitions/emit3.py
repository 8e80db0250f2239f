"""Prints a definition that version 3 of the SageMaker SDK makes. Run it as emit.py, with that version's own Python, and
with `AWS_DEFAULT_REGION` set and `AWS_ENDPOINT_URL` leading nowhere: it makes clients of its own."""

import json
import sys
import tempfile
from pathlib import Path
from unittest.mock import MagicMock

from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionGreaterThan, ConditionLessThanOrEqualTo, ConditionOr
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep

BUCKET = "amzn-s3-demo-bucket"
ROLE = "arn:aws:iam::123456789012:role/pipelines"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def session() -> PipelineSession:
    boto = MagicMock(name="boto3", region_name="us-east-1")
    boto.client.return_value.get_caller_identity.return_value = {"Account": "123456789012"}
    made = PipelineSession(boto_session=boto, sagemaker_client=MagicMock(name="sagemaker"), default_bucket=BUCKET)
    made.sagemaker_config = {
        "SchemaVersion": "1.0",
        "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
    }
    return made


def main(folder: Path) -> None:
    here = session()
    rounds, data = ParameterInteger("Rounds", 50), ParameterString("Data")
    with tempfile.TemporaryDirectory() as sources:
        code = Path(sources) / "evaluate.py"
        code.write_text("print()\n")
        processor = ScriptProcessor(
            role=ROLE, image_uri=IMAGE, command=["python3"], instance_count=1, instance_type="ml.m5.large",
            sagemaker_session=here,
        )  # fmt: skip
        place = ProcessingS3Output(
            s3_uri=f"s3://{BUCKET}/metrics", local_path="/opt/ml/processing/metrics", s3_upload_mode="EndOfJob"
        )
        run = processor.run(
            code=str(code),
            outputs=[ProcessingOutput(output_name="metrics", s3_output=place)],
            arguments=["--data", data],
        )
        evaluate = ProcessingStep(
            "Evaluate",
            step_args=run,
            property_files=[PropertyFile("Report", output_name="metrics", path="report.json")],
            cache_config=CacheConfig(enable_caching=True, expire_after="PT1H"),
        )
        error = JsonGet(step_name="Evaluate", property_file="Report", json_path="mse.value")
        out = CallbackOutput("status", CallbackOutputTypeEnum.String)
        queue = "https://sqs.us-east-1.amazonaws.com/123456789012/ask"
        ask = CallbackStep("Ask", sqs_queue_url=queue, inputs={"of": ExecutionVariables.PIPELINE_NAME}, outputs=[out])
        bad = FailStep("Bad", error_message=Join(" ", ["too large in", ExecutionVariables.PIPELINE_EXECUTION_ID]))
        held = [ConditionLessThanOrEqualTo(error, 6.0), ConditionOr([ConditionGreaterThan(rounds, 3)])]
        gate = ConditionStep("Gate", conditions=held, if_steps=[ask], else_steps=[bad], depends_on=[evaluate])
        made = Pipeline("evaluated", parameters=[rounds, data], steps=[evaluate, gate], sagemaker_session=here)
        text = made.definition()
    (folder / "sdk3-evaluated.json").write_text(json.dumps(json.loads(text), indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
