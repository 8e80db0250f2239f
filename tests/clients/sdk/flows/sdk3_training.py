"""sagemaker 3.x: session, default bucket, role, upload, XGBoost by ModelTrainer with logs, deploy, invoke, delete;
other data sets are learned meanwhile.

python sdk3_training.py <directory with a folder a data set, of train.csv and validation.csv>"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Endpoint, EndpointConfig
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.serve.builder.schema_builder import SchemaBuilder
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
prefix = "demo3/xgboost"

SETTINGS = {
    "iris": {
        "objective": "multi:softmax", "num_class": 3, "num_round": 30, "gamma": 4, "alpha": 10, "min_child_weight": 6,
    },
    "churn": {
        "objective": "binary:logistic", "num_round": 100, "max_depth": 5, "eta": 0.2, "gamma": 4, "min_child_weight": 6,
        "subsample": 0.8,
    },
    "abalone": {
        "objective": "reg:linear", "num_round": 50, "max_depth": 5, "eta": 0.2, "gamma": 4, "min_child_weight": 6,
        "subsample": 0.7,
    },
}  # fmt: skip

place = Path(sys.argv[1])
image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")


def learn(name, **how):
    """A trainer whose job has begun, and has ended too where `how` does not say otherwise."""
    channels = []
    for channel in ("train", "validation"):
        file = place / name / f"{channel}.csv"
        uri = session.upload_data(str(file), bucket=bucket, key_prefix=f"{prefix}/{name}/{channel}")
        channels.append(InputData(channel_name=channel, data_source=uri, content_type="csv"))
    trainer = ModelTrainer(
        training_image=image,
        role=role,
        sagemaker_session=session,
        base_job_name=name,
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{prefix}/output"),
        hyperparameters=SETTINGS[name],
    )
    trainer.train(input_data_config=channels, **how)
    return trainer


others = [name for name in SETTINGS if name != "iris" and (place / name).exists()]
jobs = {name: learn(name, wait=False, logs=False)._latest_training_job for name in others}
trainer = learn("iris")
job = jobs["iris"] = trainer._latest_training_job
job.refresh()

name = job.training_job_name
builder = ModelBuilder(
    model=trainer,
    role_arn=role,
    image_uri=image,
    schema_builder=SchemaBuilder(sample_input="5.1,3.5,1.4,0.2", sample_output="0"),
    instance_type="ml.m5.large",
    sagemaker_session=session,
)
model = builder.build(model_name=name)
endpoint = builder.deploy(endpoint_name=name, initial_instance_count=1, instance_type="ml.m5.large")
held = [line.split(",", 1)[1] for line in (place / "iris/validation.csv").read_text().split()]
answer = endpoint.invoke(body="\n".join(held), content_type="text/csv", accept="text/csv")
answers = answer.body.read().decode()
config = EndpointConfig.get(endpoint_config_name=Endpoint.get(endpoint_name=name).endpoint_config_name)
endpoint.delete()
config.delete()
model.delete()

for one in jobs.values():
    one.wait(poll=1)

print(
    json.dumps(
        {
            "version": version("sagemaker"),
            "account": session.account_id(),
            "role": role,
            "bucket": bucket,
            "job": name,
            "status": job.training_job_status,
            "artifacts": {name: one.model_artifacts.s3_model_artifacts for name, one in jobs.items()},
            "answers": [float(one) for one in answers.replace("\n", ",").strip(",").split(",")],
        }
    )
)
