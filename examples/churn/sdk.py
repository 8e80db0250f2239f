"""Who will leave? The pipeline of native.py, written with version 2 of the SageMaker SDK.

    clary run -- python sdk.py churn.csv [--keep]

A modest model gets into service, a better one takes its place, then the gate holds twice: the modest model does not
beat what is in service, and one that learns nothing is no better than the majority class. On AWS it runs as it stands.
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
from sagemaker.workflow.conditions import ConditionEquals, ConditionGreaterThan, ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep

NAME = "churn-sdk"
NOTHING = "nothing"
"""The parameter InService, when nothing is."""
MEASURED = ("accuracy", "majority", "auc")
HERE = Path(__file__).parent
AGAIN = CacheConfig(enable_caching=True, expire_after="P30D")
MACHINE = {"instance_count": 1, "instance_type": "ml.m5.large"}
PARTS = ("train", "validation", "test")


def judging(name, session, role, model, test, image):
    """A step that judges the model on the test rows, and its report."""
    judge = ScriptProcessor(image_uri=image, command=["python3"], role=role, sagemaker_session=session, **MACHINE)
    place = Join("/", ["s3:/", session.default_bucket(), NAME, ExecutionVariables.PIPELINE_EXECUTION_ID, name])
    report = PropertyFile(f"{name}-report", output_name="evaluation", path="evaluation.json")
    step = ProcessingStep(
        name,
        step_args=judge.run(
            code=str(HERE / "sdk_evaluate.py"),
            inputs=[
                ProcessingInput(source=model, destination="/opt/ml/processing/model"),
                ProcessingInput(source=test, destination="/opt/ml/processing/test"),
            ],
            outputs=[ProcessingOutput("/opt/ml/processing/evaluation", place, output_name="evaluation")],
        ),
        property_files=[report],
        cache_config=AGAIN,
    )
    return step, {one: JsonGet(step_name=name, property_file=report, json_path=one) for one in MEASURED}


def registering(name, session, role, image, artifact, evaluate):
    """A step that registers the model with what was measured."""
    measured = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
    statistics = MetricsSource(content_type="application/json", s3_uri=Join("/", [measured, "evaluation.json"]))
    return ModelStep(
        name,
        step_args=Model(image_uri=image, model_data=artifact, role=role, sagemaker_session=session).register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name=NAME,
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(model_statistics=statistics),
        ),
    )


def build(session, role, data):
    """The pipeline."""
    image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
    raw = ParameterString("Data", default_value=data)
    in_service = ParameterString("InService", default_value=NOTHING)
    least = ParameterFloat("LeastAccuracy", default_value=0.8)
    rounds, depth = ParameterInteger("Rounds", default_value=100), ParameterInteger("Depth", default_value=5)
    weight = ParameterFloat("LeastWeight", default_value=6.0)

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
    test = parts["test"].S3Output.S3Uri

    models = f"s3://{session.default_bucket()}/{NAME}/models"
    estimator = Estimator(image, role, output_path=models, sagemaker_session=session, **MACHINE)
    estimator.set_hyperparameters(
        objective="binary:logistic",
        eval_metric="error,auc",
        num_round=rounds,
        max_depth=depth,
        min_child_weight=weight,
        eta=0.2,
        gamma=4,
        subsample=0.8,
        seed=42,
    )
    channels = {one: TrainingInput(parts[one].S3Output.S3Uri, content_type="text/csv") for one in PARTS[:2]}
    train = TrainingStep("train", step_args=estimator.fit(channels), cache_config=AGAIN)
    artifact = train.properties.ModelArtifacts.S3ModelArtifacts

    evaluate, judged = judging("evaluate", session, role, artifact, test, image)
    rival, rivals = judging("evaluate-in-service", session, role, in_service, test, image)
    said = ["accuracy", judged["accuracy"], "AUC", judged["auc"]]
    better = ConditionStep(
        "better-than-in-service",
        conditions=[
            ConditionGreaterThan(left=judged["accuracy"], right=rivals["accuracy"]),
            ConditionGreaterThanOrEqualTo(left=judged["auc"], right=rivals["auc"]),
        ],
        if_steps=[registering("better", session, role, image, artifact, evaluate)],
        else_steps=[
            FailStep(
                "no-better",
                Join(" ", [*said, "does not beat the version in service:", rivals["accuracy"], "AUC", rivals["auc"]]),
            )
        ],
    )
    first = ConditionStep(
        "nothing-in-service",
        conditions=[ConditionEquals(left=in_service, right=NOTHING)],
        if_steps=[registering("first", session, role, image, artifact, evaluate)],
        else_steps=[rival, better],
    )
    gate = ConditionStep(
        "good-enough",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=judged["accuracy"], right=least),
            ConditionGreaterThan(left=judged["accuracy"], right=judged["majority"]),
        ],
        if_steps=[first],
        else_steps=[
            FailStep(
                "not-good-enough",
                Join(" ", [*said, "must be at least", least, "and above the majority class's", judged["majority"]]),
            )
        ],
    )
    parameters = [raw, in_service, least, rounds, depth, weight]
    return Pipeline(NAME, parameters=parameters, steps=[prepare, train, evaluate, gate], sagemaker_session=session)


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


def deploy(session, role, arn, endpoint):
    """The version is approved, and answers at the endpoint: its artifact."""
    client = session.sagemaker_client
    package = ModelPackage(role=role, model_package_arn=arn, sagemaker_session=session)
    package.update_approval_status("Approved", approval_description="passed the gate")
    name = sagemaker.utils.name_from_base(NAME)
    session.create_model(name, role, {"ModelPackageName": arn})
    session.create_endpoint_config(name, name, initial_instance_count=1, instance_type="ml.m5.large")
    if client.list_endpoints(NameContains=endpoint)["Endpoints"]:
        session.update_endpoint(endpoint, name, wait=False)
    else:
        session.create_endpoint(endpoint, name, wait=False)
    session.wait_for_endpoint(endpoint, poll=1)
    said = client.describe_model_package(ModelPackageName=arn)
    return said["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]


def registered(steps):
    """The ARN of the version that the execution registered."""
    return next(one["Metadata"]["RegisterModel"]["Arn"] for one in steps.values() if "RegisterModel" in one["Metadata"])


def remove(session, endpoint):
    """The endpoint is gone, and what it served."""
    client = session.sagemaker_client
    client.delete_endpoint(EndpointName=endpoint)
    for one in client.list_endpoint_configs(NameContains=f"{NAME}-20")["EndpointConfigs"]:
        client.delete_endpoint_config(EndpointConfigName=one["EndpointConfigName"])
    for one in client.list_models(NameContains=f"{NAME}-20")["Models"]:
        client.delete_model(ModelName=one["ModelName"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--keep", action="store_true", help="leave the endpoint as it is")
    asked = parser.parse_args()

    session, role = sagemaker.Session(), get_execution_role()
    endpoint = f"{NAME}-production"
    data = session.upload_data(asked.data, key_prefix=f"{NAME}/raw")
    pipeline = build(PipelineSession(), role, data)
    pipeline.upsert(role_arn=role)

    modest = {"Rounds": 5, "Depth": 2}
    runs = [run(pipeline, **modest)]
    served = deploy(session, role, registered(runs[-1][1]), endpoint)
    runs.append(run(pipeline, InService=served))
    arn = registered(runs[-1][1])
    served = deploy(session, role, arn, endpoint)
    runs.append(run(pipeline, **modest, InService=served))
    runs.append(run(pipeline, LeastWeight=1e6, InService=served))

    version = session.sagemaker_client.describe_model_package(ModelPackageName=arn)
    metrics = json.loads(
        S3Downloader.read_file(version["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"], session)
    )
    job = runs[0][1]["prepare"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    outputs = session.describe_processing_job(job)["ProcessingOutputConfig"]["Outputs"]
    held = next(one["S3Output"]["S3Uri"] for one in outputs if one["OutputName"] == "test")
    left, *customer = S3Downloader.read_file(f"{held}/rows.csv", session).split("\n", 1)[0].strip().split(",")
    predictor = Predictor(endpoint, session, serializer=CSVSerializer(), deserializer=CSVDeserializer())
    ((answer,),) = predictor.predict(",".join(customer))
    print(f"{endpoint} says {float(answer):.2f}; left: {left}")
    if not asked.keep:
        remove(session, endpoint)
    print(
        json.dumps(
            {
                "status": [said["PipelineExecutionStatus"] for said, _ in runs],
                "cached": [[name for name, one in steps.items() if "CacheHitResult" in one] for _, steps in runs],
                "reasons": [said.get("FailureReason") for said, _ in runs],
                "metrics": metrics,
                "answer": [float(left), float(answer)],
            }
        )
    )


if __name__ == "__main__":
    main()
