"""sagemaker 2.x: SKLearnProcessor splits iris, and XGBoost learns what it wrote; FrameworkProcessor with a folder of
sources, on two hosts that share the input; a training job that fails says why.

python sdk2_processing.py <iris.data>"""

import json
import sys
import tempfile
from pathlib import Path

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor

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

ENTRY = """
import json, pathlib, sys
from helper import shout
host = json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
words = [path.read_text() for path in sorted(pathlib.Path("/opt/ml/processing/input/words").iterdir())]
pathlib.Path("/opt/ml/processing/output", host).write_text(shout(" ".join(words), sys.argv[1]))
"""
HELPER = """
def shout(words, mark):
    return words.upper() + mark
"""

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
source = session.upload_data(sys.argv[1], bucket=bucket, key_prefix="processing/in")

with tempfile.TemporaryDirectory() as place:
    script = Path(place) / "split.py"
    script.write_text(SCRIPT)
    processor = SKLearnProcessor(
        framework_version="1.2-1",
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        base_job_name="split",
        sagemaker_session=session,
    )
    processor.run(
        code=str(script),
        inputs=[ProcessingInput(source=source, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(output_name=channel, source=f"/opt/ml/processing/{channel}")
            for channel in ("train", "validation")
        ],
        arguments=["--held", "0.33"],
    )
prepared = {output.output_name: output.destination for output in processor.latest_job.outputs}
held = S3Downloader.read_file(f"{prepared['validation']}/validation.csv", sagemaker_session=session)

common = {
    "image_uri": sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    "role": role,
    "instance_count": 1,
    "instance_type": "ml.m5.large",
    "sagemaker_session": session,
}
channels = {name: sagemaker.inputs.TrainingInput(uri, content_type="csv") for name, uri in prepared.items()}
learner = Estimator(hyperparameters=SETTINGS, **common)
learner.fit(channels, wait=False)

for word in ("one", "three", "two"):
    S3Uploader.upload_string_as_file_body(word, f"s3://{bucket}/processing/words/{word}.txt")
with tempfile.TemporaryDirectory() as place:
    Path(place, "entry.py").write_text(ENTRY)
    Path(place, "helper.py").write_text(HELPER)
    framework = FrameworkProcessor(
        estimator_cls=SKLearn,
        framework_version="1.2-1",
        role=role,
        instance_type="ml.m5.large",
        instance_count=2,
        base_job_name="shout",
        sagemaker_session=session,
    )
    framework.run(
        code="entry.py",
        source_dir=place,
        inputs=[
            ProcessingInput(
                source=f"s3://{bucket}/processing/words",
                destination="/opt/ml/processing/input/words",
                s3_data_distribution_type="ShardedByS3Key",
            )
        ],
        outputs=[ProcessingOutput(output_name="out", source="/opt/ml/processing/output")],
        arguments=["!"],
        wait=False,
        logs=False,
    )
    framework.latest_job.wait(logs=False)
shouted = framework.latest_job.outputs[0].destination
words = [S3Downloader.read_file(f"{shouted}/algo-{host}", sagemaker_session=session) for host in (1, 2)]

broken = Estimator(hyperparameters={"objective": "no:such", "num_round": 1}, **common)
try:
    broken.fit(channels)
    failure = None
except UnexpectedStatusException as error:
    failure = str(error)

trained = session.sagemaker_client.get_waiter("training_job_completed_or_stopped")
trained.wait(TrainingJobName=learner.latest_training_job.name, WaiterConfig={"Delay": 1})
status = processor.latest_job.describe()["ProcessingJobStatus"]
said = {"held": held, "artifact": learner.model_data, "words": words, "failure": failure, "status": status}
print(json.dumps(said))
