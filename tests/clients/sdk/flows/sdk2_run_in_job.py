"""sagemaker 2.x: a function that runs as a job (@remote) logs to the run that it was called in, by load_run()."""

import json

from sagemaker import Session, get_execution_role
from sagemaker.experiments import Run, load_run
from sagemaker.remote_function import remote

session = Session()
image = "081325390199.dkr.ecr.us-east-1.amazonaws.com/sagemaker-base-python-310:1.0"


@remote(instance_type="ml.m5.large", image_uri=image, role=get_execution_role(session), sagemaker_session=session)
def learn(rounds):
    from sagemaker.experiments import load_run as load

    with load() as run:
        run.log_parameter("rounds", rounds)
        for number in range(rounds):
            run.log_metric("job:loss", 1.0 / (1 + number), step=number)
    return run.run_name


with Run(experiment_name="in-jobs", run_name="one", sagemaker_session=session) as outside:
    outside.log_parameter("where", "notebook")
    with load_run() as same:
        same.log_metric("accuracy", 0.5)
    name = learn(12)

found = session.sagemaker_client.describe_trial_component(TrialComponentName="in-jobs-one")
parameters = {key: one.get("NumberValue", one.get("StringValue")) for key, one in found["Parameters"].items()}
metrics = {one["MetricName"]: one["Count"] for one in found["Metrics"]}
print(json.dumps({"name": name, "parameters": parameters, "metrics": metrics}))
