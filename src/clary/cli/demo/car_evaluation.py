"""`clary demo car-evaluation`: from raw file to answered request, through boto3 and nothing else."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clary.cli.demo import car
from clary.cli.demo.shared import (
    SKLEARN_IMAGE,
    XGBOOST_IMAGE,
    make_bucket,
    once,
    remove_bucket_and_role,
    role_for,
    unless_missing,
    until,
    until_endpoint_is_gone,
)
from clary.cli.demo.stage import Line, Stage

SEED = 7
HYPERPARAMETERS = {
    "objective": "multi:softmax",
    "num_class": str(len(car.CLASSES)),
    "num_round": "400",
    "max_depth": "5",
    "eta": "0.1",
    "min_child_weight": "0",
    "lambda": "0.1",
    "subsample": "0.9",
    "eval_metric": "merror",
    "seed": str(SEED),
}


@dataclass
class CarEvaluation:
    """One run of the demonstration. Every name carries `run`, so runs never meet."""

    client: Callable[[str], Any]
    region: str
    run: str
    stage: Stage

    def __post_init__(self) -> None:
        self.bucket = f"car-evaluation-{self.run}"
        self.name = f"car-evaluation-{self.run}"
        self.role_name = f"car-evaluation-{self.run}"
        self.role = ""
        self.s3, self.iam = self.client("s3"), self.client("iam")
        self.sagemaker, self.runtime = self.client("sagemaker"), self.client("sagemaker-runtime")

    def play(self) -> dict[str, Any]:
        """Everything but the clean-up. Answers what was measured."""
        with self.stage.step("role and bucket") as line:
            self._role_and_bucket(line)
        with self.stage.step("upload the raw data") as line:
            self._upload(line)
        with self.stage.step("processing job: features") as line:
            self._process(line)
        with self.stage.step("training job: XGBoost") as line:
            self._train(line)
        with self.stage.step("deploy an endpoint") as line:
            self._deploy(line)
        with self.stage.step("1,728 requests, one car each") as line:
            answers = self._ask(line)
        return self._measure(answers)

    def clean_up(self) -> None:
        """Nothing that `play` made is left, wherever it stopped."""
        with self.stage.step("clean up") as line:
            gone = (
                (self.sagemaker.delete_endpoint, {"EndpointName": self.name}),
                (self.sagemaker.delete_endpoint_config, {"EndpointConfigName": self.name}),
                (self.sagemaker.delete_model, {"ModelName": self.name}),
            )
            for delete, which in gone:
                unless_missing(delete, which)
            until_endpoint_is_gone(line, self.sagemaker, self.name)
            remove_bucket_and_role(self.s3, self.bucket, self.iam, self.role_name)
            line.result = "endpoint, model, bucket and role are gone; the jobs stay in the list"

    # -- the steps ------------------------------------------------------------------------------------------------

    def _role_and_bucket(self, line: Line) -> None:
        self.role = role_for(self.iam, self.role_name, self.bucket)
        make_bucket(self.s3, self.bucket, self.region)
        line.result = f"s3://{self.bucket}"

    def _upload(self, line: Line) -> None:
        body = car.csv().encode()
        self.s3.put_object(Bucket=self.bucket, Key="raw/car.csv", Body=body, ContentType="text/csv")
        script = Path(__file__).with_name("car_features.py").read_bytes()
        self.s3.put_object(Bucket=self.bucket, Key="code/car_features.py", Body=script)
        line.result = f"{body.count(10):,} rows, {len(body):,} bytes"

    def _process(self, line: Line) -> None:
        once(
            self.sagemaker.create_processing_job,
            ProcessingJobName=self.name,
            RoleArn=self.role,
            AppSpecification={
                "ImageUri": SKLEARN_IMAGE.format(region=self.region),
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/car_features.py"],
                "ContainerArguments": ["--seed", str(SEED)],
            },
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
            },
            ProcessingInputs=[self._input("raw", "raw/"), self._input("code", "code/car_features.py")],
            ProcessingOutputConfig={
                "Outputs": [self._output(one) for one in ("train", "validation", "holdout", "encoding")]
            },
        )
        until(
            line,
            lambda: self.sagemaker.describe_processing_job(ProcessingJobName=self.name),
            "ProcessingJobStatus",
            "Completed",
        )
        counts = [f"{len(self._read_csv(part)):,} {part}" for part in ("train", "validation", "holdout")]
        line.result = "rows: " + ", ".join(counts)

    def _input(self, name: str, key: str) -> dict[str, Any]:
        return {
            "InputName": name,
            "S3Input": {
                "S3Uri": f"s3://{self.bucket}/{key}",
                "LocalPath": f"/opt/ml/processing/input/{name}",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }

    def _output(self, name: str) -> dict[str, Any]:
        return {
            "OutputName": name,
            "S3Output": {
                "S3Uri": f"s3://{self.bucket}/features/{name}",
                "LocalPath": f"/opt/ml/processing/output/{name}",
                "S3UploadMode": "EndOfJob",
            },
        }

    def _train(self, line: Line) -> None:
        once(
            self.sagemaker.create_training_job,
            TrainingJobName=self.name,
            RoleArn=self.role,
            AlgorithmSpecification={
                "TrainingImage": XGBOOST_IMAGE.format(region=self.region),
                "TrainingInputMode": "File",
            },
            HyperParameters=HYPERPARAMETERS,
            InputDataConfig=[self._channel(one) for one in ("train", "validation")],
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/models"},
            ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        done = until(
            line,
            lambda: self.sagemaker.describe_training_job(TrainingJobName=self.name),
            "TrainingJobStatus",
            "Completed",
        )
        self._artifact = done["ModelArtifacts"]["S3ModelArtifacts"]
        metrics = {one["MetricName"]: one["Value"] for one in done.get("FinalMetricDataList", [])}
        line.result = ", ".join(f"{name} {value:.4f}" for name, value in sorted(metrics.items()))

    def _channel(self, name: str) -> dict[str, Any]:
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{self.bucket}/features/{name}/",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}

    def _deploy(self, line: Line) -> None:
        container = {"Image": XGBOOST_IMAGE.format(region=self.region), "ModelDataUrl": self._artifact}
        once(self.sagemaker.create_model, ModelName=self.name, ExecutionRoleArn=self.role, PrimaryContainer=container)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": self.name,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": 1.0,
        }
        once(self.sagemaker.create_endpoint_config, EndpointConfigName=self.name, ProductionVariants=[variant])
        once(self.sagemaker.create_endpoint, EndpointName=self.name, EndpointConfigName=self.name)
        until(line, lambda: self.sagemaker.describe_endpoint(EndpointName=self.name), "EndpointStatus", "InService")
        line.result = self.name

    def _ask(self, line: Line) -> dict[tuple[str, ...], str]:
        encoding = json.loads(self._read("features/encoding/encoding.json"))
        codes = [{word: str(n) for n, word in enumerate(encoding[name])} for name in car.ATTRIBUTES]
        cars = list(car.rows())
        answers, waits = {}, []
        for done, row in enumerate(cars, 1):
            body = ",".join(code[word] for code, word in zip(codes, row, strict=True))
            began = time.perf_counter()
            answer = self.runtime.invoke_endpoint(EndpointName=self.name, ContentType="text/csv", Body=body)
            said = answer["Body"].read()
            waits.append(time.perf_counter() - began)
            answers[row] = encoding["label"][int(float(said))]
            line.count(done, len(cars))
        waits.sort()
        self._latency = {"p50_ms": round(waits[len(waits) // 2] * 1e3, 2), "p99_ms": round(waits[-18] * 1e3, 2)}
        line.result = f"p50 {self._latency['p50_ms']} ms, p99 {self._latency['p99_ms']} ms, seen by boto3"
        return answers

    # -- looking and measuring ------------------------------------------------------------------------------------

    def _read(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def _read_csv(self, part: str) -> list[tuple[str, ...]]:
        text = self._read(f"features/{part}/{part}.csv").decode()
        return [tuple(line.split(",")) for line in text.splitlines()]

    def _measure(self, answers: dict[tuple[str, ...], str]) -> dict[str, Any]:
        """Accuracy over each part against the oracle, and what was mistaken for what."""
        encoding = json.loads(self._read("features/encoding/encoding.json"))
        names = list(car.ATTRIBUTES)
        accuracy = {}
        for part in ("train", "validation", "holdout"):
            cars = [
                tuple(encoding[name][int(code)] for name, code in zip(names, line[1:], strict=True))
                for line in self._read_csv(part)
            ]
            right = sum(answers[one] == car.label(one) for one in cars)
            accuracy[part] = {"rows": len(cars), "right": right, "accuracy": round(right / len(cars), 4)}
        right = sum(answer == car.label(row) for row, answer in answers.items())
        accuracy["all"] = {"rows": len(answers), "right": right, "accuracy": round(right / len(answers), 4)}
        confused = Counter((car.label(row), answer) for row, answer in answers.items())
        confusion = {true: {said: confused[true, said] for said in car.CLASSES} for true in car.CLASSES}
        return {
            "road": "light",
            "accuracy": accuracy,
            "confusion": confusion,
            "latency": self._latency,
            "endpoint": self.name,
        }
