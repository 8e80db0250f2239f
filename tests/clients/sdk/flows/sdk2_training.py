"""sagemaker 2.x: session, default bucket, role, upload, XGBoost fit with logs, deploy, predict, delete."""

import json
import random
import tempfile
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

estimator = Estimator(
    image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{bucket}/{prefix}/output",
    sagemaker_session=session,
)
estimator.set_hyperparameters(objective="binary:logistic", num_round=10, max_depth=3)
estimator.fit({name: TrainingInput(uri, content_type="csv") for name, uri in data.items()})

again = Estimator.attach(estimator.latest_training_job.name, sagemaker_session=session)

predictor = estimator.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
)
answers = predictor.predict([[0.9, 0.9], [0.1, 0.1]])
predictor.delete_model()
predictor.delete_endpoint()

print(
    json.dumps(
        {
            "version": sagemaker.__version__,
            "account": session.account_id(),
            "role": role,
            "bucket": bucket,
            "job": estimator.latest_training_job.name,
            "attached": again.model_data,
            "model_data": estimator.model_data,
            "answers": [float(one) for row in answers for one in row],
        }
    )
)
