"""How old is a snail? The pipeline of native.py, written with version 2 of the SageMaker SDK.

    clary run -- python sdk.py abalone.csv [--keep]

Prepare, train, evaluate, a gate at a squared error of 6.0, register; then approve, deploy, ask once, and remove the
endpoint again. On AWS it runs as it stands.
"""

import argparse
import json
import time
from pathlib import Path

import sagemaker
from sagemaker import ModelPackage, get_execution_role, image_uris
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.predictor import Predictor
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep

NAME = "abalone-sdk"
HERE = Path(__file__).parent
AGAIN = CacheConfig(enable_caching=True, expire_after="P30D")
MACHINE = {"instance_count": 1, "instance_type": "ml.m5.large"}
PARTS = ("train", "validation", "test")


def build(session, role, data):
    """The pipeline."""
    bucket = session.default_bucket()
    xgboost = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
    raw = ParameterString("Data", default_value=data)
    limit = ParameterFloat("MaxError", default_value=6.0)

    splitter = SKLearnProcessor("1.2-1", role=role, sagemaker_session=session, **MACHINE)
    prepare = ProcessingStep(
        "prepare",
        step_args=splitter.run(
            code=str(HERE / "sdk_prepare.py"),
            inputs=[ProcessingInput(source=raw, destination="/opt/ml/processing/input/raw")],
            outputs=[ProcessingOutput(output_name=one, source=f"/opt/ml/processing/{one}") for one in PARTS],
        ),
        cache_config=AGAIN,
    )
    parts = prepare.properties.ProcessingOutputConfig.Outputs

    models = f"s3://{bucket}/{NAME}/models"
    estimator = Estimator(xgboost, role, output_path=models, sagemaker_session=session, **MACHINE)
    estimator.set_hyperparameters(
        objective="reg:squarederror",
        num_round=50,
        max_depth=5,
        eta=0.2,
        gamma=4,
        min_child_weight=6,
        subsample=0.7,
        seed=42,
    )
    channels = {one: TrainingInput(parts[one].S3Output.S3Uri, content_type="text/csv") for one in PARTS[:2]}
    train = TrainingStep("train", step_args=estimator.fit(channels), cache_config=AGAIN)
    artifact = train.properties.ModelArtifacts.S3ModelArtifacts

    judge = ScriptProcessor(image_uri=xgboost, command=["python3"], role=role, sagemaker_session=session, **MACHINE)
    place = Join("/", ["s3:/", bucket, NAME, ExecutionVariables.PIPELINE_EXECUTION_ID, "evaluation"])
    report = PropertyFile("report", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        "evaluate",
        step_args=judge.run(
            code=str(HERE / "sdk_evaluate.py"),
            inputs=[
                ProcessingInput(source=artifact, destination="/opt/ml/processing/model"),
                ProcessingInput(source=parts["test"].S3Output.S3Uri, destination="/opt/ml/processing/test"),
            ],
            outputs=[ProcessingOutput("/opt/ml/processing/evaluation", place, output_name="evaluation")],
        ),
        property_files=[report],
        cache_config=AGAIN,
    )

    measured = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
    statistics = MetricsSource(content_type="application/json", s3_uri=Join("/", [measured, "evaluation.json"]))
    register = ModelStep(
        "abalone",
        step_args=Model(image_uri=xgboost, model_data=artifact, role=role, sagemaker_session=session).register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name=NAME,
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(model_statistics=statistics),
        ),
    )
    error = JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.mse.value")
    gate = ConditionStep(
        "good-enough",
        conditions=[ConditionLessThanOrEqualTo(left=error, right=limit)],
        if_steps=[register],
        else_steps=[FailStep("too-wrong", Join(" ", ["the squared error", error, "is over", limit]))],
    )
    return Pipeline(NAME, parameters=[raw, limit], steps=[prepare, train, evaluate, gate], sagemaker_session=session)


def run(pipeline, **parameters):
    """The execution is over: its steps by name, and why it failed, if it did."""
    execution = pipeline.start(parameters=parameters)
    while (said := execution.describe())["PipelineExecutionStatus"] in ("Executing", "Stopping"):
        time.sleep(0.5)
    steps = {one["StepName"]: one for one in sorted(execution.list_steps(), key=lambda one: one["StartTime"])}
    seconds = (said["LastModifiedTime"] - said["CreationTime"]).total_seconds()
    print(f"{said['PipelineExecutionStatus']} after {seconds:.1f} s {said.get('FailureReason', '')}")
    for name, one in steps.items():
        print(f"    {name:<24} {one['StepStatus']:<10} {'cached' if 'CacheHitResult' in one else ''}")
    return said, steps


def deploy(session, role, arn):
    """The approved version answers at an endpoint."""
    name = sagemaker.utils.name_from_base(NAME)
    package = ModelPackage(role=role, model_package_arn=arn, sagemaker_session=session)
    package.deploy(initial_instance_count=1, instance_type="ml.m5.large", endpoint_name=name, wait=False)
    session.wait_for_endpoint(name, poll=1)
    return Predictor(name, session, serializer=CSVSerializer(), deserializer=CSVDeserializer())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--keep", action="store_true", help="leave the endpoint as it is")
    asked = parser.parse_args()

    session, role = sagemaker.Session(), get_execution_role()
    data = session.upload_data(asked.data, key_prefix=f"{NAME}/raw")
    pipeline = build(PipelineSession(), role, data)
    pipeline.upsert(role_arn=role)
    first, steps = run(pipeline)
    again, cached = run(pipeline)
    refused, _ = run(pipeline, MaxError=0.5)

    client = session.sagemaker_client
    arn = steps["abalone-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    package = ModelPackage(role=role, model_package_arn=arn, sagemaker_session=session)
    package.update_approval_status("Approved", approval_description="below the limit")
    version = client.describe_model_package(ModelPackageName=arn)
    metrics = json.loads(
        S3Downloader.read_file(version["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"], session)
    )

    predictor = deploy(session, role, arn)
    job = steps["prepare"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    outputs = client.describe_processing_job(ProcessingJobName=job)["ProcessingOutputConfig"]["Outputs"]
    held = next(one["S3Output"]["S3Uri"] for one in outputs if one["OutputName"] == "test")
    rings, *snail = S3Downloader.read_file(f"{held}/rows.csv", session).split("\n", 1)[0].strip().split(",")
    ((answer,),) = predictor.predict(",".join(snail))
    print(f"{predictor.endpoint_name} says {float(answer):.2f} rings; there are {rings}")
    if not asked.keep:
        config = client.describe_endpoint(EndpointName=predictor.endpoint_name)["EndpointConfigName"]
        (variant,) = client.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        predictor.delete_endpoint(delete_endpoint_config=True)
        client.delete_model(ModelName=variant["ModelName"])
    print(
        json.dumps(
            {
                "status": [one["PipelineExecutionStatus"] for one in (first, again, refused)],
                "cached": [name for name, one in cached.items() if "CacheHitResult" in one],
                "reason": refused["FailureReason"],
                "version": [version["ModelPackageGroupName"], version["ModelApprovalStatus"]],
                "metrics": metrics,
                "answer": [float(rings), float(answer)],
            }
        )
    )


if __name__ == "__main__":
    main()
