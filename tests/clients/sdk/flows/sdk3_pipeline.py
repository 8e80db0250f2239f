"""sagemaker 3.x: the abalone pipeline (prepare, train, tune, evaluate, condition, register, model, transform), both
branches, cached steps, one step alone, list_steps, upsert twice, delete.

python sdk3_pipeline.py <rows as csv, the label first>"""

import json
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import StepExceptionTypeEnum, StepRetryPolicy
from sagemaker.mlops.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep, TuningStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

session = PipelineSession()
plain = Session()
role = get_execution_role()
bucket = session.default_bucket()
client = boto3.client("sagemaker")
place = Path(__file__).parent / "pipeline"
data = plain.upload_data(sys.argv[1], bucket=bucket, key_prefix="pipeline3/raw")
xgboost = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
sklearn = image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1")
top = "/opt/ml/processing"

approval = ParameterString("ModelApprovalStatus", default_value="PendingManualApproval")
raw = ParameterString("InputDataUrl", default_value=data)
threshold = ParameterFloat("MseThreshold", default_value=6.0)
cached = CacheConfig(enable_caching=True, expire_after="PT1H")


def entering(name, uri, path):
    source = ProcessingS3Input(s3_uri=uri, local_path=path, s3_data_type="S3Prefix", s3_input_mode="File")
    return ProcessingInput(input_name=name, s3_input=source)


def leaving(name, path):
    target = f"s3://{bucket}/pipeline3/{name}"
    return ProcessingOutput(
        output_name=name, s3_output=ProcessingS3Output(s3_uri=target, local_path=path, s3_upload_mode="EndOfJob")
    )


def processor(image, name):
    return ScriptProcessor(
        image_uri=image,
        command=["python3"],
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        base_job_name=name,
        sagemaker_session=session,
    )


prepare = ProcessingStep(
    "PrepareAbalone",
    step_args=processor(sklearn, "prepare").run(
        code=str(place / "prepare.py"),
        arguments=["--share", "0.7"],
        inputs=[entering("raw", raw, f"{top}/input/raw")],
        outputs=[leaving(name, f"{top}/{name}") for name in ("train", "validation", "test")],
    ),
    cache_config=cached,
    retry_policies=[StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=2)],
)
parts = prepare.properties.ProcessingOutputConfig.Outputs
channels = [
    InputData(channel_name=name, data_source=parts[name].S3Output.S3Uri, content_type="text/csv")
    for name in ("train", "validation")
]


def trainer(**more):
    return ModelTrainer(
        training_image=xgboost,
        role=role,
        sagemaker_session=session,
        base_job_name="abalone",
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/pipeline3/models"),
        hyperparameters={"objective": "reg:squarederror", "num_round": 20, "max_depth": 4, **more},
    )


train = TrainingStep("TrainAbalone", step_args=trainer(eta=0.3).train(input_data_config=channels), cache_config=cached)
artifact = train.properties.ModelArtifacts.S3ModelArtifacts
tuner = HyperparameterTuner(
    trainer(),
    objective_metric_name="validation:rmse",
    objective_type="Minimize",
    hyperparameter_ranges={"eta": ContinuousParameter(0.1, 0.9)},
    max_jobs=2,
    max_parallel_jobs=2,
)
tune = TuningStep("TuneAbalone", step_args=tuner.tune(channels), cache_config=cached)

report = PropertyFile("EvaluationReport", output_name="evaluation", path="evaluation.json")
evaluate = ProcessingStep(
    "EvaluateAbalone",
    step_args=processor(xgboost, "evaluate").run(
        code=str(place / "evaluate.py"),
        inputs=[
            entering("model", artifact, f"{top}/model"),
            entering("test", parts["test"].S3Output.S3Uri, f"{top}/test"),
        ],
        outputs=[leaving("evaluation", f"{top}/evaluation")],
    ),
    property_files=[report],
)

builder = ModelBuilder(s3_model_data_url=artifact, image_uri=xgboost, sagemaker_session=session, role_arn=role)
register = ModelStep(
    "RegisterAbalone",
    step_args=builder.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name="abalone3",
        approval_status=approval,
    ),
)
best = ModelBuilder(
    s3_model_data_url=tune.get_top_model_s3_uri(0, bucket, "pipeline3/models"),
    image_uri=xgboost,
    sagemaker_session=session,
    role_arn=role,
)
create = ModelStep("ServeAbalone", step_args=best.build())
transformer = Transformer(
    model_name=create.properties.ModelName,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{bucket}/pipeline3/transformed",
    accept="text/csv",
    assemble_with="Line",
    sagemaker_session=session,
)
transform = TransformStep(
    "TransformAbalone",
    step_args=transformer.transform(
        data=Join("/", [parts["test"].S3Output.S3Uri, "test.csv"]),
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
    name="Abalone3",
    parameters=[approval, raw, threshold],
    steps=[prepare, train, tune, evaluate, check],
    sagemaker_session=session,
)

arn = pipeline.upsert(role_arn=role)["PipelineArn"]
again = pipeline.upsert(role_arn=role, description="once more")["PipelineArn"]


def ended(execution, good=True):
    """list_steps by name, when it has ended as it should."""
    try:
        execution.wait(delay=1, max_attempts=300)
    except Exception:
        if good:
            print(json.dumps([execution.list_steps(), execution.describe()], default=str), file=sys.stderr)
            raise
    return {one["StepName"]: one for one in execution.list_steps()}


first = pipeline.start(parameters={"ModelApprovalStatus": "Approved"})
steps = ended(first)
second = pipeline.start(parameters={"MseThreshold": 0.000001})
refused = ended(second, good=False)
third = pipeline.start(
    selective_execution_config=SelectiveExecutionConfig(
        source_pipeline_execution_arn=first.arn, selected_steps=["EvaluateAbalone"]
    )
)
selected = ended(third)

package = client.describe_model_package(ModelPackageName=steps["RegisterAbalone"]["Metadata"]["RegisterModel"]["Arn"])
model = client.describe_model(ModelName=steps["ServeAbalone"]["Metadata"]["Model"]["Arn"].rpartition("/")[2])
job = client.describe_hyper_parameter_tuning_job(
    HyperParameterTuningJobName=steps["TuneAbalone"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
)
lines = S3Downloader.read_file(f"s3://{bucket}/pipeline3/transformed/test.csv.out", sagemaker_session=plain).split()
reason = second.describe().get("FailureReason")
pipeline.delete()
try:
    pipeline.describe()
    gone = ""
except ClientError as error:
    gone = str(error)


def told(of):
    return {name: {"status": one["StepStatus"], "cached": "CacheHitResult" in one} for name, one in of.items()}


print(
    json.dumps(
        {
            "arns": [arn, again],
            "first": told(steps),
            "second": told(refused),
            "third": told(selected),
            "outcomes": [of["CheckMse"]["Metadata"]["Condition"]["Outcome"] for of in (steps, refused)],
            "reason": reason,
            "package": [package["ModelPackageGroupName"], package["ModelApprovalStatus"]],
            "best": job["BestTrainingJob"]["TrainingJobName"],
            "served": model["PrimaryContainer"]["ModelDataUrl"],
            "rows": len(lines),
            "gone": gone,
        }
    )
)
