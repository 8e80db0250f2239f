"""sagemaker 3.x: session, default bucket, role, upload, XGBoost by ModelTrainer with logs, deploy, invoke, delete."""

import json
import random
import tempfile
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

random.seed(7)
rows = [(random.random(), random.random()) for _ in range(400)]
with tempfile.TemporaryDirectory() as place:
    for name, part in (("train", rows[:300]), ("validation", rows[300:])):
        lines = [f"{int(a + b > 1)},{a},{b}" for a, b in part]
        (Path(place) / f"{name}.csv").write_text("\n".join(lines) + "\n")
    data = {
        name: session.upload_data(f"{place}/{name}.csv", bucket=bucket, key_prefix=f"{prefix}/{name}")
        for name in ("train", "validation")
    }

image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
trainer = ModelTrainer(
    training_image=image,
    role=role,
    sagemaker_session=session,
    base_job_name="three",
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{prefix}/output"),
    hyperparameters={"objective": "binary:logistic", "num_round": 10, "max_depth": 3},
)
trainer.train(
    input_data_config=[InputData(channel_name=one, data_source=uri, content_type="csv") for one, uri in data.items()]
)
job = trainer._latest_training_job
job.refresh()
artifact = job.model_artifacts.s3_model_artifacts

name = job.training_job_name
builder = ModelBuilder(
    model=trainer,
    role_arn=role,
    image_uri=image,
    schema_builder=SchemaBuilder(sample_input="0.9,0.9", sample_output="0.9"),
    instance_type="ml.m5.large",
    sagemaker_session=session,
)
model = builder.build(model_name=name)
endpoint = builder.deploy(endpoint_name=name, initial_instance_count=1, instance_type="ml.m5.large")
answer = endpoint.invoke(body="0.9,0.9\n0.1,0.1", content_type="text/csv", accept="text/csv")
answers = answer.body.read().decode()
config = EndpointConfig.get(endpoint_config_name=Endpoint.get(endpoint_name=name).endpoint_config_name)
endpoint.delete()
config.delete()
model.delete()

print(
    json.dumps(
        {
            "version": version("sagemaker"),
            "account": session.account_id(),
            "role": role,
            "bucket": bucket,
            "job": name,
            "status": job.training_job_status,
            "model_data": artifact,
            "answers": [float(one) for one in answers.replace("\n", ",").strip(",").split(",")],
        }
    )
)
