"""sagemaker 2.x: the abalone pipeline (prepare, train, evaluate, condition, register, model, transform), both branches,
cached steps, selective execution, list_steps, upsert twice, delete.

python sdk2_pipeline.py <rows as csv, the label first>"""

import json
import sys
from pathlib import Path

import boto3
import sagemaker
from botocore.exceptions import ClientError
from sagemaker import get_execution_role, image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep

session = PipelineSession()
plain = sagemaker.Session()
role = get_execution_role(plain)
bucket = session.default_bucket()
client = boto3.client("sagemaker")
place = Path(__file__).parent / "pipeline"
data = plain.upload_data(sys.argv[1], bucket=bucket, key_prefix="pipeline2/raw")
xgboost = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
machine = {"instance_count": 1, "instance_type": "ml.m5.large"}

instances = ParameterInteger("ProcessingInstanceCount", default_value=1)
approval = ParameterString("ModelApprovalStatus", default_value="PendingManualApproval")
raw = ParameterString("InputDataUrl", default_value=data)
threshold = ParameterFloat("MseThreshold", default_value=6.0)
cached = CacheConfig(enable_caching=True, expire_after="PT1H")
retries = [
    StepRetryPolicy([StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING], max_attempts=2),
    SageMakerJobStepRetryPolicy([SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT], expire_after_mins=5),
]

splitter = SKLearnProcessor(
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    instance_count=instances,
    base_job_name="prepare",
    sagemaker_session=session,
)
prepare = ProcessingStep(
    "PrepareAbalone",
    step_args=splitter.run(
        code=str(place / "prepare.py"),
        arguments=["--share", "0.7"],
        inputs=[ProcessingInput(source=raw, destination="/opt/ml/processing/input/raw")],
        outputs=[
            ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}")
            for name in ("train", "validation", "test")
        ],
    ),
    cache_config=cached,
    retry_policies=retries,
)
parts = prepare.properties.ProcessingOutputConfig.Outputs

estimator = Estimator(
    image_uri=xgboost,
    role=role,
    output_path=f"s3://{bucket}/pipeline2/models",
    sagemaker_session=session,
    **machine,
)
estimator.set_hyperparameters(objective="reg:squarederror", num_round=20, max_depth=4, eta=0.3)
train = TrainingStep(
    "TrainAbalone",
    step_args=estimator.fit(
        {name: TrainingInput(parts[name].S3Output.S3Uri, content_type="text/csv") for name in ("train", "validation")}
    ),
    cache_config=cached,
)
artifact = train.properties.ModelArtifacts.S3ModelArtifacts

evaluator = ScriptProcessor(
    image_uri=xgboost,
    command=["python3"],
    role=role,
    base_job_name="evaluate",
    sagemaker_session=session,
    **machine,
)
report = PropertyFile("EvaluationReport", output_name="evaluation", path="evaluation.json")
evaluate = ProcessingStep(
    "EvaluateAbalone",
    step_args=evaluator.run(
        code=str(place / "evaluate.py"),
        inputs=[
            ProcessingInput(source=artifact, destination="/opt/ml/processing/model"),
            ProcessingInput(source=parts["test"].S3Output.S3Uri, destination="/opt/ml/processing/test"),
        ],
        outputs=[
            ProcessingOutput(
                output_name="evaluation",
                source="/opt/ml/processing/evaluation",
                destination=Join(
                    "/", ["s3:/", bucket, "pipeline2", ExecutionVariables.PIPELINE_EXECUTION_ID, "evaluation"]
                ),
            )
        ],
    ),
    property_files=[report],
)

