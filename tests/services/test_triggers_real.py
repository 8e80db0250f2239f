"""What starts a pipeline on a real `clary up`: a new object, an alarm, an approval, a commit, a schedule. Each starts
it once, with parameters that the event sets."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]
Doc = dict[str, Any]
PARAMETERS = [{"Name": "What", "Type": "String", "DefaultValue": "nothing"}]
EQUAL = {"Type": "Equals", "LeftValue": {"Get": "Parameters.What"}, "RightValue": "x"}
STEP = {"Name": "Look", "Type": "Condition", "Arguments": {"Conditions": [EQUAL], "IfSteps": [], "ElseSteps": []}}
DEFINITION = {"Version": "2020-12-01", "Metadata": {}, "Parameters": PARAMETERS, "Steps": [STEP]}


class Place:
    """A server with a role that may start pipelines, and as which rules, schedules and pipelines may act."""

    def __init__(self, home: Path) -> None:
        self.server = RealClary(home).up()
        self.sagemaker: Any = self.server.client("sagemaker")
        self.events: Any = self.server.client("events")
        services = ["events.amazonaws.com", "scheduler.amazonaws.com", "sagemaker.amazonaws.com"]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        iam = self.server.client("iam")
        self.role = iam.create_role(RoleName="place", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        may = {"Effect": "Allow", "Action": "sagemaker:StartPipelineExecution", "Resource": "*"}
        iam.put_role_policy(RoleName="place", PolicyName="p", PolicyDocument=policy(may))

    def pipeline(self, name: str) -> str:
        text = json.dumps(DEFINITION)
        made = self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=self.role)
        arn: str = made["PipelineArn"]
        return arn

    def rule(self, name: str, pattern: Doc, **target: Any) -> None:
        """Events that match start the pipeline of the rule's name."""
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        wanted = {"Id": "1", "Arn": self.pipeline(name), "RoleArn": self.role, **target}
        answer = self.events.put_targets(Rule=name, Targets=[wanted])
        assert answer["FailedEntryCount"] == 0

    def hook(self, verb: str, repository: Path, pipeline: str, *more: str) -> None:
        words = ["pipeline", "hook", verb, str(repository), "--pipeline", pipeline, *more]
        line = [sys.executable, "-m", "clary", *words, "--home", str(self.server.home)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def started(self, name: str, count: int = 1) -> list[str]:
        """What the parameter of each of so many executions is, the oldest first; all have succeeded."""
        return [self._parameter(one["PipelineExecutionArn"]) for one in self.started_all(name, count)]

    def started_all(self, name: str, count: int) -> list[Doc]:
        """So many executions, the oldest first; all have succeeded."""

        def executions() -> list[Doc]:
            listed = self.sagemaker.list_pipeline_executions(PipelineName=name, SortOrder="Ascending")
            found: list[Doc] = listed["PipelineExecutionSummaries"]
            return found

        def over() -> bool:
            found = executions()
            return len(found) >= count and all(one["PipelineExecutionStatus"] != "Executing" for one in found)

        until(over, 60, f"{count} executions of {name}")
        found = executions()
        assert [one["PipelineExecutionStatus"] for one in found] == ["Succeeded"] * count
        return found

    def _parameter(self, arn: str) -> str:
        listed = self.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
        (one,) = listed["PipelineParameters"]
        value: str = one["Value"]
        return value


def policy(statement: Doc) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def sets(path: str) -> Doc:
    return {"SageMakerPipelineParameters": {"PipelineParameterList": [{"Name": "What", "Value": path}]}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("triggers") / "home")
    try:
        yield made
    finally:
        made.server.sweep()


def test_a_new_object_under_a_prefix(place: Place) -> None:
    s3 = place.server.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_bucket_notification_configuration(Bucket="lake", NotificationConfiguration={"EventBridgeConfiguration": {}})
    keys = {"bucket": {"name": ["lake"]}, "object": {"key": [{"prefix": "raw/"}]}}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": keys}
    place.rule("on-object", pattern, **sets("$.detail.object.key"))
    s3.put_object(Bucket="lake", Key="other/a.csv", Body=b"1")
    s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"1")
    assert place.started("on-object") == ["raw/a.csv"]
    place.server.kill()
    place.server.up()  # what was handled is not handled again
    s3.put_object(Bucket="lake", Key="raw/b.csv", Body=b"1")
    assert place.started("on-object", 2) == ["raw/a.csv", "raw/b.csv"]


def test_an_alarm(place: Place) -> None:
    detail = {"alarmName": ["drift"], "state": {"value": ["ALARM"]}}
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail}
    template = {"InputPathsMap": {"name": "$.detail.alarmName"}, "InputTemplate": '{"What": "alarm <name>"}'}
    place.rule("on-alarm", pattern, InputTransformer=template)
    cw = place.server.client("cloudwatch")
    cw.put_metric_alarm(
        **{"AlarmName": "drift", "Namespace": "app", "MetricName": "psi", "Statistic": "Maximum", "Period": 10},
        **{"EvaluationPeriods": 1, "Threshold": 0.2, "ComparisonOperator": "GreaterThanThreshold"},
    )
    cw.set_alarm_state(AlarmName="drift", StateValue="ALARM", StateReason="as if it had been measured")
    assert place.started("on-alarm") == ["alarm drift"]


