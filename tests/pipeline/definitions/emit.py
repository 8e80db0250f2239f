"""Prints the definitions that version 2 of the SageMaker SDK makes of every type of step, one file a subject.

Run it with the SDK's own Python: `build/envs/sagemaker-2-*/bin/python tests/pipeline/definitions/emit.py FOLDER`.
Nothing is called: boto3 is a mock. Account ids and bucket names in what it prints are those of AWS's examples."""

import json
import re
import sys
from pathlib import Path
from unittest.mock import MagicMock

from sagemaker import Model, Processor, image_uris
from sagemaker.drift_check_baselines import DriftCheckBaselines
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.lambda_helper import Lambda
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.pytorch import PyTorchModel
from sagemaker.sklearn import SKLearn
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.check_job_config import CheckJobConfig
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import (
    ConditionEquals,
    ConditionGreaterThan,
    ConditionGreaterThanOrEqualTo,
    ConditionIn,
    ConditionLessThan,
    ConditionLessThanOrEqualTo,
    ConditionNot,
    ConditionOr,
)
from sagemaker.workflow.emr_step import EMRStep, EMRStepConfig
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterBoolean, ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.pipeline_experiment_config import PipelineExperimentConfig
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.quality_check_step import DataQualityCheckConfig, ModelQualityCheckConfig, QualityCheckStep
from sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep, TuningStep

ROLE = "arn:aws:iam::123456789012:role/pipelines"
BUCKET = "amzn-s3-demo-bucket"


def session() -> PipelineSession:
    boto = MagicMock(name="boto3", region_name="us-east-1")
    boto.client.return_value.get_caller_identity.return_value = {"Account": "123456789012"}
    made = PipelineSession(boto_session=boto, sagemaker_client=MagicMock(name="sagemaker"), default_bucket=BUCKET)
    made.sagemaker_config = {
        "SchemaVersion": "1.0",
        "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
    }
    return made


SESSION = session()
XGBOOST = image_uris.retrieve("xgboost", "us-east-1", "1.7-1")
RATE = ParameterFloat("Rate", 0.2)
ROUNDS = ParameterInteger("Rounds", 50)
KIND = ParameterString("Kind", "ml.m5.large", enum_values=["ml.m5.large", "ml.m5.xlarge"])
SHOUT = ParameterBoolean("Shout", default_value=True)
DATA = ParameterString("Data")
PARAMETERS = [RATE, ROUNDS, KIND, SHOUT, DATA]


def script(folder: Path, name: str) -> str:
    (folder / name).write_text("print()\n")
    return str(folder / name)


def prepared(folder: Path, name: str = "Prepare") -> ProcessingStep:
    processor = ScriptProcessor(
        role=ROLE, image_uri=XGBOOST, command=["python3"], instance_count=1, instance_type=KIND,
        base_job_name="prepare", sagemaker_session=SESSION, env={"SHOUT": SHOUT.to_string()},
    )  # fmt: skip
    report = PropertyFile("Report", output_name="metrics", path="report.json")
    run = processor.run(
        code=script(folder, "prepare.py"),
        inputs=[ProcessingInput(source=DATA, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(output_name="train", source="/opt/ml/processing/train"),
            ProcessingOutput(
                output_name="metrics",
                source="/opt/ml/processing/metrics",
                destination=Join("/", ["s3:/", BUCKET, ExecutionVariables.PIPELINE_EXECUTION_ID, "metrics"]),
            ),
        ],
        arguments=["--rate", RATE.to_string(), "--when", ExecutionVariables.START_DATETIME],
    )
    return ProcessingStep(
        name,
        step_args=run,
        property_files=[report],
        display_name="Prepare",
        description="Makes the data",
        cache_config=CacheConfig(enable_caching=True, expire_after="P30D"),
        retry_policies=[
            StepRetryPolicy([StepExceptionTypeEnum.THROTTLING, StepExceptionTypeEnum.SERVICE_FAULT], max_attempts=3),
            SageMakerJobStepRetryPolicy(
                [SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT], interval_seconds=30, expire_after_mins=60
            ),
        ],
    )


def estimator() -> Estimator:
    made = Estimator(
        XGBOOST, ROLE, 1, KIND, output_path=f"s3://{BUCKET}/models", sagemaker_session=SESSION, max_run=600
    )
    made.set_hyperparameters(objective="reg:squarederror", num_round=ROUNDS, eta=RATE)
    return made


def trained(prepare: ProcessingStep) -> TrainingStep:
    data = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    return TrainingStep("Train", step_args=estimator().fit({"train": TrainingInput(data, content_type="text/csv")}))


def gate(prepare: ProcessingStep, then: list, otherwise: list) -> ConditionStep:
    error = JsonGet(step_name=prepare.name, property_file="Report", json_path="metrics['mean error'].value[0]")
    return ConditionStep(
        "Gate",
        conditions=[
            ConditionLessThanOrEqualTo(error, 6.0),
            ConditionOr([ConditionEquals(KIND, "ml.m5.large"), ConditionNot(ConditionGreaterThan(ROUNDS, 100))]),
            ConditionIn(KIND, ["ml.m5.large", "ml.m5.xlarge"]),
            ConditionLessThan(1, ROUNDS),
            ConditionGreaterThanOrEqualTo(RATE, 0),
        ],
        if_steps=then,
        else_steps=otherwise,
    )


def registered(model: Model, name: str, folder: Path) -> ModelStep:
    quality = ModelMetrics(model_statistics=MetricsSource("application/json", f"s3://{BUCKET}/report.json"))
    return ModelStep(
        name,
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="abalone",
            approval_status="PendingManualApproval",
            model_metrics=quality,
            drift_check_baselines=DriftCheckBaselines(),
        ),
    )


