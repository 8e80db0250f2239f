"""sagemaker 3.x: a script with packages by ModelTrainer, and one that torchrun starts on two hosts.

python sdk3_scripts.py <directory of digits> <names of frameworks...>"""

import json
import sys
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.train import ModelTrainer
from sagemaker.train.distributed import Torchrun

place, wanted = Path(sys.argv[1]), sys.argv[2:]
session = Session()
role = get_execution_role()
data = session.upload_data(str(place / "train.csv"), key_prefix="digits3/train")
common = {"role": role, "sagemaker_session": session}


def image(framework, version, **more):
    region = session.boto_region_name
    return image_uris.retrieve(framework, region, version=version, instance_type="ml.m5.large", **more)


trainers = {
    "sklearn": lambda: ModelTrainer(
        training_image=image("sklearn", "1.2-1"),
        source_code=SourceCode(
            source_dir=str(place / "source"), entry_script="sklearn_digits.py", requirements="requirements.txt"
        ),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        hyperparameters={"gamma": 0.001},
        base_job_name="sklearn-script",
        **common,
    ),
    "pytorch": lambda: ModelTrainer(
        training_image=image("pytorch", "2.0", py_version="py310", image_scope="training"),
        source_code=SourceCode(source_dir=str(place / "source"), entry_script="torch_digits.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=2),
        hyperparameters={"epochs": 2},
        distributed=Torchrun(process_count_per_node=1),
        base_job_name="torch-script",
        **common,
    ),
}
found = {}
for name in wanted:
    trainer = trainers[name]()
    trainer.train(input_data_config=[InputData(channel_name="train", data_source=data)], wait=True, logs=True)
    job = trainer._latest_training_job
    job.refresh()
    found[name] = {"status": job.training_job_status, "artifact": job.model_artifacts.s3_model_artifacts}
print(json.dumps(found))
