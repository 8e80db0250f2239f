"""sagemaker 2.x: scripts in the images of scikit-learn, XGBoost and PyTorch, trained, deployed and asked side by side.

python sdk2_scripts.py <directory of digits> <names of frameworks...>"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.pytorch import PyTorch
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn import SKLearn
from sagemaker.xgboost import XGBoost

place, wanted = Path(sys.argv[1]), sys.argv[2:]
session = sagemaker.Session()
role = get_execution_role()
data = {"train": session.upload_data(str(place / "train.csv"), key_prefix="digits/train")}
rows, labels = np.load(place / "rows.npy"), np.load(place / "labels.npy")
common = {"role": role, "instance_count": 1, "instance_type": "ml.m5.large", "sagemaker_session": session}

estimators = {
    "sklearn": lambda: SKLearn(
        entry_point="sklearn_digits.py",
        source_dir=str(place / "source"),
        framework_version="1.2-1",
        hyperparameters={"gamma": 0.001},
        metric_definitions=[{"Name": "score", "Regex": r"score=([0-9.]+);"}],
        **common,
    ),
    "xgboost": lambda: XGBoost(
        entry_point=str(place / "source/xgboost_digits.py"),
        framework_version="1.7-1",
        hyperparameters={"rounds": 30},
        **common,
    ),
    # By its URI, since the SDK lets torch_distributed run on GPUs only where it chooses the image itself.
    "pytorch": lambda: PyTorch(
        entry_point=str(place / "source/torch_digits.py"),
        image_uri=image_uris.retrieve(
            "pytorch",
            session.boto_region_name,
            version="2.0",
            py_version="py310",
            instance_type="ml.m5.large",
            image_scope="training",
        ),
        framework_version="2.0",
        py_version="py310",
        hyperparameters={"epochs": 12, "batch-size": 32},
        distribution={"torch_distributed": {"enabled": True}},
        **common | {"instance_count": 2},
    ),
}
made = {name: estimators[name]() for name in wanted}
for estimator in made.values():
    estimator.fit(data, wait=False)
for estimator in made.values():
    estimator.latest_training_job.wait(logs="None")
predictors = {name: estimator.deploy(1, "ml.m5.large", wait=False) for name, estimator in made.items()}
client = session.sagemaker_client
right = {}
for name, predictor in predictors.items():
    while (status := client.describe_endpoint(EndpointName=predictor.endpoint_name))["EndpointStatus"] == "Creating":
        time.sleep(0.2)
    assert status["EndpointStatus"] == "InService", status["FailureReason"]
    if name == "xgboost":
        predictor.serializer = CSVSerializer()
        found = np.array([float(one[0]) for one in predictor.predict(rows)])
    else:
        found = np.asarray(predictor.predict(rows))
    right[name] = float((found.reshape(-1) == labels).mean())
    predictor.delete_endpoint()
described = {name: estimator.latest_training_job.describe() for name, estimator in made.items()}
metrics = {one["MetricName"]: one["Value"] for one in described["sklearn"].get("FinalMetricDataList", [])}
print(
    json.dumps({"right": right, "metrics": metrics, "artifacts": {name: one.model_data for name, one in made.items()}})
)
