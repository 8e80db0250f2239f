"""Jobs of built-in images: training, tuning, batch transform."""

from collections.abc import Mapping
from typing import Any, Final

from clary.pipeline.language.definition import Doc
from clary.pipeline.nodes import Node, Options, Plain, Setting, stored
from clary.pipeline.values import Plain as Word
from clary.pipeline.values import Value, join

XGBOOST: Final = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
"""An image by any registry's name is the built-in one here; this one is AWS's, too."""
NONE: Final = Options()


class TrainingNode(Plain):
    """A training job."""

    @property
    def hyperparameters(self) -> Doc:
        found: Doc = self._arguments.get("HyperParameters", {})
        return found

    @property
    def model(self) -> Value:
        """The S3 URI of the model.tar.gz."""
        return self.get("ModelArtifacts.S3ModelArtifacts")


class TuningNode(Node):
    """A tuning job over a training job's arguments."""

    def __init__(self, name: str, base: TrainingNode, config: Doc, static: list[str], options: Options) -> None:
        super().__init__(name, "Tuning", options)
        self._base = base
        self._config = config
        self._static = static

    def arguments(self, setting: Setting) -> Doc:
        job = self._base.arguments(setting)
        given = job.pop("HyperParameters", {})
        job["StaticHyperParameters"] = {one: value for one, value in given.items() if one in self._static}
        job["OutputDataConfig"] = {"S3OutputPath": self._place(setting)}
        return {"HyperParameterTuningJobConfig": self._config, "TrainingJobDefinition": job}

    def _place(self, setting: Setting) -> Value:
        return stored(setting, self.name)

    @property
    def model(self) -> Value:
        """The S3 URI of the best job's model.tar.gz."""
        place = self.get("TrainingJobDefinition.OutputDataConfig.S3OutputPath")
        return join(place, self.get("BestTrainingJob.TrainingJobName"), "output/model.tar.gz", on="/")


def training(
    name: str,
    image: str,
    channels: Mapping[str, Value | str],
    *,
    hyperparameters: Mapping[str, Value | Word] | None = None,
    content_type: str | None = None,
    instance: str = "ml.m5.large",
    count: int = 1,
    volume_gb: int = 30,
    max_seconds: int = 86_400,
    environment: Mapping[str, str] | None = None,
    options: Options = NONE,
) -> TrainingNode:
    """A training job of the image, with the channels by name: S3 URIs, or outputs of other steps."""
    arguments: Doc = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "InputDataConfig": [_channel(one, place, content_type) for one, place in channels.items()],
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": volume_gb},
        "StoppingCondition": {"MaxRuntimeInSeconds": max_seconds},
    }
    if hyperparameters:
        arguments["HyperParameters"] = {one: _text(value) for one, value in hyperparameters.items()}
    if environment:
        arguments["Environment"] = dict(environment)
    return TrainingNode(name, "Training", arguments, options, role="RoleArn", folder="OutputDataConfig.S3OutputPath")


def xgboost(
    name: str,
    train: Value | str,
    validation: Value | str | None = None,
    *,
    image: str = XGBOOST,
    instance: str = "ml.m5.large",
    options: Options = NONE,
    **hyperparameters: Value | Word,
) -> TrainingNode:
    """XGBoost on CSV with the label first and no heading: `xgboost("train", data, objective="reg:squarederror",
    num_round=50)`."""
    channels: dict[str, Value | str] = {"train": train}
    if validation is not None:
        channels["validation"] = validation
    return training(
        name,
        image,
        channels,
        hyperparameters=hyperparameters,
        content_type="text/csv",
        instance=instance,
        options=options,
    )


def tuning(
    name: str,
    base: TrainingNode,
    metric: str,
    *,
    minimize: bool = True,
    ranges: Mapping[str, tuple[float, float] | list[str]],
    jobs: int = 10,
    parallel: int = 2,
    strategy: str = "Bayesian",
    options: Options = NONE,
) -> TuningNode:
    """The best of several runs of the training step `base`, which itself does not run. A range is (least, most), whole
    where both are, or a list of words."""
    spans: dict[str, list[Doc]] = {}
    for one, span in ranges.items():
        if isinstance(span, list):
            spans.setdefault("CategoricalParameterRanges", []).append({"Name": one, "Values": span})
        else:
            whole = all(isinstance(each, int) for each in span)
            kind = "IntegerParameterRanges" if whole else "ContinuousParameterRanges"
            bounds = {"MinValue": str(span[0]), "MaxValue": str(span[1])}
            spans.setdefault(kind, []).append({"Name": one, **bounds})
    config: Doc = {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": "Minimize" if minimize else "Maximize", "MetricName": metric},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
        "ParameterRanges": spans,
    }
    static = [one for one in base.hyperparameters if one not in ranges]
    return TuningNode(name, base, config, static, options)


def transform(
    name: str,
    model: Value | str,
    data: Value | str,
    *,
    content_type: str = "text/csv",
    instance: str = "ml.m5.large",
    count: int = 1,
    options: Options = NONE,
) -> Node:
    """The model of that name answers for every line of the data."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}}
    arguments: Doc = {
        "ModelName": model,
        "TransformInput": {"DataSource": source, "ContentType": content_type, "SplitType": "Line"},
        "TransformOutput": {"AssembleWith": "Line"},
        "TransformResources": {"InstanceType": instance, "InstanceCount": count},
    }
    return Plain(name, "Transform", arguments, options, folder="TransformOutput.S3OutputPath")


def _channel(name: str, place: Value | str, content_type: str | None) -> Doc:
    source = {"S3DataType": "S3Prefix", "S3Uri": place, "S3DataDistributionType": "FullyReplicated"}
    typed: Any = {"ContentType": content_type} if content_type else {}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **typed}


def _text(value: Value | Word) -> Value | str:
    """Hyperparameters are text."""
    if isinstance(value, Value):
        return join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
