"""Pipelines in the browser: started, watched to their end, answered, stopped, retried, compared."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.console.browser import Console, console
from tests.console.conftest import link
from tests.pipelines_house import condition, definition, fails, processing
from tests.real import RealClary, until

Doc = dict[str, Any]
PARAMETERS = [
    {"Name": "Score", "Type": "Float", "DefaultValue": 0.8},
    {"Name": "Limit", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Mode", "Type": "String", "DefaultValue": "fast", "EnumValues": ["fast", "thorough"]},
    {"Name": "Shuffle", "Type": "Boolean", "DefaultValue": True},
]
REPORT = (
    "import json, sys; print('the score is', sys.argv[1]); "
    "json.dump({'score': {'value': float(sys.argv[1])}}, open('/opt/ml/processing/out/report.json', 'w'))"
)
READ = (
    "import sys; said = open('/opt/ml/processing/flag/said').read(); print('the flag says', said); "
    "sys.exit(0 if said == 'good' else 'ValueError: the flag is ' + said)"
)


class Made:
    """The pipelines of this module: `judged` waits for an answer in its middle, `flagged` fails while its flag is bad,
    `endless` runs until it is stopped, `idle` has never run."""

    def __init__(self, server: RealClary) -> None:
        self.server = server
        self.sagemaker, self.s3 = server.client("sagemaker"), server.client("s3")
        self.role = server.role("pipelines")
        server.client("iam").attach_role_policy(
            RoleName="pipelines", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
        self.s3.create_bucket(Bucket="lake")
        queue = server.client("sqs").create_queue(QueueName="asked")["QueueUrl"]
        score = {"Get": "Parameters.Score"}
        judge = self.job("judge", REPORT, argument=score, files=True, CacheConfig={"Enabled": True})
        ask = {"Name": "ask", "Type": "Callback", "SqsQueueUrl": queue, "DependsOn": ["judge"], "Arguments": {}}
        enough = {
            "Type": "GreaterThanOrEqualTo",
            "LeftValue": {
                "Std:JsonGet": {"PropertyFile": {"Get": "Steps.judge.PropertyFiles.report"}, "Path": "score.value"}
            },
            "RightValue": {"Get": "Parameters.Limit"},
        }
        gate = condition(
            "good-enough",
            enough,
            then=[self.job("publish", "print('published')")],
            otherwise=[fails("too-low", "the score is too low")],
            after=("ask",),
        )
        self.create("judged", judge, ask, gate, description="Judges, asks somebody, publishes")
        self.create("flagged", self.job("look", READ, flag="s3://lake/flag"), self.job("go-on", "print(1)", "look"))
        self.create("endless", self.job("wait", "import time; print('waiting', flush=True); time.sleep(3600)"))
        self.create("idle", self.job("one", "print(1)"))

    def job(
        self, name: str, code: str, *after: str, argument: Any = "", files: bool = False, flag: str = "", **more: Any
    ) -> Doc:
        """A processing step that runs that line of Python."""
        out = {
            "S3Uri": {"Std:Join": {"On": "/", "Values": ["s3://lake", {"Get": "Execution.PipelineExecutionId"}, name]}}
        }
        given: Doc = {
            "RoleArn": self.role,
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {**out, "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"},
                    }
                ]
            },
        }
        step = processing(name, *after, **more)
        application = {**step["Arguments"]["AppSpecification"], "ContainerEntrypoint": ["python3", "-c", code]}
        if argument:
            application["ContainerArguments"] = [{"Std:Join": {"On": "", "Values": [argument]}}]
        if flag:
            place = {"LocalPath": "/opt/ml/processing/flag", "S3DataType": "S3Prefix", "S3InputMode": "File"}
            given["ProcessingInputs"] = [{"InputName": "flag", "S3Input": {"S3Uri": flag, **place}}]
        if files:
            step["PropertyFiles"] = [{"PropertyFileName": "report", "OutputName": "out", "FilePath": "report.json"}]
        step["Arguments"] = {**step["Arguments"], **given, "AppSpecification": application}
        return step

    def create(self, name: str, *steps: Doc, description: str = "") -> None:
        text = json.dumps(definition(*steps, Parameters=PARAMETERS if name == "judged" else []))
        self.sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=text, RoleArn=self.role, PipelineDescription=description or name
        )

    def start(self, name: str, display: str, **parameters: str) -> str:
        listed = [{"Name": key, "Value": value} for key, value in parameters.items()]
        arn: str = self.sagemaker.start_pipeline_execution(
            PipelineName=name, PipelineExecutionDisplayName=display, PipelineParameters=listed
        )["PipelineExecutionArn"]
        return arn

    def steps(self, arn: str) -> dict[str, Doc]:
        listed = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return {one["StepName"]: one for one in listed}

    def ended(self, arn: str) -> str:
        """The status of the execution once it is over; a callback that it asks for is answered."""

        def over() -> str:
            token = self.steps(arn).get("ask", {}).get("Metadata", {}).get("Callback", {}).get("CallbackToken")
            if token and self.steps(arn)["ask"]["StepStatus"] == "Executing":
                self.sagemaker.send_pipeline_execution_step_success(CallbackToken=token)
            said: str = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
            return "" if said in ("Executing", "Stopping") else said

        found: str = until(over, seconds=60, what=arn)
        return found


@pytest.fixture(scope="module")
def made(server: RealClary) -> Iterator[Made]:
    yield Made(server)


def path_of(arn: str) -> str:
    _, _, rest = arn.partition(":pipeline/")
    pipeline, _, execution = rest.partition("/execution/")
    return f"/pipelines/{pipeline}/executions/{execution}"


def step(tab: Console, name: str, status: str = "") -> Locator:
    """The step in the graph, once it has that status."""
    graph = tab.page.get_by_label("The steps as a graph")
    return graph.get_by_role("button", name=re.compile(rf"^{name}\b.*{status}"))


def test_the_list_says_what_has_become_of_each(tab: Console, made: Made) -> None:
    made.ended(made.start("judged", "for-the-list", Score="0.1"))
    tab.go("/pipelines")
    row = tab.page.get_by_role("row", name=re.compile("judged"))
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("Judges, asks somebody, publishes")
    expect(tab.page.get_by_role("row", name=re.compile("idle"))).to_contain_text("None yet")
    tab.well("pipelines-list")
    tab.page.get_by_label("Filter pipelines").fill("idl")
    expect(row).to_have_count(0)
    expect(tab.page).to_have_url(re.compile(r"\?q=idl$"))
    tab.page.get_by_role("link", name="idle", exact=True).click()
    expect(tab.page.get_by_text("It has not run yet")).to_be_visible()
    tab.page.get_by_role("tab", name="Triggers").click()
    expect(tab.page.get_by_text("Nothing starts it by itself")).to_be_visible()


def test_started_in_the_browser_it_finishes_before_ones_eyes(tab: Console, made: Made) -> None:
    tab.go("/pipelines/judged")
    tab.page.get_by_role("button", name="Start", exact=True).click()
    form = tab.page.get_by_role("dialog", name="Start judged")
    form.get_by_label("Score").fill("nine")
    expect(form.get_by_text("A number is needed.")).to_be_visible()
    form.get_by_label("Score").fill("0.9")
    form.get_by_label("Name of the execution").fill("seen-live")
    tab.well("pipelines-start")
    form.get_by_role("button", name="Start", exact=True).click()
    expect(tab.page.get_by_role("heading", name="seen-live", level=1)).to_be_visible()
    tab.page.evaluate("window.same = true")
    expect(step(tab, "judge", "Succeeded")).to_be_visible()
    expect(step(tab, "publish", "Waiting")).to_be_visible()
    step(tab, "ask", "Executing").click()
    tab.well("pipelines-running")
    tab.page.get_by_role("button", name="It succeeded").click()
    expect(step(tab, "good-enough", "Succeeded.*true")).to_be_visible()
    expect(step(tab, "publish", "Succeeded")).to_be_visible()
    expect(step(tab, "too-low", "Not chosen")).to_be_visible()
    expect(tab.page.get_by_text("(4 of 4)")).to_be_visible()
    assert tab.page.evaluate("window.same") is True  # all of it on one page, never loaded anew
    step(tab, "good-enough").focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_text("score.value of judge (0.9) ≥ Limit (0.5)")).to_be_visible()
    step(tab, "judge").click()
    tab.page.reload()
    expect(step(tab, "judge", "Succeeded")).to_have_attribute("aria-pressed", "true")
    expect(tab.page.locator("dl").get_by_text("score", exact=True)).to_be_visible()
    expect(tab.page.get_by_role("link", name=re.compile("lake.*judge$"))).to_be_visible()
    tab.well("pipelines-done")
    tab.page.get_by_role("tab", name="Logs").click()
    expect(tab.page.get_by_role("log")).to_contain_text("the score is 0.9")
    tab.page.get_by_text("Timeline", exact=True).click()
    expect(tab.page.get_by_role("row", name=re.compile("publish.*Succeeded"))).to_be_visible()
    tab.well("pipelines-timeline")


def test_a_failure_says_why_and_can_be_retried(tab: Console, made: Made) -> None:
    made.s3.put_object(Bucket="lake", Key="flag/said", Body=b"bad")
    arn = made.start("flagged", "with-a-bad-flag")
    assert made.ended(arn) == "Failed"
    tab.go(path_of(arn))
    expect(step(tab, "look", "Failed")).to_be_visible()
    expect(step(tab, "go-on", "Not reached")).to_be_visible()
    expect(tab.page.get_by_text("Why it failed")).to_be_visible()  # the step that failed is the one that is shown
    expect(tab.page.get_by_text("ValueError: the flag is bad").first).to_be_visible()
    tab.well("pipelines-failed")
    made.s3.put_object(Bucket="lake", Key="flag/said", Body=b"good")
    tab.page.get_by_role("button", name="Retry").click()
    expect(step(tab, "look", "Succeeded")).to_be_visible()
    expect(step(tab, "go-on", "Succeeded")).to_be_visible()
    expect(tab.page.get_by_text("It failed")).to_have_count(0)


def test_an_execution_is_stopped_and_started_again(tab: Console, made: Made) -> None:
    arn = made.start("endless", "to-be-stopped")
    tab.go(path_of(arn))
    step(tab, "wait", "Executing").click()
    tab.page.get_by_role("tab", name="Logs").click()
    expect(tab.page.get_by_role("log")).to_contain_text("waiting")
    tab.page.get_by_role("button", name="Stop", exact=True).click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    expect(step(tab, "wait", "Stopped")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Retry")).to_be_visible()
    tab.page.get_by_role("button", name="Start again").click()
    expect(tab.page.get_by_role("dialog", name="Start endless")).to_contain_text("no parameters")


def test_two_executions_side_by_side(tab: Console, made: Made) -> None:
    one, other = made.start("judged", "side-one"), made.start("judged", "side-two", Score="0.2")
    assert [made.ended(one), made.ended(other)] == ["Succeeded", "Failed"]
    tab.go("/pipelines/judged")
    for name in ("side-one", "side-two"):
        row = tab.page.get_by_role("row", name=re.compile(name))
        row.get_by_role("checkbox").check()
    expect(tab.page.get_by_role("row", name=re.compile("side-two"))).to_contain_text("Score = 0.2")
    tab.well("pipelines-executions")
    tab.page.get_by_role("link", name="Compare").click()
    parameters = tab.page.get_by_role("table", name="Parameters")
    expect(parameters.get_by_role("row", name=re.compile("Score.*differs"))).to_be_visible()
    expect(parameters.get_by_role("row", name=re.compile("Limit.*differs"))).to_have_count(0)
    steps = tab.page.get_by_role("table", name="Steps")
    expect(steps.get_by_role("row", name=re.compile("too-low.*Not chosen.*Failed.*differs"))).to_be_visible()
    metrics = tab.page.get_by_role("table", name="Metrics")
    expect(metrics.get_by_role("row", name=re.compile("judge.*score"))).to_contain_text(
        "\N{MINUS SIGN}0.6 (\N{MINUS SIGN}75.0 %)"
    )
    tab.well("pipelines-compare")
    tab.page.reload()
    expect(tab.page.get_by_role("button", name=re.compile("Execution A.*side-one"))).to_be_visible()
    tab.page.get_by_role("button", name="Swap").click()
    expect(tab.page.get_by_role("button", name=re.compile("Execution A.*side-two"))).to_be_visible()


def test_only_some_steps_run_on_the_results_of_another_execution(tab: Console, made: Made) -> None:
    arn = made.start("judged", "whole")
    assert made.ended(arn) == "Succeeded"
    tab.go(path_of(arn))
    tab.page.get_by_role("button", name="Start again").click()
    form = tab.page.get_by_role("dialog", name="Start judged")
    form.get_by_role("button", name="Run only some steps").click()
    form.get_by_role("button", name=re.compile("Steps that run")).click()
    for name in ("good-enough", "publish"):
        tab.page.get_by_role("option", name=re.compile(name)).click()
    tab.page.keyboard.press("Escape")
    expect(form.get_by_role("button", name=re.compile("Results of the other steps"))).to_contain_text("whole")
    form.get_by_role("button", name="Start", exact=True).click()
    expect(step(tab, "judge", "taken over")).to_be_visible()
    expect(step(tab, "publish", "Succeeded")).to_be_visible()
    expect(step(tab, "too-low", "Not (chosen|selected)")).to_be_visible()


def test_a_definition_its_versions_and_its_end(tab: Console, made: Made) -> None:
    made.create("short-lived", made.job("first", "print(1)"), made.job("second", "print(2)", "first"))
    text = json.dumps(definition(made.job("first", "print(1)")))
    made.sagemaker.update_pipeline(PipelineName="short-lived", PipelineDefinition=text)
    tab.go("/pipelines/short-lived?tab=versions")
    expect(tab.page.get_by_role("row", name=re.compile("Version 2"))).to_be_visible()
    tab.page.get_by_role("button", name="Show version 1").click()
    expect(tab.page.get_by_role("dialog")).to_contain_text('"second"')
    tab.page.get_by_role("button", name="Close", exact=True).click()
    tab.page.get_by_role("tab", name="Steps").click()
    step(tab, "first").click()
    expect(tab.page.get_by_label("Step", exact=True)).to_contain_text("print(1)")
    tab.well("pipelines-steps")
    tab.page.get_by_role("button", name="Delete").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.get_by_role("textbox").fill("short-lived")
    dialog.get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("short-lived is deleted")).to_be_visible()
    expect(tab.page).to_have_url(re.compile("/console/pipelines$"))


def test_a_phone_shows_the_steps_in_time(browser: Browser, server: RealClary, made: Made) -> None:
    arn = made.start("judged", "on-a-phone")
    assert made.ended(arn) == "Succeeded"
    with console(browser, server.url, width=390, height=844) as phone:
        phone.page.goto(link(server))
        expect(phone.page.get_by_role("heading", level=1).first).to_be_visible()
        phone.go(path_of(arn))
        phone.page.get_by_role("button", name="Look at judge").click()
        expect(phone.page.get_by_role("heading", name="judge", level=2)).to_be_visible()
        phone.both_themes("pipelines-phone")


def test_nothing_yet_says_what_to_do(browser: Browser, own_server: RealClary) -> None:
    own_server.up()
    with console(browser, own_server.url) as tab:
        tab.sign_in(link(own_server))
        tab.go("/pipelines")
        expect(tab.page.get_by_text("No pipelines yet")).to_be_visible()
        expect(tab.page.get_by_role("link", name="Start with an example")).to_be_visible()
        tab.well("pipelines-none")
