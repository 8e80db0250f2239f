"""sagemaker 3.x: what it has of experiments: runs with parameters, metrics, files and graphs, lists and tables.

python sdk3_experiments.py"""

import json
from pathlib import Path

from sagemaker.core.analytics import ExperimentAnalytics
from sagemaker.core.experiments.run import Run, list_runs, load_run
from sagemaker.core.helper.session_helper import Session

EXPERIMENT = "third-exp"
session = Session()
note = Path("note3.txt")
note.write_text("a file of the run")

for number, name in enumerate(("one", "two"), 1):
    with Run(experiment_name=EXPERIMENT, run_name=name, sagemaker_session=session) as run:
        run.log_parameters({"depth": number, "kind": "trees"})
        for step in range(12):
            run.log_metric("loss", number / (1 + step), step=step)
        run.log_file(str(note), name="note")
        run.log_confusion_matrix([0, 1, 1, 0], [0, 1, 0, 0], title=f"confusion-{name}")
        run.log_roc_curve([0, 1, 1, 0], [0.1, 0.8, 0.4, 0.3], title=f"roc-{name}")
        with load_run() as same:
            same.log_parameter("again", "yes")
with load_run(experiment_name=EXPERIMENT, run_name="one", sagemaker_session=session) as loaded:
    loaded.log_metric("late", 7.0)

client = session.sagemaker_client
first = client.describe_trial_component(TrialComponentName="third-exp-one")
associated = client.list_associations(SourceArn=first["TrialComponentArn"])["AssociationSummaries"]
table = ExperimentAnalytics(
    experiment_name=EXPERIMENT, sort_by="parameters.depth", sort_order="Descending", sagemaker_session=session
).dataframe()
print(
    json.dumps(
        {
            "parameters": sorted(first["Parameters"]),
            "metrics": {one["MetricName"]: [one["Count"], one["Last"]] for one in first["Metrics"]},
            "graphs": sorted(one["DestinationType"] for one in associated),
            "runs": [one.run_name for one in list_runs(experiment_name=EXPERIMENT, sagemaker_session=session)],
            "table": table["TrialComponentName"].tolist(),
        }
    )
)
