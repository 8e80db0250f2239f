"""Jobs in the console: lists and pages of real jobs, a clone that completes, a stop, tuning drawn, Glue's runs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="the console's tests need Playwright: pip install 'clary[test]'")

from playwright.sync_api import Locator, expect

from tests.console.browser import Console
from tests.jobs_house import CLUSTER, Jobs, archive, channel
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

CURVE = """
import argparse, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.5)
parser.add_argument("--kind", default="a")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--pause", type=float, default=0.0)
given, _ = parser.parse_known_args()
for epoch in range(given.epochs):
    print(f"epoch={epoch} train-loss={given.rate ** epoch:.4f} valid-loss={given.rate ** epoch + 0.25:.4f}", flush=True)
    time.sleep(given.pause)
open(os.environ["SM_MODEL_DIR"] + "/model.txt", "w").write("done")
"""
ALGORITHM = {
    "TrainingImage": SKLEARN,
    "TrainingInputMode": "File",
    "MetricDefinitions": [
        {"Name": "train:loss", "Regex": "train-loss=([0-9.]+)"},
        {"Name": "validation:loss", "Regex": "valid-loss=([0-9.]+)"},
    ],
}
ECHO = """
def model_fn(place):
    return None
def input_fn(body, kind):
    return body
def predict_fn(rows, model):
    return rows
def output_fn(rows, accept):
    return rows, "text/csv"
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Shop(Jobs):
    """Jobs of this module: those that every list shows are made once."""

    def __init__(self, server: RealClary) -> None:
        super().__init__(server)
        self.source = self.put("code/curve.tar.gz", archive(("train.py", CURVE.encode())))
        self.glue = server.client("glue")

    def parameters(self, **more: str) -> dict[str, str]:
        return {"sagemaker_program": "train.py", "sagemaker_submit_directory": self.source, **more}

    def curve(self, name: str, *, parameters: dict[str, str] | None = None, **more: Any) -> None:
        given = {"AlgorithmSpecification": ALGORITHM, "HyperParameters": self.parameters(**(parameters or {}))}
        self.train(name, **{**given, "InputDataConfig": [channel("s3://lake/data/", "data")], **more})

    def tune(self, name: str) -> None:
        ranges = {
            "ContinuousParameterRanges": [
                {"Name": "rate", "MinValue": "0.001", "MaxValue": "0.9", "ScalingType": "Logarithmic"}
            ],
            "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
        }
        self.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "RandomSeed": 3,
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": ranges,
            },
            TrainingJobDefinition={
                "AlgorithmSpecification": ALGORITHM,
                "StaticHyperParameters": self.parameters(),
                "RoleArn": self.role,
                "InputDataConfig": [channel("s3://lake/data/", "data")],
                "OutputDataConfig": {"S3OutputPath": "s3://lake/out"},
                "ResourceConfig": CLUSTER,
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            },
        )

    def glue_job(self, name: str, script: str, **more: Any) -> None:
        role = f"etl-{name}"
        arn = self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        place = self.put(f"scripts/{name}.py", script.encode())
        command = {"Name": "pythonshell", "ScriptLocation": place, "PythonVersion": "3.9"}
        self.glue.create_job(Name=name, Role=arn, Command=command, **more)


@pytest.fixture(scope="module")
def shop(server: RealClary) -> Iterator[Shop]:
    made = Shop(server)
    made.curve("seen", Tags=[{"Key": "team", "Value": "cars"}], Environment={"SEED": "7"})
    made.train_script("broken", "print('rows: 40')\nraise ValueError('the column price is not there')\n")
    made.ended("Training", "seen")
    made.ended("Training", "broken")
    yield made


def row(tab: Console, text: str) -> Locator:
    return tab.page.get_by_role("row").filter(has_text=text)


def clone(tab: Console, kind: str, name: str, again: str) -> None:
    """A job made anew as it was, but for its name."""
    tab.go(f"/jobs/{kind}/{name}/clone")
    tab.page.get_by_label("Name", exact=True).first.fill(again)
    tab.page.get_by_role("button", name=re.compile("^(Start|Make) ")).click()
    expect(tab.page.get_by_role("heading", name=again)).to_be_visible()


