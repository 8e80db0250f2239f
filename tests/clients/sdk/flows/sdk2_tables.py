"""sagemaker 2.x: the estimators of the linear learner (on two instances), k-means and factorization machines, from
record_set to prediction, side by side."""

import json
import time

import numpy as np
import sagemaker
from sagemaker import FactorizationMachines, KMeans, LinearLearner, get_execution_role
from sagemaker.session import Session

session: Session = sagemaker.Session()
chance = np.random.default_rng(7)
centers = np.array([[0, 0, 0, 0], [8, 0, 0, 0], [0, 8, 0, 0]], "float32")
groups = chance.integers(0, 3, 600)
rows = (centers[groups] + chance.normal(0, 1, (600, 4))).astype("float32")
labels = (groups == 1).astype("float32")

common = {"role": get_execution_role(), "instance_type": "ml.m5.large", "sagemaker_session": session}
linear = LinearLearner(
    instance_count=2, predictor_type="binary_classifier", epochs=5, normalize_data=True, num_models=4, **common
)
kmeans = KMeans(instance_count=1, k=3, eval_metrics=["msd", "ssd"], **common)
machines = FactorizationMachines(
    instance_count=1, num_factors=4, predictor_type="regressor", epochs=60, linear_lr=0.05, **common
)
linear.fit(
    [linear.record_set(rows, labels), linear.record_set(rows[:100], labels[:100], channel="test")],
    mini_batch_size=20,
    wait=False,
)
kmeans.fit(kmeans.record_set(rows), wait=False)
machines.fit(machines.record_set(rows, rows @ np.array([1, -1, 0.5, 0], "float32")), mini_batch_size=50, wait=False)
estimators = {"linear": linear, "kmeans": kmeans, "machines": machines}
for estimator in estimators.values():
    estimator.latest_training_job.wait(logs="None")

predictors = {name: estimator.deploy(1, "ml.m5.large", wait=False) for name, estimator in estimators.items()}
answers = {}
for name, predictor in predictors.items():
    client = session.sagemaker_client
    while (status := client.describe_endpoint(EndpointName=predictor.endpoint_name))["EndpointStatus"] == "Creating":
        time.sleep(0.2)
    assert status["EndpointStatus"] == "InService", status["FailureReason"]
    answers[name] = [
        {key: list(value.float32_tensor.values) for key, value in record.label.items()}
        for record in predictor.predict(rows[:50])
    ]
    predictor.delete_endpoint()

metrics = {
    name: {one["MetricName"]: one["Value"] for one in estimator.latest_training_job.describe()["FinalMetricDataList"]}
    for name, estimator in estimators.items()
}
chosen = np.array([one["predicted_label"][0] for one in answers["linear"]])
clusters = np.array([one["closest_cluster"][0] for one in answers["kmeans"]])
scores = np.array([one["score"][0] for one in answers["machines"]])
print(
    json.dumps(
        {
            "right": float((chosen == labels[:50]).mean()),
            "clusters": len({(int(one), int(two)) for one, two in zip(groups[:50], clusters, strict=True)}),
            "off": float(np.abs(scores - rows[:50] @ np.array([1, -1, 0.5, 0])).mean()),
            "names": {name: sorted(rows[0]) for name, rows in answers.items()},
            "metrics": metrics,
        }
    )
)
