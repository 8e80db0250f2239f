"""sagemaker 3.x: a script in a processing job splits iris, and XGBoost learns what it wrote by ModelTrainer.

python sdk3_processing.py <iris.data>"""

import json
import sys
import tempfile
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData
from sagemaker.train import ModelTrainer

SCRIPT = """
import argparse, pathlib
from sklearn.model_selection import train_test_split
parser = argparse.ArgumentParser()
parser.add_argument("--held", type=float)
held = parser.parse_args().held
lines = pathlib.Path("/opt/ml/processing/input/iris.data").read_text().split()
flowers = [line.rpartition(",")[::2] for line in lines]
names = sorted({name for _, name in flowers})
rows = [f"{names.index(name)},{sizes}\\n" for sizes, name in flowers]
parts = train_test_split(rows, test_size=held, random_state=42, stratify=[row[0] for row in rows])
for channel, part in zip(("train", "validation"), parts):
    pathlib.Path("/opt/ml/processing", channel, f"{channel}.csv").write_text("".join(part))
print("prepared", len(rows), "flowers")
"""
SETTINGS = {
    "objective": "multi:softmax", "num_class": 3, "num_round": 30, "gamma": 4, "alpha": 10, "min_child_weight": 6
}  # fmt: skip

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
source = session.upload_data(sys.argv[1], bucket=bucket, key_prefix="processing3/in")
targets = {channel: f"s3://{bucket}/processing3/{channel}" for channel in ("train", "validation")}

with tempfile.TemporaryDirectory() as place:
    script = Path(place) / "split.py"
    script.write_text(SCRIPT)
    processor = ScriptProcessor(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1"),
        command=["python3"],
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        base_job_name="split",
        sagemaker_session=session,
    )
    processor.run(
        code=str(script),
        inputs=[
            ProcessingInput(
                input_name="in",
                s3_input=ProcessingS3Input(
                    s3_uri=source,
                    local_path="/opt/ml/processing/input",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
        ],
        outputs=[
            ProcessingOutput(
                output_name=channel,
                s3_output=ProcessingS3Output(
                    s3_uri=target, local_path=f"/opt/ml/processing/{channel}", s3_upload_mode="EndOfJob"
                ),
            )
            for channel, target in targets.items()
        ],
        arguments=["--held", "0.33"],
    )
held = S3Downloader.read_file(f"{targets['validation']}/validation.csv", sagemaker_session=session)
job = processor.latest_job
job.refresh()

trainer = ModelTrainer(
    training_image=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    sagemaker_session=session,
    base_job_name="prepared",
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters=SETTINGS,
)
trainer.train(
    input_data_config=[
        InputData(channel_name=channel, data_source=target, content_type="csv") for channel, target in targets.items()
    ],
    wait=False,
    logs=False,
)
learned = trainer._latest_training_job
learned.wait(poll=1)
artifact = learned.model_artifacts.s3_model_artifacts
print(json.dumps({"held": held, "artifact": artifact, "status": job.processing_job_status}))