def test_nothing_is_here_yet_and_what_to_do_next(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/glue")
    for name in ("count", "count-again"):  # whichever test came first
        shop.glue.delete_job(JobName=name)
    expect(tab.page.get_by_text("No Glue jobs yet")).to_be_visible()
    expect(tab.page.get_by_text("glue.start_job_run")).to_be_visible()
    expect(tab.page.get_by_role("link", name="examples", exact=True)).to_be_visible()
    tab.well("jobs-empty")


def test_training_jobs_are_listed_and_filtered_by_the_server(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/training")
    seen = row(tab, "seen")
    expect(seen.get_by_text("Completed")).to_be_visible()
    expect(seen.get_by_text("scikit-learn · train.py")).to_be_visible()
    expect(seen.get_by_text("1 \N{MULTIPLICATION SIGN} ml.m5.large")).to_be_visible()
    expect(seen.get_by_text("0.2578")).to_be_visible()  # 0.5 ** 7 + 0.25
    expect(row(tab, "broken").get_by_text("Failed")).to_be_visible()
    tab.well("jobs-training-list")
    tab.page.get_by_placeholder("Part of the name").fill("brok")
    expect(seen).to_have_count(0)
    expect(row(tab, "broken")).to_be_visible()
    tab.go("/jobs/training?status=Completed&q=brok")  # a deep link has the filters in it
    expect(tab.page.get_by_text("No training job matches")).to_be_visible()
    tab.page.get_by_role("button", name="Clear the filters").click()
    expect(row(tab, "broken")).to_be_visible()
    assert tab.complaints == []


def test_a_training_job_tells_its_way_its_metrics_and_its_lines(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/training/seen")
    page = tab.page
    way = page.get_by_role("list", name="Time line")
    for stage in ("Starting", "Downloading", "Training", "Uploading", "Completed"):
        expect(way.get_by_text(stage, exact=True)).to_be_visible()
    expect(page.get_by_text("0.2578")).to_be_visible()
    expect(
        page.get_by_role("application", name="loss by value").or_(page.get_by_label("loss by value")).first
    ).to_be_visible()
    tab.well("jobs-training")
    page.get_by_role("radio", name="By time").or_(page.get_by_role("button", name="By time")).first.click()
    expect(page.get_by_label("loss over time").first).to_be_visible()
    page.get_by_role("tab", name="Logs").click()
    expect(page.get_by_role("log").get_by_text("epoch=7")).to_be_visible()
    tab.well("jobs-training-logs")
    page.get_by_role("tab", name="Inputs and outputs").click()
    expect(page.get_by_role("link", name="s3://lake/data/")).to_be_visible()
    expect(page.get_by_role("link", name="model.tar.gz").first).to_be_visible()
    page.get_by_role("tab", name="Parameters").click()
    expect(row(tab, "SEED")).to_be_visible()
    page.get_by_role("tab", name="Utilisation").click()
    expect(page.get_by_text("from its second full minute on")).to_be_visible()
    page.get_by_role("tab", name="Tags and document").click()
    expect(row(tab, "team")).to_be_visible()
    tab.well("jobs-training-document")


def test_a_failed_job_says_why_with_its_last_lines(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/training/broken")
    expect(tab.page.get_by_text("It failed: AlgorithmError")).to_be_visible()
    lines = tab.page.get_by_role("region", name="Last lines of the log")
    expect(lines.get_by_text("ValueError: the column price is not there")).to_be_visible()
    expect(lines.get_by_text("rows: 40")).to_be_visible()
    tab.well("jobs-training-failed")


def test_a_job_that_is_not_there_is_said_to_be_gone(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/training/never-was")
    expect(tab.page.get_by_text("The training job never-was is not here")).to_be_visible()


def test_a_running_job_is_seen_live_and_stopped(tab: Console, shop: Shop) -> None:
    shop.curve("endless", parameters={"epochs": "100000", "pause": "0.2", "rate": "0.99"})
    tab.go("/jobs/training/endless")
    page = tab.page
    expect(page.get_by_label("loss by value").first).to_be_visible()  # while it runs
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("endless is being stopped")).to_be_visible()
    expect(page.get_by_role("list", name="Time line").get_by_text("Stopped", exact=True)).to_be_visible(timeout=60_000)
    tab.well("jobs-training-stopped")


def test_a_clone_is_made_in_the_browser_and_completes(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/training/seen")
    page = tab.page
    page.get_by_role("button", name="Clone").click()
    expect(page.get_by_role("heading", name="New training job")).to_be_visible()
    expect(page.get_by_label("Value of SEED")).to_have_value("7")
    tab.well("jobs-clone")
    name = page.get_by_label("Name", exact=True).first
    name.fill("not a name")
    expect(page.get_by_text("may have letters, digits and hyphens").first).to_be_visible()
    name.fill("seen-again")
    page.get_by_role("button", name="Add to hyperparameters").click()
    page.get_by_label("Name of a new row").fill("epochs")
    page.get_by_label("Value of epochs").fill("3")
    document = page.get_by_label("Request")
    asked = json.loads(document.input_value())
    assert asked["HyperParameters"]["epochs"] == "3"
    assert asked["Tags"] == [{"Key": "team", "Value": "cars"}]
    document.fill(json.dumps({**asked, "StoppingCondition": {"MaxRuntimeInSeconds": 300}}))
    expect(page.get_by_label("May run (s)")).to_have_value("300")
    page.get_by_role("button", name="Start training job").click()
    expect(page.get_by_role("heading", name="seen-again")).to_be_visible()
    expect(page.get_by_role("list", name="Time line").get_by_text("Completed", exact=True)).to_be_visible(
        timeout=60_000
    )
    expect(page.get_by_text("0.5").first).to_be_visible()  # 0.5 ** 2 + 0.25 after three epochs
    assert shop.ended("Training", "seen-again")["StoppingCondition"]["MaxRuntimeInSeconds"] == 300
    assert tab.complaints == []


def test_what_the_server_refuses_is_said_in_its_words(tab: Console, shop: Shop) -> None:
    tab.go("/jobs/training/seen/clone")
    tab.page.get_by_label("Name", exact=True).first.fill("seen")
    tab.page.get_by_role("button", name="Start training job").click()
    expect(tab.page.get_by_text("ResourceInUse").first).to_be_visible()


def test_processing_and_transform_jobs_have_pages(tab: Console, shop: Shop) -> None:
    shop.process(
        "counted", "open('/opt/ml/processing/output/n.txt', 'w').write('40')\nprint('40 rows')", "s3://lake/data/"
    )
    shop.transform("echoed", ECHO)
    shop.ended("Processing", "counted")
    shop.ended("Transform", "echoed")
    page = tab.page
    tab.go("/jobs/processing")
    expect(row(tab, "counted").get_by_text("scikit-learn · counted.py")).to_be_visible()
    tab.well("jobs-processing-list")
    page.get_by_role("link", name="counted").click()
    expect(page.get_by_role("log").get_by_text("40 rows")).to_be_visible()
    expect(page.get_by_role("list", name="Time line").get_by_text("Running", exact=True)).to_be_visible()
    tab.well("jobs-processing")
    tab.go("/jobs/transform/echoed?tab=data")
    expect(page.get_by_role("link", name="s3://lake/out/echoed")).to_be_visible()
    expect(page.get_by_role("link", name="echoed", exact=True).last).to_have_attribute(
        "href", "/console/models/single/echoed"
    )
    tab.well("jobs-transform")
    clone(tab, "processing", "counted", "counted-again")
    clone(tab, "transform", "echoed", "echoed-again")
    assert shop.ended("Processing", "counted-again")["ProcessingJobStatus"] == "Completed"
    assert shop.ended("Transform", "echoed-again")["TransformJobStatus"] == "Completed"
    assert tab.complaints == []


def test_a_tuning_job_is_drawn(tab: Console, shop: Shop) -> None:
    shop.tune("rates")
    page = tab.page
    tab.go("/jobs/tuning/rates")
    objective = page.get_by_role("group", name="validation:loss of each training job")
    expect(objective.get_by_role("link")).to_have_count(4, timeout=90_000)  # they come as they end
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=60_000)
    lines = page.get_by_role("group", name="Hyperparameters against validation:loss")
    expect(lines.get_by_role("link")).to_have_count(4)
    expect(row(tab, "rates-004")).to_be_visible()
    best = shop.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="rates")["BestTrainingJob"]
    first = page.get_by_role("table", name="Training jobs").get_by_role("row").nth(1)
    expect(first).to_contain_text(best["TrainingJobName"])  # the best comes first
    tab.well("jobs-tuning")
    objective.get_by_role("link").first.focus()
    page.keyboard.press("ArrowRight")
    focused = page.locator("a:focus")
    expect(focused).to_have_attribute("aria-label", re.compile("^rates-00[1-4]"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="rates", exact=True)).to_be_visible()  # the job leads back to its tuning
    tab.go("/jobs/tuning")
    expect(row(tab, "rates").get_by_text("4 of 4")).to_be_visible()
    tab.well("jobs-tuning-list")
    tab.go("/jobs/tuning/rates?tab=parameters")
    expect(row(tab, "0.001 to 0.9").get_by_text("Logarithmic")).to_be_visible()
    tab.well("jobs-tuning-parameters")
    clone(tab, "tuning", "rates", "rates-again")
    clone(tab, "training", best["TrainingJobName"], "best-again")  # without what its tuning job had added
    assert shop.ended("Training", "best-again")["TrainingJobStatus"] == "Completed"
    assert tab.complaints == []


def test_glue_jobs_run_with_arguments_and_say_how_it_went(tab: Console, shop: Shop) -> None:
    shop.glue_job(
        "count",
        "import sys\nprint('got', sys.argv[1:])\nif '--fail' in sys.argv: raise ValueError('no rows')\n",
        DefaultArguments={"--day": "2026-11-22"},
    )
    shop.glue.create_trigger(
        Name="nightly", Type="SCHEDULED", Schedule="cron(0 3 * * ? *)", Actions=[{"JobName": "count"}]
    )
    page = tab.page
    tab.go("/jobs/glue/count")
    expect(page.get_by_text("It has never run")).to_be_visible()
    page.get_by_role("button", name="Start run", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Value of --day").fill("2026-11-23")
    dialog.get_by_role("button", name="Start run", exact=True).click()
    expect(page.get_by_role("heading", name="Run of count")).to_be_visible()
    expect(page.get_by_text("succeeded").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("log").get_by_text("2026-11-23")).to_be_visible()
    tab.well("jobs-glue-run")
    run = shop.glue.start_job_run(JobName="count", Arguments={"--fail": "yes"})["JobRunId"]
    until(lambda: shop.glue.get_job_run(JobName="count", RunId=run)["JobRun"]["JobRunState"] == "FAILED", 60)
    tab.go("/jobs/glue/count")
    expect(row(tab, "ValueError: no rows")).to_be_visible()
    tab.well("jobs-glue")
    tab.go(f"/jobs/glue/count/{run}")
    expect(page.get_by_text("ValueError: no rows, line 3 of count.py").first).to_be_visible()
    tab.well("jobs-glue-failed")
    tab.go("/jobs/glue/count?tab=script")
    expect(page.get_by_text("raise ValueError('no rows')")).to_be_visible()
    page.get_by_role("tab", name="Triggers").click()
    page.get_by_role("button", name="Switch on nightly").click()
    expect(page.get_by_role("button", name="Switch off nightly")).to_be_visible()
    tab.well("jobs-glue-triggers")
    clone(tab, "glue", "count", "count-again")
    expect(page.get_by_text("It has never run")).to_be_visible()
    tab.go("/jobs/glue")
    expect(row(tab, "count").get_by_text("failed").first).to_be_visible()
    expect(row(tab, "count-again").get_by_text("Never")).to_be_visible()
    tab.well("jobs-glue-list")
