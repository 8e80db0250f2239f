"""sagemaker 2.x: XGBoost on the cars, then a Transformer that joins each prediction to its row's label.

The argument is the file of the cars: six attributes and the label a line.
"""

import json
import random
import sys
from pathlib import Path

import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.s3 import S3Downloader, S3Uploader

session = sagemaker.Session()
role = get_execution_role()
at = f"s3://{session.default_bucket()}/transform2"

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

estimator = Estimator(
    image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"{at}/models",
    sagemaker_session=session,
)
estimator.set_hyperparameters(objective="multi:softmax", num_class=4, num_round=30, max_depth=6, eta=0.5)
estimator.fit({"train": TrainingInput(train, content_type="csv")}, logs=False)

transformer = estimator.transformer(
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"{at}/out",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
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
again = sagemaker.transformer.Transformer.attach(transformer.latest_transform_job.name, sagemaker_session=session)

told = []
for part in range(2):
    body = S3Downloader.read_file(f"{at}/out/{part}.csv.out", sagemaker_session=session)
    told += [[float(cell) for cell in line.split(",")] for line in body.splitlines()]

bad = S3Uploader.upload_string_as_file_body("1,2\n", f"{at}/bad/few.csv", sagemaker_session=session)
try:
    transformer.transform(bad, content_type="text/csv", split_type="Line", logs=False)
    failure = ""
except Exception as error:
    failure = str(error)

print(
    json.dumps(
        {
            "rows": len(told),
            "accuracy": sum(label == said for label, said in told) / len(told),
            "attached": again.output_path,
            "out": f"{at}/out",
            "failure": failure,
        }
    )
)
