"""What a pipeline costs besides its work: ten steps that do nothing, one after the other; a pipeline of 500 steps; the
list of 1,000 executions; and the second run of a pipeline whose steps are cached.

The peer of the first is ten bare starts of the same Python in the same sandbox, in the same run, and ten steps of other
orchestrators, each from an environment of its own, if it is installed (`peers.py`).
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from bench import report, servers
from bench.jobs import BUCKET, IMAGE, NOTHING, Clients, bare, connected, exchange
from bench.pipelines import peers

Doc = dict[str, Any]

SEQUENTIAL = 10
BUDGET, CACHED_BUDGET_MS = 2.0, 500.0
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
PLACE = "/opt/ml/processing"
WORDS = {"AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": NOTHING}}
PREPARE = f"""
import random
draw = random.Random(7)
with open("{PLACE}/out/train.csv", "w") as file:
    for _ in range(400):
        row = [draw.random() for _ in range(8)]
        file.write(",".join(map(str, [sum(row), *row])) + chr(10))
"""
EVALUATE = f"""
import json, os
size = sum(entry.stat().st_size for entry in os.scandir("{PLACE}/model"))
json.dump({{"metrics": {{"bytes": size}}}}, open("{PLACE}/out/evaluation.json", "w"))
"""


class Pipelines:
    """What a user has who starts pipelines."""

    def __init__(self, server: servers.Server) -> None:
        self.clients = Clients(server)
        self.sagemaker = self.clients.sagemaker
        self._connection = connected(server)
        iam = self.clients.iam
        iam.attach_role_policy(RoleName="bench", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")

    def create(self, name: str, steps: list[Doc]) -> None:
        document = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps}
        text = json.dumps(document)
        self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=self.clients.role)

    def run(self, name: str) -> float:
        """Seconds from Start until a Describe that is held as a waiter's tells of the end."""
        began = time.perf_counter()
        arn = self.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        said = self._ended(arn)
        if said["PipelineExecutionStatus"] != "Succeeded":
            raise RuntimeError(str(said))
        return time.perf_counter() - began

    def _ended(self, arn: str) -> Doc:
        while True:
            said = exchange(self._connection, self._asks(arn))
            if said["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
                return said

    def _asks(self, arn: str) -> bytes:
        """As a waiter sends it: answered when there is something new."""
        return self.clients.asks("DescribePipelineExecution", {"PipelineExecutionArn": arn})

    def processing(self, name: str, *after: str, **more: Any) -> Doc:
        said = {
            "RoleArn": self.clients.role,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            **WORDS,
            **more,
        }
        return {"Name": name, "Type": "Processing", "Arguments": said, **({"DependsOn": list(after)} if after else {})}


def condition(name: str, *after: str) -> Doc:
    """A step that takes nothing but the engine."""
    equal = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    said = {"Conditions": [equal], "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": said, **({"DependsOn": list(after)} if after else {})}


def sequential(house: Pipelines, scratch: Path, rounds: int) -> Doc:
    """Ten steps that do nothing, and ten bare starts, by turns."""
    names = [f"s{number}" for number in range(SEQUENTIAL)]
    house.create("ten", [house.processing(name, *names[max(0, at - 1) : at]) for at, name in enumerate(names)])
    starts, whole, alone = bare(scratch), [], []
    for _ in range(rounds + 1):
        whole.append(house.run("ten"))
        alone.append(sum(islice(starts, SEQUENTIAL)))
    # The first ones also load what every later one finds loaded.
    return {
        "ten_steps_ms": round(statistics.median(whole[1:]) * 1e3, 1),
        "ten_bare_starts_ms": round(statistics.median(alone[1:]) * 1e3, 1),
    }


def wide(house: Pipelines, few: int, many: int) -> Doc:
    """CPU of the server for a step of a wide pipeline without jobs, with few and with many steps."""
    found: Doc = {"few": few, "many": many}
    for label, count in (("few", few), ("many", many)):
        names = [f"c{number}" for number in range(count)]
        house.create(f"wide-{label}", [*map(condition, names), condition("last", *names)])
        cpu = house.clients.server.cpu_seconds()
        seconds = house.run(f"wide-{label}")
        spent = house.clients.server.cpu_seconds() - cpu
        found[f"{label}_ms_a_step"] = round(spent / count * 1e3, 2)
        found[f"{label}_s"] = round(seconds, 2)
    return found


def listed(house: Pipelines, executions: int, rounds: int) -> Doc:
    """ListPipelineExecutions and ListPipelineExecutionSteps with so many executions in the store."""
    house.create("many", [condition("only")])
    for _ in range(executions - 1):
        house.sagemaker.start_pipeline_execution(PipelineName="many")
    house.run("many")
    newest = house.sagemaker.list_pipeline_executions(PipelineName="many", MaxResults=1)["PipelineExecutionSummaries"][
        0
    ]
    arn = newest["PipelineExecutionArn"]
    return {
        "executions": executions,
        "list_100_ms": _median(lambda: house.sagemaker.list_pipeline_executions(PipelineName="many"), rounds),
        "describe_ms": _median(lambda: house.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn), rounds),
        "list_steps_ms": _median(
            lambda: house.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn), rounds
        ),
    }