def jobs(folder: Path) -> Pipeline:
    prepare = prepared(folder)
    train = trained(prepare)
    artifacts = train.properties.ModelArtifacts.S3ModelArtifacts
    model = Model(XGBOOST, model_data=artifacts, role=ROLE, sagemaker_session=SESSION)
    create = ModelStep("Create", step_args=model.create(instance_type="ml.m5.large"))
    transformer = Transformer(
        model_name=create.properties.ModelName, instance_count=1, instance_type="ml.m5.large",
        output_path=f"s3://{BUCKET}/scored", sagemaker_session=SESSION,
    )  # fmt: skip
    score = TransformStep("Score", step_args=transformer.transform(DATA, content_type="text/csv", split_type="Line"))
    fail = FailStep("Bad", error_message=Join(" ", ["the error is above", 6, "of", ExecutionVariables.PIPELINE_NAME]))
    check = gate(prepare, [registered(model, "Register", folder), create, score], [fail])
    plain = Processor(ROLE, XGBOOST, 1, "ml.m5.large", entrypoint=["true"], sagemaker_session=SESSION)
    last = ProcessingStep("Last", step_args=plain.run(), depends_on=[train, "Gate"])
    return Pipeline("jobs", parameters=PARAMETERS, steps=[last, check, prepare, train], sagemaker_session=SESSION)


def tuned(folder: Path) -> Pipeline:
    tuner = HyperparameterTuner(
        estimator(), "validation:rmse", {"eta": ContinuousParameter(0.1, 0.5)}, objective_type="Minimize", max_jobs=2
    )
    tune = TuningStep("Tune", step_args=tuner.fit({"train": TrainingInput(DATA), "validation": TrainingInput(DATA)}))
    best = Model(
        XGBOOST, model_data=tune.get_top_model_s3_uri(0, BUCKET, "models"), role=ROLE, sagemaker_session=SESSION
    )
    create = ModelStep("Best", step_args=best.create(instance_type="ml.m5.large"))
    return Pipeline(
        "tuned", parameters=PARAMETERS, steps=[tune, create], sagemaker_session=SESSION, pipeline_experiment_config=None
    )


