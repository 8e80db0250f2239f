"""`clary demo iris-stress`: two models of iris behind one endpoint, autoscaling, and a stress test."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from clary.cli.demo.iris_load import SHORT, Loads, alarm_seconds, not_served, stress
from clary.cli.demo.shared import (
    SKLEARN_IMAGE,
    XGBOOST_IMAGE,
    DemoFailed,
    make_bucket,
    once,
    remove_bucket_and_role,
    role_for,
    unless_missing,
    until,
    until_endpoint_is_gone,
)
from clary.cli.demo.stage import Line, Stage
from clary.stress.target import Target

ENDPOINT = "iris-model-production"
COMMON = {"objective": "multi:softmax", "num_class": "3", "num_round": "30", "eval_metric": "merror", "seed": "42"}
VARIANTS: dict[str, dict[str, str]] = {
    # The lab's own: merror 0.03 on the 100 flowers of the training, 0.10 on the 50 of the validation.
    "model-a": {
        "max_depth": "5",
        "eta": "0.2",
        "gamma": "4",
        "min_child_weight": "6",
        "alpha": "10",
        "subsample": "0.7",
    },
    # 0.96 over all 150.
    "model-b": {"max_depth": "5", "eta": "0.2", "gamma": "0", "min_child_weight": "4", "alpha": "0"},
}
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TARGET_INVOCATIONS = 200.0
MOST_INSTANCES = 10
COPIES = 20


@dataclass
class IrisStress:
    """One run of the demonstration. The endpoint has the lab's name, everything else carries `run`."""

    client: Callable[[str], Any]
    target: Target
    run: str
    stage: Stage
    loads: Loads = SHORT
    report: Path = field(default=Path("iris-stress.html"))

    def __post_init__(self) -> None:
        self.name = ENDPOINT
        self.bucket = self.own = f"iris-stress-{self.run}"
        self.role = ""
        self._made = False
        self._artifacts: dict[str, str] = {}
        self._pace: tuple[float, float] | None = None
        self.s3, self.iam, self.sagemaker = self.client("s3"), self.client("iam"), self.client("sagemaker")
        self.scaling = self.client("application-autoscaling")

    def play(self) -> dict[str, Any]:
        """Everything but the clean-up. Answers what was measured."""
        self._nothing_in_the_way()
        with self.stage.step("role and bucket") as line:
            self.role = role_for(self.iam, self.own, self.bucket)
            make_bucket(self.s3, self.bucket, self.target.region)
            line.result = f"s3://{self.bucket}"
        with self.stage.step("processing job: split iris") as line:
            self._split(line)
        with self.stage.step("two training jobs: XGBoost") as line:
            merror = self._train(line)
        with self.stage.step("deploy two variants") as line:
            self._deploy(line)
        with self.stage.step("autoscaling") as line:
            self._scale(line)
        with self.stage.step("stress test") as line:
            found = stress(self.target, self._rows(), self.loads, self._pace, line)
            line.result = self._told(found)
        with self.stage.step("report") as line:
            from clary.stress.page import page

            self.report.write_text(page(found), encoding="utf-8")
            line.result = str(self.report)
        return {"merror": merror, "endpoint": self.name, "report": str(self.report), "stress": found}

    def clean_up(self) -> None:
        """Nothing that `play` made is left, wherever it stopped."""
        with self.stage.step("clean up") as line:
            if self._made:
                for variant in VARIANTS:
                    self._forget_scaling(variant)
                unless_missing(self.sagemaker.delete_endpoint, {"EndpointName": self.name})
                until_endpoint_is_gone(line, self.sagemaker, self.name)
            unless_missing(self.sagemaker.delete_endpoint_config, {"EndpointConfigName": self.own})
            for variant in VARIANTS:
                unless_missing(self.sagemaker.delete_model, {"ModelName": f"iris-{variant}-{self.run}"})
            remove_bucket_and_role(self.s3, self.bucket, self.iam, self.own)
            line.result = "endpoint, models, bucket and role are gone; the jobs stay in the list"

    # -- the steps ------------------------------------------------------------------------------------------------

    def _nothing_in_the_way(self) -> None:
        try:
            self.sagemaker.describe_endpoint(EndpointName=self.name)
        except ClientError as error:
            if "Could not find" in str(error):
                return
            raise
        raise DemoFailed(f"there is an endpoint {self.name} already: delete it, or play on another home (--home DIR)")

    def _split(self, line: Line) -> None:
        script = Path(__file__).with_name("iris_split.py").read_bytes()
        self.s3.put_object(Bucket=self.bucket, Key="code/iris_split.py", Body=script)
        source = {
            "S3Uri": f"s3://{self.bucket}/code/iris_split.py",
            "LocalPath": "/opt/ml/processing/input/code",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        }
        once(
            self.sagemaker.create_processing_job,
            ProcessingJobName=self.own,
            RoleArn=self.role,
            AppSpecification={
                "ImageUri": SKLEARN_IMAGE.format(region=self.target.region),
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/iris_split.py"],
            },
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
            },
            ProcessingInputs=[{"InputName": "code", "S3Input": source}],
            ProcessingOutputConfig={"Outputs": [self._output(one) for one in ("train", "validation", "all")]},
        )
        until(
            line,
            lambda: self.sagemaker.describe_processing_job(ProcessingJobName=self.own),
            "ProcessingJobStatus",
            "Completed",
        )
        line.result = "100 flowers to train, 50 to validate"

    def _output(self, name: str) -> dict[str, Any]:
        output = {
            "S3Uri": f"s3://{self.bucket}/data/{name}",
            "LocalPath": f"/opt/ml/processing/output/{name}",
            "S3UploadMode": "EndOfJob",
        }
        return {"OutputName": name, "S3Output": output}

    def _train(self, line: Line) -> dict[str, dict[str, float]]:
        """The error rates of both models, by variant; both train at the same time."""
        for variant, own in VARIANTS.items():
            once(
                self.sagemaker.create_training_job,
                TrainingJobName=f"iris-{variant}-{self.run}",
                RoleArn=self.role,
                AlgorithmSpecification={
                    "TrainingImage": XGBOOST_IMAGE.format(region=self.target.region),
                    "TrainingInputMode": "File",
                },
                HyperParameters={**COMMON, **own},
                InputDataConfig=[self._channel(one) for one in ("train", "validation")],
                OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/models"},
                ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
                StoppingCondition={"MaxRuntimeInSeconds": 600},
            )
        found = {}
        for variant in VARIANTS:
            name = f"iris-{variant}-{self.run}"
            done = until(line, lambda n=name: self._training(n), "TrainingJobStatus", "Completed")  # type: ignore[misc]
            self._artifacts[variant] = done["ModelArtifacts"]["S3ModelArtifacts"]
            metrics = {one["MetricName"]: one["Value"] for one in done.get("FinalMetricDataList", [])}
            found[variant] = {
                part: round(metrics[f"{part}:merror"], 4)
                for part in ("train", "validation")
                if f"{part}:merror" in metrics
            }
        line.result = "train/validation merror: " + ", ".join(
            f"{variant} {' / '.join(f'{value:.2f}' for value in errors.values())}" for variant, errors in found.items()
        )
        return found

    def _training(self, name: str) -> dict[str, Any]:
        said: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return said

    def _channel(self, name: str) -> dict[str, Any]:
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{self.bucket}/data/{name}/",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}

    def _deploy(self, line: Line) -> None:
        image = XGBOOST_IMAGE.format(region=self.target.region)
        variants = []
        for variant in VARIANTS:
            model = f"iris-{variant}-{self.run}"
            container = {"Image": image, "ModelDataUrl": self._artifacts[variant]}
            once(self.sagemaker.create_model, ModelName=model, ExecutionRoleArn=self.role, PrimaryContainer=container)
            variants.append(
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "InitialVariantWeight": 1.0,
                }
            )
        once(self.sagemaker.create_endpoint_config, EndpointConfigName=self.own, ProductionVariants=variants)
        self._made = True
        once(self.sagemaker.create_endpoint, EndpointName=self.name, EndpointConfigName=self.own)
        until(line, lambda: self.sagemaker.describe_endpoint(EndpointName=self.name), "EndpointStatus", "InService")
        for variant in VARIANTS:
            self.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.name, TargetVariant=variant, ContentType="text/csv", Body="5.1,3.5,1.4,0.2"
            )
        line.result = f"{self.name}: {' and '.join(VARIANTS)}, weight 1 each; both answer"

    # -- autoscaling ----------------------------------------------------------------------------------------------

    def _scale(self, line: Line) -> None:
        """Both variants follow 200 invocations a minute and instance, between 1 and 10 instances."""
        try:
            for variant in VARIANTS:
                self._follow(variant)
            policies = self.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
            ours = [one for one in policies if f"endpoint/{self.name}/" in one["ResourceId"]]
            self._pace = alarm_seconds(self.client, ours)
        except ClientError as error:
            if not not_served(error):
                raise
            line.result = "this Clary has no Application Auto Scaling: the number of instances stays"
            return
        out, back = self._pace
        line.result = (
            f"1 to {MOST_INSTANCES} instances, {TARGET_INVOCATIONS:.0f} invocations a minute each; "
            f"out after {out:.0f} s, in after {back:.0f} s"
        )

    def _follow(self, variant: str) -> None:
        which = self._scaled(variant)
        self.scaling.register_scalable_target(**which, MinCapacity=1, MaxCapacity=MOST_INSTANCES)
        self.scaling.put_scaling_policy(
            **which,
            PolicyName=f"{self.name}-{variant}",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": TARGET_INVOCATIONS,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
                "ScaleInCooldown": 30,
                "ScaleOutCooldown": 60,
            },
        )

    def _scaled(self, variant: str) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.name}/variant/{variant}",
            "ScalableDimension": DIMENSION,
        }

    def _forget_scaling(self, variant: str) -> None:
        try:
            self.scaling.deregister_scalable_target(**self._scaled(variant))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ObjectNotFoundException" and not not_served(error):
                raise

    # -- the load -------------------------------------------------------------------------------------------------

    def _rows(self) -> list[tuple[str, str]]:
        """The lab's requests: all 150 flowers many times over, shuffled; each with its class."""
        text = self.s3.get_object(Bucket=self.bucket, Key="data/all/all.csv")["Body"].read().decode()
        rows = [
            (features, label) for label, _, features in (line.partition(",") for line in text.splitlines())
        ] * COPIES
        random.Random(42).shuffle(rows)
        return rows

    @staticmethod
    def _told(found: dict[str, Any]) -> str:
        """What the step's line says when it is over."""
        answered, failed = (sum(run[name] for run in found["runs"]) for name in ("answered", "errors"))
        most = [max((count for _, count, _ in seen), default=0) for seen in found["instances"].values()]
        last = [seen[-1][1] if seen else 0 for seen in found["instances"].values()]
        way = f"instances {'+'.join(['1'] * len(most))} -> {'+'.join(map(str, most))} -> {'+'.join(map(str, last))}"
        return f"{answered:,} answers, {failed:,} errors; {way}"