def cached(house: Pipelines, rounds: int) -> Doc:
    """Preprocess, train, evaluate and a condition on the evaluation; then the same again, from the cache."""
    house.create("abalone", abalone(house))
    first = house.run("abalone")
    again = statistics.median(house.run("abalone") for _ in range(rounds))
    return {"first_ms": round(first * 1e3, 1), "cached_ms": round(again * 1e3, 1)}


def abalone(house: Pipelines) -> list[Doc]:
    keep = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}}
    prepare = house.processing("prepare", **program(house, "prepare", PREPARE), **leaves("data"))
    train = {
        "Name": "train",
        "Type": "Training",
        "Arguments": {
            "RoleArn": house.clients.role,
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "HyperParameters": {"num_round": "20", "objective": "reg:squarederror"},
            "InputDataConfig": [channel(read("prepare", "ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"))],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }
    model = entry("model", read("train", "ModelArtifacts.S3ModelArtifacts"))
    evaluate = house.processing("evaluate", **program(house, "evaluate", EVALUATE, model), **leaves("report"))
    evaluate["PropertyFiles"] = [{"PropertyFileName": "report", "OutputName": "out", "FilePath": "evaluation.json"}]
    asked = {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.report"}, "Path": "metrics.bytes"}
    check = condition("check")
    check["Arguments"]["Conditions"] = [{"Type": "GreaterThan", "LeftValue": {"Std:JsonGet": asked}, "RightValue": 0}]
    return [{**prepare, **keep}, {**train, **keep}, {**evaluate, **keep}, check]


def program(house: Pipelines, name: str, source: str, *inputs: Doc) -> Doc:
    """The program stands in S3, as the SDK puts it there."""
    key = f"code/{name}.py"
    house.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=source.encode())
    command = ["python3", f"{PLACE}/code/{name}.py"]
    return {
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": command},
        "ProcessingInputs": [entry("code", f"s3://{BUCKET}/{key}"), *inputs],
    }


def leaves(prefix: str) -> Doc:
    out = {"S3Uri": f"s3://{BUCKET}/{prefix}", "LocalPath": f"{PLACE}/out", "S3UploadMode": "EndOfJob"}
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": out}]}}


def read(step: str, path: str) -> Doc:
    return {"Get": f"Steps.{step}.{path}"}


def channel(uri: Doc) -> Doc:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    return {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}


def entry(name: str, uri: Doc | str) -> Doc:
    given = {"S3Uri": uri, "LocalPath": f"{PLACE}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": given}


def _median(call: Callable[[], Any], rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return round(statistics.median(spent) * 1e3, 2)


def main(smoke: bool) -> None:
    rounds, few, many, executions = (1, 5, 20, 5) if smoke else (7, 50, 500, 1000)
    with servers.clary() as server, tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        house = Pipelines(server)
        ten = sequential(house, Path(scratch), rounds)
        again = cached(house, rounds)
        width = wide(house, few, many)
        length = listed(house, executions, rounds * 3)
        others = {} if smoke else peers.all_of_them(Path(scratch), SEQUENTIAL)
    own = ten["ten_steps_ms"]
    ratios = {
        "ten_steps_vs_ten_bare_starts": round(own / ten["ten_bare_starts_ms"], 2),
        "wide_many_vs_few_a_step": round(width["many_ms_a_step"] / width["few_ms_a_step"], 2),
        **{f"{name}_vs_clary": round(one["run_ms"] / own, 1) for name, one in others.items() if "run_ms" in one},
    }
    notes = [
        f"budgets: ten steps within {BUDGET} times ten bare starts; a cached re-run within {CACHED_BUDGET_MS:.0f} ms",
        "as a client sees it: from Start until Describe tells of the end; medians",
        "of a peer: what its own run of ten steps takes, without the start of its program; the median of three",
        "read the ratios: a machine that others use makes everything slower alike",
    ]
    figures = {"sequential": ten, "cached": again, "wide": width, "list": length, "peers": others}
    report.keep("pipelines", figures, ratios, smoke=smoke, notes=notes)
