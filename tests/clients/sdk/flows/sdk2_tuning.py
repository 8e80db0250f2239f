"""sagemaker 2.x: tune XGBoost, wait, best job, attach by name, table of the trials, deploy the best, predict.

python sdk2_tuning.py <directory of train.csv and validation.csv>"""

import json
import sys
from pathlib import Path

import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

session = sagemaker.Session()
role = get_execution_role()
bucket = session.default_bucket()
prefix = "tuned/xgboost"

place = Path(sys.argv[1])
data = {
    name: session.upload_data(str(place / f"{name}.csv"), bucket=bucket, key_prefix=f"{prefix}/{name}")
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
estimator.set_hyperparameters(objective="multi:softmax", num_class=3, num_round=10)
tuner = HyperparameterTuner(
    estimator,
    objective_metric_name="validation:mlogloss",
    objective_type="Minimize",
    hyperparameter_ranges={
        "eta": ContinuousParameter(0.05, 0.9, scaling_type="Logarithmic"),
        "max_depth": IntegerParameter(1, 6),
        "tree_method": CategoricalParameter(["hist", "exact"]),
    },
    max_jobs=3,
    max_parallel_jobs=2,
    early_stopping_type="Auto",
    base_tuning_job_name="two",
)
tuner.fit({name: TrainingInput(uri, content_type="csv") for name, uri in data.items()}, wait=False)
tuner.wait()

name = tuner.latest_tuning_job.name
again = HyperparameterTuner.attach(name, sagemaker_session=session)
table = again.analytics().dataframe()
predictor = again.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
    wait=False,
)
there = session.sagemaker_client.get_waiter("endpoint_in_service")
there.wait(EndpointName=predictor.endpoint_name, WaiterConfig={"Delay": 1})
held = [line.split(",") for line in (place / "validation.csv").read_text().split()]
answers = predictor.predict([row[1:] for row in held])
predictor.delete_model()
predictor.delete_endpoint()

print(
    json.dumps(
        {
            "name": name,
            "best": tuner.best_training_job(),
            "attached": again.best_estimator().latest_training_job.name,
            "values": list(table["FinalObjectiveValue"]),
            "names": list(table["TrainingJobName"]),
            "columns": sorted(table.columns),
            "answers": [float(one) for row in answers for one in row],
        }
    )
)
