"""sagemaker 3.x: tune XGBoost by ModelTrainer, wait, best job, table of the trials.

python sdk3_tuning.py <directory of train.csv and validation.csv>"""

import json
import sys
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.resources import HyperParameterTuningJob, TrainingJob
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
prefix = "tuned3/xgboost"

place = Path(sys.argv[1])
data = {
    name: session.upload_data(str(place / f"{name}.csv"), bucket=bucket, key_prefix=f"{prefix}/{name}")
    for name in ("train", "validation")
}

trainer = ModelTrainer(
    training_image=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    sagemaker_session=session,
    base_job_name="three",
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{prefix}/output"),
    hyperparameters={"objective": "multi:softmax", "num_class": 3, "num_round": 10},
)
tuner = HyperparameterTuner(
    trainer,
    objective_metric_name="validation:mlogloss",
    objective_type="Minimize",
    hyperparameter_ranges={
        "eta": ContinuousParameter(0.05, 0.9, scaling_type="Logarithmic"),
        "max_depth": IntegerParameter(1, 6),
        "tree_method": CategoricalParameter(["hist", "exact"]),
    },
    max_jobs=3,
    max_parallel_jobs=2,
    base_tuning_job_name="three",
)
tuner.tune([InputData(channel_name=one, data_source=uri, content_type="csv") for one, uri in data.items()])

name = tuner.latest_tuning_job.hyper_parameter_tuning_job_name
job = HyperParameterTuningJob.get(hyper_parameter_tuning_job_name=name)
best = TrainingJob.get(training_job_name=job.best_training_job.training_job_name)
table = tuner.analytics().dataframe()

print(
    json.dumps(
        {
            "name": name,
            "best": tuner.best_training_job(),
            "attached": best.training_job_name,
            "artifact": best.model_artifacts.s3_model_artifacts,
            "status": job.hyper_parameter_tuning_job_status,
            "values": list(table["FinalObjectiveValue"]),
            "names": list(table["TrainingJobName"]),
            "columns": sorted(table.columns),
        }
    )
)