model = Model(image_uri=xgboost, model_data=artifact, role=role, sagemaker_session=session)
evaluated = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
quality = MetricsSource(content_type="application/json", s3_uri=Join("/", [evaluated, "evaluation.json"]))
register = ModelStep(
    "AbaloneModel",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.t2.medium", "ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name="abalone2",
        approval_status=approval,
        model_metrics=ModelMetrics(model_statistics=quality),
    ),
)
create = ModelStep("AbaloneServed", step_args=model.create(instance_type="ml.m5.large"))
transformer = Transformer(
    model_name=create.properties.ModelName,
    output_path=f"s3://{bucket}/pipeline2/transformed",
    accept="text/csv",
    assemble_with="Line",
    sagemaker_session=session,
    **machine,
)
transform = TransformStep(
    "TransformAbalone",
    step_args=transformer.transform(
        Join("/", [parts["test"].S3Output.S3Uri, "test.csv"]),
        content_type="text/csv",
        split_type="Line",
        input_filter="$[1:]",
    ),
)
mse = JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.mse.value")
fail = FailStep("AbaloneTooWrong", error_message=Join(" ", ["Execution failed: the MSE is over", threshold]))
check = ConditionStep(
    "CheckMse",
    conditions=[ConditionLessThanOrEqualTo(left=mse, right=threshold)],
    if_steps=[register, create, transform],
    else_steps=[fail],
)
pipeline = Pipeline(
    name="Abalone2",
    parameters=[instances, approval, raw, threshold],
    steps=[prepare, train, evaluate, check],
    sagemaker_session=session,
)

arn = pipeline.upsert(role_arn=role)["PipelineArn"]
again = pipeline.upsert(role_arn=role, description="once more")["PipelineArn"]


def ended(execution, good=True):
    """list_steps by name, when it has ended as it should."""
    try:
        execution.wait(delay=1, max_attempts=200)
    except Exception:
        if good:
            print(json.dumps(execution.list_steps(), default=str), file=sys.stderr)
            print(json.dumps(execution.describe(), default=str), file=sys.stderr)
            raise
    return {one["StepName"]: one for one in execution.list_steps()}


first = pipeline.start(parameters={"ModelApprovalStatus": "Approved"}, execution_display_name="first")
steps = ended(first)
second = pipeline.start(parameters={"MseThreshold": 0.000001})
refused = ended(second, good=False)
third = pipeline.start(
    selective_execution_config=SelectiveExecutionConfig(
        source_pipeline_execution_arn=first.arn, selected_steps=["EvaluateAbalone"]
    )
)
selected = ended(third)

package = client.describe_model_package(
    ModelPackageName=steps["AbaloneModel-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
)
output = client.describe_transform_job(
    TransformJobName=steps["TransformAbalone"]["Metadata"]["TransformJob"]["Arn"].rpartition("/")[2]
)["TransformOutput"]["S3OutputPath"]
lines = sagemaker.s3.S3Downloader.read_file(f"{output}/test.csv.out", plain).split()
listed = pipeline.list_executions()["PipelineExecutionSummaries"]
described = pipeline.describe()
executed = first.describe()
parameters = first.list_parameters()["PipelineParameters"]
reason = second.describe().get("FailureReason")
pipeline.delete()
try:
    pipeline.describe()
    gone = ""
except ClientError as error:
    gone = str(error)


def told(of):
    return {
        name: {"status": one["StepStatus"], "cached": "CacheHitResult" in one, "reason": one.get("FailureReason")}
        for name, one in of.items()
    }


print(
    json.dumps(
        {
            "arns": [arn, again],
            "first": told(steps),
            "second": told(refused),
            "third": told(selected),
            "outcomes": [of["CheckMse"]["Metadata"]["Condition"]["Outcome"] for of in (steps, refused)],
            "message": refused["AbaloneTooWrong"]["Metadata"]["Fail"]["ErrorMessage"],
            "reason": reason,
            "status": [one["PipelineExecutionStatus"] for one in listed],
            "package": [package["ModelPackageGroupName"], package["ModelApprovalStatus"]],
            "metrics": package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"],
            "rows": len(lines),
            "description": described.get("PipelineDescription"),
            "name": executed.get("PipelineExecutionDisplayName"),
            "parameters": {one["Name"]: one["Value"] for one in parameters},
            "gone": gone,
        }
    )
)
