"""sagemaker 2.x: session, default bucket, role, upload, XGBoost fit with logs, attach, deploy, predict, delete; other
data sets are learned meanwhile.

python sdk2_training.py <directory with a folder a data set, of train.csv and validation.csv>"""

import json
import sys
from pathlib import Path

import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer

session = sagemaker.Session()
role = get_execution_role()
bucket = session.default_bucket()
prefix = "demo/xgboost"

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
data = {
    name: {
        channel: TrainingInput(
            session.upload_data(
                f"{place}/{name}/{channel}.csv", bucket=bucket, key_prefix=f"{prefix}/{name}/{channel}"
            ),
            content_type="csv",
        )
        for channel in ("train", "validation")
    }
    for name in SETTINGS
    if (place / name).exists()
}
estimators = {
    name: Estimator(
        image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path=f"s3://{bucket}/{prefix}/output",
        base_job_name=name,
        hyperparameters=SETTINGS[name],
        sagemaker_session=session,
    )
    for name in data
}
for name in data.keys() - {"iris"}:
    estimators[name].fit(data[name], wait=False)
estimator = estimators["iris"]
estimator.fit(data["iris"])

again = Estimator.attach(estimator.latest_training_job.name, sagemaker_session=session)

predictor = estimator.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
)
held = [line.split(",") for line in (place / "iris/validation.csv").read_text().split()]
answers = predictor.predict([row[1:] for row in held])
predictor.delete_model()
predictor.delete_endpoint()

trained = session.sagemaker_client.get_waiter("training_job_completed_or_stopped")
for one in estimators.values():
    trained.wait(TrainingJobName=one.latest_training_job.name, WaiterConfig={"Delay": 1})

print(
    json.dumps(
        {
            "version": sagemaker.__version__,
            "account": session.account_id(),
            "role": role,
            "bucket": bucket,
            "job": estimator.latest_training_job.name,
            "attached": again.model_data,
            "artifacts": {name: one.model_data for name, one in estimators.items()},
            "answers": [float(one) for row in answers for one in row],
        }
    )
)
