"""sagemaker 2.x: SKLearnProcessor with a script, its output read back; FrameworkProcessor with a folder of sources, on
two hosts that share the input; a training job that fails says why."""

import json
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
parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=int)
factor = parser.parse_args().factor
lines = pathlib.Path("/opt/ml/processing/input/numbers.txt").read_text().split()
out = pathlib.Path("/opt/ml/processing/output/numbers.txt")
out.write_text(" ".join(str(int(one) * factor) for one in lines))
print("multiplied", len(lines), "numbers")
"""

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
source = S3Uploader.upload_string_as_file_body("1 2 3", f"s3://{bucket}/processing/in/numbers.txt")

with tempfile.TemporaryDirectory() as place:
    script = Path(place) / "multiply.py"
    script.write_text(SCRIPT)
    processor = SKLearnProcessor(
        framework_version="1.2-1",
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        base_job_name="multiply",
        sagemaker_session=session,
    )
    processor.run(
        code=str(script),
        inputs=[ProcessingInput(source=source, destination="/opt/ml/processing/input")],
        outputs=[ProcessingOutput(output_name="out", source="/opt/ml/processing/output")],
        arguments=["--factor", "7"],
    )
uri = processor.latest_job.outputs[0].destination
numbers = S3Downloader.read_file(f"{uri}/numbers.txt", sagemaker_session=session)

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

broken = Estimator(
    image_uri=sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    hyperparameters={"objective": "no:such", "num_round": 1},
    sagemaker_session=session,
)
S3Uploader.upload_string_as_file_body("1,2\n0,3\n", f"s3://{bucket}/processing/train/train.csv")
try:
    broken.fit({"train": sagemaker.inputs.TrainingInput(f"s3://{bucket}/processing/train", content_type="csv")})
    failure = None
except UnexpectedStatusException as error:
    failure = str(error)

status = processor.latest_job.describe()["ProcessingJobStatus"]
print(json.dumps({"numbers": numbers, "words": words, "failure": failure, "status": status}))
