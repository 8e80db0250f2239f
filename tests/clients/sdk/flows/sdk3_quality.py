"""sagemaker 3.x: baselines of data and of a model by suggest_baseline, and a pipeline that checks data against them.

python sdk3_quality.py <folder with base.csv, same.csv, drift.csv and judged.csv>"""

import contextlib
import json
import sys
from pathlib import Path

from botocore.exceptions import WaiterError
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.model_monitor import DefaultModelMonitor, ModelQualityMonitor
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep

folder = Path(sys.argv[1])
session = Session()
bucket = session.default_bucket()
machine = {
    "role": get_execution_role(),
    "instance_count": 1,
    "instance_type": "ml.m5.xlarge",
    "max_runtime_in_seconds": 1800,
    "sagemaker_session": session,
}
form = DatasetFormat.csv(header=True)

watcher = DefaultModelMonitor(**machine)
watcher.suggest_baseline(
    baseline_dataset=str(folder / "base.csv"),
    dataset_format=form,
    output_s3_uri=f"s3://{bucket}/quality3/data",
    wait=True,
    logs=False,
)
judge = ModelQualityMonitor(**machine)
judge.suggest_baseline(
    baseline_dataset=session.upload_data(str(folder / "judged.csv"), bucket=bucket, key_prefix="quality3/judged"),
    dataset_format=form,
    output_s3_uri=f"s3://{bucket}/quality3/model",
    problem_type="BinaryClassification",
    inference_attribute="prediction",
    probability_attribute="probability",
    ground_truth_attribute="label",
    wait=True,
    logs=False,
)

checked = ParameterString("Data")
step = QualityCheckStep(
    "CheckData",
    quality_check_config=DataQualityCheckConfig(
        baseline_dataset=checked, dataset_format=form, output_s3_uri=f"s3://{bucket}/quality3/checked"
    ),
    check_job_config=CheckJobConfig(
        role=machine["role"], instance_type="ml.m5.xlarge", sagemaker_session=PipelineSession()
    ),
    supplied_baseline_statistics=f"s3://{bucket}/quality3/data/statistics.json",
    supplied_baseline_constraints=f"s3://{bucket}/quality3/data/constraints.json",
)
pipeline = Pipeline("quality3", parameters=[checked], steps=[step], sagemaker_session=PipelineSession())
pipeline.upsert(role_arn=machine["role"])
runs = {}
for name in ("same", "drift"):
    uri = session.upload_data(str(folder / f"{name}.csv"), bucket=bucket, key_prefix=f"quality3/{name}")
    execution = pipeline.start(parameters={"Data": uri})
    with contextlib.suppress(WaiterError):  # it says Failed of an execution that has failed
        execution.wait(delay=2, max_attempts=150)
    (told,) = execution.list_steps()
    runs[name] = {"status": told["StepStatus"], "reason": told.get("FailureReason")}

print(
    json.dumps(
        {
            "statistics": watcher.baseline_statistics().body_dict,
            "constraints": watcher.suggested_constraints().body_dict,
            "judged": judge.baseline_statistics().body_dict,
            "limits": judge.suggested_constraints().body_dict,
            "runs": runs,
        }
    )
)
