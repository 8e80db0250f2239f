"""sagemaker 2.x: a run with parameters, metrics, files and artifacts, a training job within it, the run found again
from that job, runs in a list and in a table, and everything deleted.

python sdk2_experiments.py <file of rows of CSV, the label first>"""

import json
import os
import subprocess
import sys
from pathlib import Path

import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.estimator import Estimator
from sagemaker.experiments import Run, list_runs
from sagemaker.experiments.experiment import Experiment
from sagemaker.inputs import TrainingInput

EXPERIMENT = "Flowers-Exp"
IN_THE_JOB = """
import sagemaker
from sagemaker.experiments import load_run

with load_run(sagemaker_session=sagemaker.Session()) as run:
    run.log_parameter("seen_in", "job")
    for step in range(12):
        run.log_metric("job:loss", 1.0 / (1 + step), step=step)
    print(run.run_name)
"""

rows = Path(sys.argv[1])
session = sagemaker.Session()
role = get_execution_role()
train = session.upload_data(str(rows), key_prefix="experiments/train")
note = Path("note.txt")
note.write_text("a file of the run")

with Run(
    experiment_name=EXPERIMENT,
    run_name="First-Run",
    run_display_name="first",
    tags=[{"Key": "team", "Value": "blue"}],
    sagemaker_session=session,
) as run:
    run.log_parameter("depth", 3)
    run.log_parameters({"kind": "trees", "eta": 0.25})
    for step in range(25):
        run.log_metric("loss", 1.0 - step / 100, step=step)
    run.log_metric("accuracy", 0.875)
    run.log_artifact("data", train, media_type="text/csv", is_output=False)
    run.log_file(str(note), name="note", is_output=True)
    estimator = Estimator(
        image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        base_job_name="in-a-run",
        hyperparameters={"objective": "multi:softmax", "num_class": 3, "num_round": 5},
        sagemaker_session=session,
    )
    estimator.fit({"train": TrainingInput(train, content_type="csv")}, wait=True, logs=False)

job = session.describe_training_job(estimator.latest_training_job.name)
inside = subprocess.run(
    [sys.executable, "-W", "ignore", "-c", IN_THE_JOB],
    env={**os.environ, "TRAINING_JOB_ARN": job["TrainingJobArn"]},
    stdout=subprocess.PIPE,
    text=True,
    check=True,
)

with Run(experiment_name=EXPERIMENT, run_name="second-run", sagemaker_session=session) as second:
    second.log_parameter("depth", 5)
    second.log_metric("accuracy", 0.5)
try:
    with Run(experiment_name=EXPERIMENT, run_name="bad", sagemaker_session=session):
        raise RuntimeError("it did not work")
except RuntimeError:
    pass

client = session.sagemaker_client
first = client.describe_trial_component(TrialComponentName="flowers-exp-first-run")
bad = client.describe_trial_component(TrialComponentName="flowers-exp-bad")
of_job = client.list_trial_components(SourceArn=job["TrainingJobArn"].lower())["TrialComponentSummaries"]
job_component = client.describe_trial_component(TrialComponentName=of_job[0]["TrialComponentName"])
query = {
    "MetricName": "loss",
    "ResourceArn": first["TrialComponentArn"],
    "MetricStat": "Avg",
    "Period": "IterationNumber",
    "XAxisType": "IterationNumber",
}
series = session.sagemaker_metrics_client.batch_get_metrics(MetricQueries=[query])["MetricQueryResults"][0]
table = ExperimentAnalytics(
    experiment_name="flowers-exp", sort_by="metrics.accuracy.max", sort_order="Descending", sagemaker_session=session
).dataframe()
runs = [one.run_name for one in list_runs(experiment_name=EXPERIMENT, sagemaker_session=session)]

experiment = Experiment.load("flowers-exp", sagemaker_session=session)
experiment._delete_all(action="--force")
left = [one for one in client.list_experiments()["ExperimentSummaries"] if one["ExperimentName"] == "flowers-exp"]

print(
    json.dumps(
        {
            "parameters": {
                name: one.get("NumberValue", one.get("StringValue")) for name, one in first["Parameters"].items()
            },
            "metrics": {one["MetricName"]: [one["Count"], one["Min"], one["Last"]] for one in first["Metrics"]},
            "inputs": first["InputArtifacts"],
            "outputs": first["OutputArtifacts"],
            "status": first["Status"]["PrimaryStatus"],
            "sources": [one["SourceArn"] for one in first["Sources"]],
            "job": job["TrainingJobArn"],
            "config": job["ExperimentConfig"],
            "inside": inside.stdout.strip().splitlines()[-1],
            "job_component": [job_component["TrialComponentName"], job_component["Status"]["PrimaryStatus"]],
            "job_metrics": sorted(one["MetricName"] for one in job_component["Metrics"]),
            "bad": bad["Status"],
            "steps": series["XAxisValues"],
            "table": table["TrialComponentName"].tolist(),
            "columns": sorted(table.columns),
            "runs": runs,
            "left": len(left),
            "note": session.read_s3_file(*first["OutputArtifacts"]["note"]["Value"][5:].split("/", 1)),
        }
    )
)
