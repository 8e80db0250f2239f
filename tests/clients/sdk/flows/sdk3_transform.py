"""sagemaker 3.x: XGBoost on the cars by ModelTrainer, then a Transformer on two hosts that joins each prediction to its
row's label.

The argument is the file of the cars: six attributes and the label a line.
"""

import json
import random
import sys
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Model
from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.shapes import ContainerDefinition
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig
from sagemaker.core.transformer import Transformer
from sagemaker.train import ModelTrainer

session = Session()
role = get_execution_role()
at = f"s3://{session.default_bucket()}/transform3"

cars = [line.split(",") for line in Path(sys.argv[1]).read_text().split()]
codes = [{word: code for code, word in enumerate(dict.fromkeys(column))} for column in zip(*cars, strict=True)]
rows = [[codes[column][word] for column, word in enumerate(car)] for car in cars]
random.seed(7)
random.shuffle(rows)
lines = [",".join(map(str, [row[-1], *row[:-1]])) for row in rows]
train = S3Uploader.upload_string_as_file_body(
    "\n".join(lines[:1300]), f"{at}/train/cars.csv", sagemaker_session=session
)
for part in range(2):
    held = "\n".join(lines[1300 + part :: 2]) + "\n"
    S3Uploader.upload_string_as_file_body(held, f"{at}/held/{part}.csv", sagemaker_session=session)

image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
trainer = ModelTrainer(
    training_image=image,
    role=role,
    sagemaker_session=session,
    base_job_name="cars",
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    output_data_config=OutputDataConfig(s3_output_path=f"{at}/models"),
    hyperparameters={"objective": "multi:softmax", "num_class": 4, "num_round": 30, "max_depth": 6, "eta": 0.5},
)
trainer.train(input_data_config=[InputData(channel_name="train", data_source=train, content_type="csv")], logs=False)
job = trainer._latest_training_job
job.refresh()
model = Model.create(
    model_name=job.training_job_name,
    execution_role_arn=role,
    primary_container=ContainerDefinition(image=image, model_data_url=job.model_artifacts.s3_model_artifacts),
)

transformer = Transformer(
    model_name=model.model_name,
    instance_count=2,
    instance_type="ml.m5.large",
    output_path=f"{at}/out",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
    sagemaker_session=session,
)
transformer.transform(
    f"{at}/held/",
    content_type="text/csv",
    split_type="Line",
    input_filter="$[1:]",
    join_source="Input",
    output_filter="$[0,-1]",
    wait=True,
    logs=True,
)

told = []
for part in range(2):
    body = S3Downloader.read_file(f"{at}/out/{part}.csv.out", sagemaker_session=session)
    told += [[float(cell) for cell in line.split(",")] for line in body.splitlines()]

transformer.delete_model()

print(
    json.dumps(
        {
            "rows": len(told),
            "accuracy": sum(label == said for label, said in told) / len(told),
        }
    )
)