def repacked(folder: Path) -> Pipeline:
    learner = SKLearn(
        entry_point=script(folder, "train.py"), framework_version="1.2-1", instance_type="ml.m5.large", role=ROLE,
        sagemaker_session=SESSION, hyperparameters={"rounds": ROUNDS},
    )  # fmt: skip
    train = TrainingStep("Train", step_args=learner.fit({"train": TrainingInput(DATA)}))
    model = PyTorchModel(
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts, role=ROLE, framework_version="2.1",
        py_version="py310", entry_point=script(folder, "inference.py"), sagemaker_session=SESSION,
    )  # fmt: skip
    experiment = PipelineExperimentConfig(
        "my-experiment", Join("-", ["trial", ExecutionVariables.PIPELINE_EXECUTION_ID])
    )
    return Pipeline(
        "repacked", parameters=PARAMETERS, steps=[train, registered(model, "Register", folder)],
        sagemaker_session=SESSION, pipeline_experiment_config=experiment,
    )  # fmt: skip


def asked(folder: Path) -> Pipeline:
    out = CallbackOutput("status", CallbackOutputTypeEnum.String)
    ask = CallbackStep(
        "Ask",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/ask",
        inputs={"data": DATA},
        outputs=[out],
    )
    said = LambdaOutput("verdict", LambdaOutputTypeEnum.String)
    function = Lambda(function_arn="arn:aws:lambda:us-east-1:123456789012:function:judge", session=SESSION)
    judge = LambdaStep("Judge", lambda_func=function, inputs={"of": ask.properties.Outputs["status"]}, outputs=[said])
    config = EMRStepConfig("s3://jars/x.jar", args=["--data", DATA], main_class="Main")
    spark = EMRStep("Spark", "Spark", "counts", "j-1", config, depends_on=[judge])
    done = FailStep("Done", Join("", ["verdict ", judge.properties.Outputs["verdict"]]))
    bad = ConditionEquals(judge.properties.Outputs["verdict"], "bad")
    check = ConditionStep("Check", conditions=[bad], if_steps=[done], else_steps=[])
    return Pipeline("asked", parameters=[DATA], steps=[ask, judge, spark, check], sagemaker_session=SESSION)


def checked(folder: Path) -> Pipeline:
    job = CheckJobConfig(ROLE, 1, "ml.m5.large", sagemaker_session=SESSION)
    csv = {"csv": {"header": True}}
    data = QualityCheckStep(
        "DataQuality",
        DataQualityCheckConfig(baseline_dataset=DATA, dataset_format=csv, output_s3_uri=f"s3://{BUCKET}/data-quality"),
        job, skip_check=SHOUT, register_new_baseline=True, model_package_group_name="abalone",
        supplied_baseline_statistics=f"s3://{BUCKET}/statistics.json",
    )  # fmt: skip
    model = QualityCheckStep(
        "ModelQuality",
        ModelQualityCheckConfig(
            baseline_dataset=DATA, dataset_format=csv, problem_type="Regression", inference_attribute="_c0",
            ground_truth_attribute="_c1", output_s3_uri=f"s3://{BUCKET}/model-quality",
        ),
        job, fail_on_violation=False, depends_on=[data],
    )  # fmt: skip
    return Pipeline("checked", parameters=[DATA, SHOUT], steps=[data, model], sagemaker_session=SESSION)


def served(folder: Path) -> Pipeline:
    from sagemaker.workflow.endpoint_step import EndpointConfigStep, EndpointStep

    config = EndpointConfigStep(
        "Config",
        step_args=SESSION.create_endpoint_config(
            name="abalone", model_name="abalone", initial_instance_count=1, instance_type="ml.m5.large"
        ),
        cache_config=CacheConfig(enable_caching=True, expire_after="PT1H"),
    )
    endpoint = EndpointStep(
        "Endpoint",
        step_args=SESSION.create_endpoint(endpoint_name="abalone", config_name=config.properties.EndpointConfigName),
    )
    return Pipeline("served", steps=[config, endpoint], sagemaker_session=SESSION)


def main(folder: Path) -> None:
    import tempfile

    for make in (jobs, tuned, repacked, asked, checked, served):
        with tempfile.TemporaryDirectory() as sources:
            text = make(Path(sources)).definition()
        text = re.sub(r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}", "2026-01-01-00-00-00-000", text)
        text = re.sub(r"\b(?!123456789012\b)\d{12}\b", "123456789012", text)
        (folder / f"sdk2-{make.__name__}.json").write_text(json.dumps(json.loads(text), indent=1) + "\n")
        print(make.__name__, len(text))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
