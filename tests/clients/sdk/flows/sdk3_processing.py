"""sagemaker 3.x: a script in a processing job, its output read back; ModelTrainer with the user's own script."""

import json
import tempfile
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

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

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
source = S3Uploader.upload_string_as_file_body(
    "1 2 3", f"s3://{bucket}/processing3/in/numbers.txt", sagemaker_session=session
)
target = f"s3://{bucket}/processing3/out"

with tempfile.TemporaryDirectory() as place:
    script = Path(place) / "multiply.py"
    script.write_text(SCRIPT)
    processor = ScriptProcessor(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1"),
        command=["python3"],
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        base_job_name="multiply",
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
                output_name="out",
                s3_output=ProcessingS3Output(
                    s3_uri=target, local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
                ),
            )
        ],
        arguments=["--factor", "7"],
    )
numbers = S3Downloader.read_file(f"{target}/numbers.txt", sagemaker_session=session)
job = processor.latest_job
job.refresh()
print(json.dumps({"numbers": numbers, "status": job.processing_job_status}))
