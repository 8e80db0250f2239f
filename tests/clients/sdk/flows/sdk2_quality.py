"""sagemaker 2.x: baselines of data and of a model by suggest_baseline; a pipeline whose QualityCheckSteps register a
first baseline, pass on more data of the same kind, and fail on data that has drifted.

python sdk2_quality.py <folder with base.csv, same.csv, drift.csv, judged.csv and worse.csv>"""

import contextlib
import json
import sys
from pathlib import Path

import boto3
import sagemaker
from botocore.exceptions import WaiterError
from sagemaker import get_execution_role, image_uris
from sagemaker.drift_check_baselines import DriftCheckBaselines
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.model_monitor import DefaultModelMonitor, ModelQualityMonitor
from sagemaker.model_monitor.dataset_format import DatasetFormat
from sagemaker.workflow.check_job_config import CheckJobConfig
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.functions import Join
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterBoolean, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.quality_check_step import DataQualityCheckConfig, ModelQualityCheckConfig, QualityCheckStep

folder = Path(sys.argv[1])
session = PipelineSession()
plain = sagemaker.Session()
role = get_execution_role(plain)
bucket = session.default_bucket()
client = boto3.client("sagemaker")
machine = {"role": role, "instance_count": 1, "instance_type": "ml.m5.xlarge", "max_runtime_in_seconds": 1800}
form = DatasetFormat.csv(header=True)
judging = {
    "problem_type": "BinaryClassification",
    "inference_attribute": "prediction",
    "probability_attribute": "probability",
    "ground_truth_attribute": "label",
}
data = {
    name: plain.upload_data(str(folder / f"{name}.csv"), bucket=bucket, key_prefix=f"quality2/{name}")
    for name in ("base", "same", "drift", "judged", "worse")
}

# Baselines by hand.

watcher = DefaultModelMonitor(**machine, sagemaker_session=plain)
watcher.suggest_baseline(
    baseline_dataset=str(folder / "base.csv"),
    dataset_format=form,
    output_s3_uri=f"s3://{bucket}/quality2/hand/data",
    wait=True,
    logs=False,
)
statistics = watcher.baseline_statistics().body_dict
constraints = watcher.suggested_constraints()
constraints.set_monitoring(enable_monitoring=False, feature_name="Phone")
constraints.save()

judge = ModelQualityMonitor(**machine, sagemaker_session=plain)
job = judge.suggest_baseline(
    baseline_dataset=data["judged"],
    dataset_format=form,
    output_s3_uri=f"s3://{bucket}/quality2/hand/model",
    **judging,
)
job.wait(logs=False)
judged = judge.baseline_statistics().body_dict
limits = judge.suggested_constraints().body_dict

# The same in a pipeline.

checked = ParameterString("Data", default_value=data["base"])
answers = ParameterString("Answers", default_value=data["judged"])
first = ParameterBoolean("First", default_value=False)
group = ParameterString("Group", default_value="quality2")


def place(name):
    return Join(on="/", values=["s3:/", bucket, "quality2", ExecutionVariables.PIPELINE_EXECUTION_ID, name])


config = CheckJobConfig(**machine, sagemaker_session=session)
flags = {"skip_check": first, "register_new_baseline": first, "model_package_group_name": group}
of_data = QualityCheckStep(
    "CheckData",
    quality_check_config=DataQualityCheckConfig(
        baseline_dataset=checked, dataset_format=form, output_s3_uri=place("data")
    ),
    check_job_config=config,
    **flags,
)
of_model = QualityCheckStep(
    "CheckModel",
    quality_check_config=ModelQualityCheckConfig(
        baseline_dataset=answers, dataset_format=form, output_s3_uri=place("model"), **judging
    ),
    check_job_config=config,
    **flags,
)


def source(uri):
    return MetricsSource(content_type="application/json", s3_uri=uri)


model = Model(
    image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    model_data=data["base"],
    role=role,
    sagemaker_session=session,
)
register = ModelStep(
    "Register",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        model_package_group_name=group,
        approval_status="Approved",
        model_metrics=ModelMetrics(
            model_statistics=source(of_model.properties.CalculatedBaselineStatistics),
            model_constraints=source(of_model.properties.CalculatedBaselineConstraints),
            model_data_statistics=source(of_data.properties.CalculatedBaselineStatistics),
            model_data_constraints=source(of_data.properties.CalculatedBaselineConstraints),
        ),
        drift_check_baselines=DriftCheckBaselines(
            model_statistics=source(of_model.properties.BaselineUsedForDriftCheckStatistics),
            model_constraints=source(of_model.properties.BaselineUsedForDriftCheckConstraints),
            model_data_statistics=source(of_data.properties.BaselineUsedForDriftCheckStatistics),
            model_data_constraints=source(of_data.properties.BaselineUsedForDriftCheckConstraints),
        ),
    ),
)
pipeline = Pipeline(
    "quality2",
    parameters=[checked, answers, first, group],
    steps=[of_data, of_model, register],
    sagemaker_session=session,
)
pipeline.upsert(role_arn=role)


def run(**parameters):
    execution = pipeline.start(parameters=parameters)
    with contextlib.suppress(WaiterError):  # it says Failed of an execution that has failed
        execution.wait(delay=2, max_attempts=150)
    steps = {one["StepName"]: one for one in execution.list_steps()}
    return {
        "status": execution.describe()["PipelineExecutionStatus"],
        "steps": {
            name: {"status": one["StepStatus"], "reason": one.get("FailureReason"), "metadata": one["Metadata"]}
            for name, one in steps.items()
        },
    }


runs = {
    "first": run(First=True),
    "same": run(Data=data["same"]),
    "drift": run(Data=data["drift"]),
    "worse": run(Data=data["same"], Answers=data["worse"]),
}
versions = client.list_model_packages(ModelPackageGroupName="quality2")["ModelPackageSummaryList"]
described = [client.describe_model_package(ModelPackageName=one["ModelPackageArn"]) for one in versions]
report = runs["drift"]["steps"]["CheckData"]["metadata"]["QualityCheck"]["ViolationReport"]
read = sagemaker.s3.S3Downloader.read_file(report, sagemaker_session=plain)
told = sagemaker.model_monitor.ConstraintViolations.from_s3_uri(report, sagemaker_session=plain)

print(
    json.dumps(
        {
            "statistics": statistics,
            "constraints": constraints.body_dict,
            "saved": watcher.suggested_constraints().body_dict,
            "judged": judged,
            "limits": limits,
            "runs": runs,
            "baselines": [one["DriftCheckBaselines"] for one in described],
            "violations": told.body_dict["violations"],
            "read": json.loads(read)["violations"],
        }
    )
)
