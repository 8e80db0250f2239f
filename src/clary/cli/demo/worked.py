"""What the demonstrations of pipelines share: from the bucket to the answering endpoint, and back."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from clary.cli.demo.clearing import clear, stop_executions
from clary.cli.demo.shared import LOOK_SECONDS, PATIENCE_SECONDS, TRUST, DemoFailed, make_bucket, once, until
from clary.cli.demo.stage import Line, Stage
from clary.cli.lineage import ancestors
from clary.pipeline import Pipeline

FULL_ACCESS: Final = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
SEED: Final = 1
OVER: Final = ("Succeeded", "Failed", "Stopped")

Doc = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """What the model learns from."""

    text: str
    said: str
    """Whose data they are."""

    @classmethod
    def of(cls, file: Path | None, made_up: Callable[[int], str], like: str) -> "Data":
        """The file's; without one, made up."""
        if file is None:
            return cls(made_up(SEED), f"synthetic {like}-like data, seed {SEED}")
        return cls(file.read_text(), str(file))


@dataclass
class Worked:
    """One pipeline with a bucket, a role, a group of versions and an endpoint of its own. All names carry the run's."""

    title: str
    client: Callable[[str], Any]
    region: str
    url: str
    run: str
    stage: Stage
    data: Data
    build: Callable[[str, str], Pipeline]
    executions: list[Doc] = field(default_factory=list)
    versions: list[Doc] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group = self.bucket = self.own = f"{self.title}-{self.run}"
        self.name = f"{self.own}-production"
        self.role = ""
        self.s3, self.iam = self.client("s3"), self.client("iam")
        self.sagemaker, self.runtime = self.client("sagemaker"), self.client("sagemaker-runtime")

    def prepare(self) -> None:
        """The role, the bucket with the raw data in it, and the pipeline are there."""
        with self.stage.step("role and bucket") as line:
            self._make_role()
            make_bucket(self.s3, self.bucket, self.region)
            line.result = f"s3://{self.bucket}"
        with self.stage.step("upload the raw data") as line:
            self.s3.put_object(Bucket=self.bucket, Key=f"raw/{self.title}.csv", Body=self.data.text.encode())
            line.result = f"{self.data.text.count(chr(10)):,} lines: {self.data.said}"
        with self.stage.step("create the pipeline") as line:
            pipeline = self.build(self.own, self.bucket)
            pipeline.upsert(self.sagemaker, self.role, s3=self.s3)
            line.result = f"{self.own}, {len(pipeline.nodes())} steps"

    def execute(self, title: str, parameters: Mapping[str, Any], wanted: str = "Succeeded") -> Doc:
        """The pipeline has run and ended as `wanted`: what became of each step. Raises DemoFailed."""
        with self.stage.step(f"run: {title}") as line:
            asked = [{"Name": name, "Value": str(value)} for name, value in parameters.items()]
            started = self.sagemaker.start_pipeline_execution(PipelineName=self.own, PipelineParameters=asked)
            described, steps = self._ended(line, started["PipelineExecutionArn"])
            told = {"run": title, "parameters": dict(parameters), **_told(described, steps), **self._judged(steps)}
            self.executions.append(told)
            if told["status"] != wanted:
                raise DemoFailed(f"the execution is {told['status']}: {told['reason'] or 'it should have failed'}")
            line.result = told["reason"] or _metrics(told)
        return told

    def version(self, execution: Doc) -> str:
        """The ARN of the version that the execution registered."""
        found: str = next(step["version"] for step in execution["steps"] if "version" in step)
        return found

    def approve(self, execution: Doc) -> str:
        """The version that the execution registered is Approved: its ARN."""
        with self.stage.step("approve the version") as line:
            arn = self.version(execution)
            words = f"the gate of the run {execution['run']!r}"
            self.sagemaker.update_model_package(
                ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=words
            )
            line.result = arn.partition("model-package/")[2]
            self.versions.append({"version": arn, "metrics": execution["metrics"]})
        return arn

    def deploy(self, package: str) -> None:
        """The endpoint serves the package."""
        with self.stage.step("deploy it") as line:
            named = f"{self.own}-{package.rpartition('/')[2]}"
            container = {"ModelPackageName": package}
            once(self.sagemaker.create_model, ModelName=named, ExecutionRoleArn=self.role, PrimaryContainer=container)
            variant = {
                "VariantName": "AllTraffic",
                "ModelName": named,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
            once(self.sagemaker.create_endpoint_config, EndpointConfigName=named, ProductionVariants=[variant])
            first = len(self.versions) == 1
            make = self.sagemaker.create_endpoint if first else self.sagemaker.update_endpoint
            once(make, EndpointName=self.name, EndpointConfigName=named)
            served = until(line, self._endpoint, "EndpointStatus", "InService")
            if served["EndpointConfigName"] != named:
                raise DemoFailed(f"the endpoint went back to {served['EndpointConfigName']}")
            line.result = self.name

    def ask(self, execution: Doc) -> Doc:
        """The first row that was held back, as the endpoint answers it: `label` and `answer`."""
        with self.stage.step("one inference") as line:
            rows = self._read(execution, "prepare", "test", "rows.csv")
            label, _, row = rows.partition("\n")[0].strip().partition(",")
            began = time.perf_counter()
            said = self.runtime.invoke_endpoint(EndpointName=self.name, ContentType="text/csv", Body=row)
            answer = float(said["Body"].read())
            waited = round((time.perf_counter() - began) * 1e3, 1)
            line.result = f"{answer:.3f}, known: {label}, in {waited} ms"
        return {"row": row, "label": float(label), "answer": answer, "milliseconds": waited}

    def lineage(self) -> list[str]:
        """What the endpoint is made of, down to the raw data, as lines of a tree."""
        with self.stage.step("from the endpoint back to the data") as line:
            arn, raw = self._endpoint()["EndpointArn"], f"s3://{self.bucket}/raw/{self.title}.csv"
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                tree = ancestors(self.sagemaker, arn)
                if any(raw in one for one in tree):
                    break
                if time.monotonic() > deadline:
                    raise DemoFailed(f"the lineage of {self.name} does not lead to {raw}")
                time.sleep(LOOK_SECONDS)
            line.result = f"{len(tree)} lines, down to {raw}"
        return tree

    def found(self, inference: Doc, lineage: list[str]) -> Doc:
        """The document of the demonstration."""
        return {
            "data": self.data.said,
            "pipeline": self.own,
            "executions": self.executions,
            "versions": self.versions,
            "endpoint": self.name,
            "url": f"{self.url}/endpoints/{self.name}/invocations",
            "inference": inference,
            "lineage": lineage,
        }

    def clean_up(self) -> None:
        """Nothing that was made is left, wherever it stopped, but jobs and what is known of them."""
        with self.stage.step("clean up") as line:
            stop_executions(line, self.sagemaker, self.own)
            clear(line, self.client, self.own, self.name)
            line.result = "endpoint, versions, pipeline, bucket and role are gone; jobs and lineage stay"

    # -- the parts ------------------------------------------------------------------------------------------------

    def _make_role(self) -> None:
        """A role that may run pipelines and everything in them, with the bucket's objects."""
        once(self.iam.create_role, RoleName=self.own, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.role = self.iam.get_role(RoleName=self.own)["Role"]["Arn"]
        self.iam.attach_role_policy(RoleName=self.own, PolicyArn=FULL_ACCESS)
        bucket = f"arn:aws:s3:::{self.bucket}"
        statement = [
            {"Effect": "Allow", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": self.role},
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self.iam.put_role_policy(RoleName=self.own, PolicyName="data", PolicyDocument=policy)

    def _endpoint(self) -> Doc:
        described: Doc = self.sagemaker.describe_endpoint(EndpointName=self.name)
        return described

    def _ended(self, line: Line, arn: str) -> tuple[Doc, list[Doc]]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            described = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
                PipelineExecutionArn=arn, SortOrder="Ascending"
            )
            steps = [one for page in pages for one in page["PipelineExecutionSteps"]]
            if described["PipelineExecutionStatus"] in OVER:
                return described, steps
            line.say(", ".join(one["StepName"] for one in steps if one["StepStatus"] in ("Starting", "Executing")))
            time.sleep(LOOK_SECONDS)
        raise DemoFailed(f"{arn} did not end within {PATIENCE_SECONDS:.0f} s")

    def _judged(self, steps: list[Doc]) -> Doc:
        """What `evaluate` returned, where the execution came so far."""
        if not any(one["StepName"] == "evaluate" and one["StepStatus"] == "Succeeded" for one in steps):
            return {"metrics": {}}
        return {"metrics": json.loads(self._read(_told({}, steps), "evaluate", "result", "result.json"))}

    def _read(self, execution: Mapping[str, Any], step: str, output: str, file: str) -> str:
        """A file that a function step of that execution wrote."""
        job = next(one["job"] for one in execution["steps"] if one["step"] == step)
        described = self.sagemaker.describe_processing_job(ProcessingJobName=job)
        outputs = {
            one["OutputName"]: one["S3Output"]["S3Uri"] for one in described["ProcessingOutputConfig"]["Outputs"]
        }
        bucket, _, key = outputs[output].removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=f"{key}/{file}")["Body"].read()
        return body.decode()


def _told(described: Mapping[str, Any], steps: list[Doc]) -> Doc:
    """An execution as the document has it: seconds as the server counts them."""
    whole: Doc = {}
    if described:
        took = described["LastModifiedTime"] - described["CreationTime"]
        whole = {
            "arn": described["PipelineExecutionArn"],
            "status": described["PipelineExecutionStatus"],
            "seconds": round(took.total_seconds(), 3),
        }
    failed = next((one for one in steps if one["StepStatus"] == "Failed"), {})
    message = failed.get("Metadata", {}).get("Fail", {}).get("ErrorMessage")
    why = described.get("FailureReason", "")
    reason = message or (f"{failed['StepName']}: {failed.get('FailureReason', why)}" if failed else why)
    return {**whole, "reason": reason, "steps": [_step(one) for one in steps]}


def _step(one: Doc) -> Doc:
    metadata = one.get("Metadata", {})
    told: Doc = {"step": one["StepName"], "status": one["StepStatus"], "cached": "CacheHitResult" in one}
    if "EndTime" in one:
        told["seconds"] = round((one["EndTime"] - one["StartTime"]).total_seconds(), 3)
    for kind in ("ProcessingJob", "TrainingJob"):
        if kind in metadata:
            told["job"] = metadata[kind]["Arn"].rpartition("/")[2]
    if "RegisterModel" in metadata:
        told["version"] = metadata["RegisterModel"]["Arn"]
    if "Condition" in metadata:
        told["outcome"] = metadata["Condition"]["Outcome"] == "True"
    return told


def _metrics(told: Doc) -> str:
    from clary.numbers import numbers

    found = numbers(told["metrics"])
    named = {name.removesuffix(".value").rpartition(".")[2]: value for name, value in found.items()}
    return ", ".join(f"{name} {value:.4g}" for name, value in named.items())