def test_an_approval(place: Place) -> None:
    detail = {"ModelPackageGroupName": ["churn"], "ModelApprovalStatus": ["Approved"]}
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"], "detail": detail}
    place.rule("on-approval", pattern, **sets("$.detail.ModelPackageArn"))
    place.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    container = {"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"}
    made = place.sagemaker.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{**container, "ModelDataUrl": "s3://lake/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    place.sagemaker.update_model_package(ModelPackageArn=made, ModelApprovalStatus="Approved")
    assert place.started("on-approval") == [made]


def test_a_commit(place: Place, tmp_path: Path) -> None:
    place.pipeline("on-commit")
    repository = tmp_path / "models"
    git(tmp_path, "init", "-q", "-b", "main", str(repository))
    place.hook("install", repository, "on-commit", "-p", "What=$.detail.commitId")
    commit(repository)
    first = git(repository, "rev-parse", "HEAD")
    assert place.started("on-commit") == [first]
    git(repository, "checkout", "-q", "-b", "aside")
    commit(repository)
    git(repository, "checkout", "-q", "main")
    commit(repository)
    assert place.started("on-commit", 2) == [first, git(repository, "rev-parse", "HEAD")]
    place.hook("remove", repository, "on-commit")
    assert not (repository / ".git/hooks/post-commit").exists()


def test_a_push_to_a_bare_repository(place: Place, tmp_path: Path) -> None:
    place.pipeline("on-push")
    bare, work = tmp_path / "shared.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    (bare / "hooks/post-receive").write_text("#!/bin/sh\ntrue\n")
    place.hook("install", bare, "on-push", "-p", "What=$.detail.referenceName")
    git(tmp_path, "clone", "-q", str(bare), str(work))
    git(work, "checkout", "-q", "-B", "main")
    commit(work)
    git(work, "push", "-q", "origin", "main")
    assert place.started("on-push") == ["main"]
    place.hook("remove", bare, "on-push")
    assert (bare / "hooks/post-receive").read_text() == "#!/bin/sh\ntrue\n"


def commit(repository: Path) -> None:
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "m")


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(directory), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_schedule(place: Place) -> None:
    target = {"Arn": place.pipeline("on-time"), "RoleArn": place.role, **sets("<aws.scheduler.scheduled-time>")}
    at = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
    place.server.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=at.strftime("at(%Y-%m-%dT%H:%M:%S)"),
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target,
    )
    assert place.started("on-time") == [at.strftime("%Y-%m-%dT%H:%M:%SZ")]
    assert place.server.client("scheduler").list_schedules(NamePrefix="once")["Schedules"] == []


def test_a_pipeline_that_has_succeeded(place: Place) -> None:
    """The events of executions and steps, in AWS's shapes, start the next pipeline."""
    first = place.pipeline("before")
    detail = {"pipelineArn": [first], "currentPipelineExecutionStatus": ["Succeeded"]}
    kind = "SageMaker Model Building Pipeline Execution Status Change"
    pattern = {"source": ["aws.sagemaker"], "detail-type": [kind], "detail": detail}
    place.rule("on-success", pattern, **sets("$.detail.previousPipelineExecutionStatus"))
    step = {"pipelineArn": [first], "stepType": ["Condition"], "currentStepStatus": ["Succeeded"]}
    kind = "SageMaker Model Building Pipeline Execution Step Status Change"
    pattern = {"source": ["aws.sagemaker"], "detail-type": [kind], "detail": step}
    place.rule("on-step", pattern, **sets("$.detail.stepName"))
    place.sagemaker.start_pipeline_execution(PipelineName="before")
    assert place.started("on-success") == ["Executing"]
    assert place.started("on-step") == ["Look"]


def test_the_recipes_of_the_page_can_be_copied(place: Place, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/triggers.md").read_text()
    names = ("InputKey", "Why", "Package", "Commit", "Day")
    parameters = [{"Name": name, "Type": "String", "DefaultValue": "-"} for name in names]
    text = json.dumps({**DEFINITION, "Parameters": [*PARAMETERS, *parameters]})
    for name in ("abalone", "prepare"):
        place.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=place.role)
    place.server.client("s3").create_bucket(Bucket="lake")  # it may be there
    recipes = "\n".join(part.partition("```")[0] for part in page.split("```python\n")[1:])
    done = subprocess.run(
        [sys.executable, "-c", recipes], env=place.server.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rules = {one["Name"] for one in place.events.list_rules()["Rules"]}
    assert {"new-data", "drift", "approved", "next"} <= rules
    assert place.server.client("scheduler").get_schedule(Name="nightly")["State"] == "ENABLED"
    place.sagemaker.start_pipeline_execution(PipelineName="prepare")
    until(
        lambda: place.sagemaker.list_pipeline_executions(PipelineName="abalone")["PipelineExecutionSummaries"],
        60,
        "the next pipeline",
    )


def test_a_person_from_any_step(place: Place) -> None:
    look = json.loads(json.dumps(STEP))
    steps = [{**look, "Name": "One"}, {**look, "Name": "Two", "DependsOn": ["One"]}]
    steps.append({**look, "Name": "Three", "DependsOn": ["Two"]})
    text = json.dumps({**DEFINITION, "Steps": [*steps, {**look, "Name": "Aside"}]})
    place.sagemaker.create_pipeline(PipelineName="by-hand", PipelineDefinition=text, RoleArn=place.role)
    source = place.sagemaker.start_pipeline_execution(PipelineName="by-hand")["PipelineExecutionArn"]
    place.started_all("by-hand", 1)
    words = ["pipeline", "run", "by-hand", "--from", "Two", "--json", "--home", str(place.server.home)]
    done = subprocess.run([sys.executable, "-m", "clary", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {one["StepName"]: one for one in json.loads(done.stdout)["PipelineExecutionSteps"]}
    assert set(found) == {"One", "Two", "Three"}
    assert found["One"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
    assert "SelectiveExecutionResult" not in found["Two"]
