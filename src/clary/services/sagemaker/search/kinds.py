"""Which resources are searched, and what a record of each holds: what Describe answers, as far as Search has it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from clary.aws import model
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.pipeline.language.expressions import text
from clary.services.sagemaker import endpoints, models, training, tuning
from clary.services.sagemaker.cards import cards
from clary.services.sagemaker.endpoints.describing import described as endpoint
from clary.services.sagemaker.experiments import names
from clary.services.sagemaker.experiments.components import described as component
from clary.services.sagemaker.experiments.components import partly
from clary.services.sagemaker.experiments.experiments import described as experiment
from clary.services.sagemaker.experiments.trials import described as trial
from clary.services.sagemaker.pipelines import machine
from clary.services.sagemaker.pipelines.executions import described as execution
from clary.services.sagemaker.registry import groups, packages
from clary.services.sagemaker.registry.names import GROUP, PACKAGE
from clary.services.sagemaker.search.matching import Properties
from clary.services.sagemaker.training.operations import described as training_job
from clary.services.sagemaker.tuning.operations import described as tuning_job


@dataclass(frozen=True, slots=True)
class Kind:
    """One value of Search's Resource."""

    kind: str
    """Of the rows."""
    member: str
    """Of SearchRecord."""
    described: Callable[[Resource], Doc]
    arn: str
    """The member of the record that holds its ARN; "": none does."""
    name: str = ""
    """The property that the rows are named by; "": none."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    folded: frozenset[str] = frozenset()
    tags: str = "Tags"
    """The member of the record that holds the tags, or in which they are; "": it has none."""
    partly: Callable[[Resource, Iterable[str]], Doc] | None = None
    """As `described`, of the members alone that are asked for; None: all of it costs little."""
    beside: Callable[[Store, Resource], Doc] | None = None
    """Members of the record that other rows know; None: none."""


def _model(one: Resource) -> Doc:
    said = one.public()
    said.pop("Tags", None)
    said = {name: value for name, value in said.items() if value not in ({}, [])}
    return {"Model": {"EnableNetworkIsolation": False, **said, "ModelArn": one.arn, "CreationTime": one.created}}


def _pipeline(one: Resource) -> Doc:
    return {
        **one.spec,
        **one.status,
        "PipelineArn": one.arn,
        "PipelineName": one.name,
        "PipelineStatus": one.phase,
        "CreationTime": one.created,
        "LastModifiedTime": one.modified,
    }


def _version(one: Resource) -> Doc:
    return {**one.spec, **one.status, "CreationTime": one.created, "LastModifiedTime": one.modified}


def _of_pipeline(store: Store, version: Resource) -> Doc:
    try:
        return {"PipelineArn": store.find(machine.PIPELINE, version.parent).arn}
    except Missing:  # it is being deleted
        return {}


def _execution(one: Resource) -> Doc:
    given = [{"Name": name, "Value": text(value)} for name, value in sorted(one.status["_parameters"].items())]
    return {**execution(one), **({"PipelineParameters": given} if given else {})}


_EXPERIMENT: Final = frozenset({"ExperimentName"})
_TRIAL: Final = frozenset({"ExperimentName", "TrialName"})
_COMPONENT: Final = frozenset({"TrialComponentName", "RunName", "Parents.ExperimentName", "Parents.TrialName"})
_OF_MODEL: Final = (
    "ModelName",
    "ModelArn",
    "CreationTime",
    "ExecutionRoleArn",
    "PrimaryContainer",
    "Containers",
    "Tags",
)

KINDS: Final[Mapping[str, Kind]] = {
    "Endpoint": Kind(endpoints.KIND, "Endpoint", endpoint, "EndpointArn", "EndpointName"),
    "Experiment": Kind(
        names.EXPERIMENT, "Experiment", experiment, "ExperimentArn", "ExperimentName", folded=_EXPERIMENT
    ),
    "ExperimentTrial": Kind(names.TRIAL, "Trial", trial, "TrialArn", "TrialName", folded=_TRIAL),
    "ExperimentTrialComponent": Kind(
        names.COMPONENT,
        "TrialComponent",
        component,
        "TrialComponentArn",
        "TrialComponentName",
        folded=_COMPONENT,
        partly=partly,
    ),
    "HyperParameterTuningJob": Kind(
        tuning.KIND, "HyperParameterTuningJob", tuning_job, "HyperParameterTuningJobArn", "HyperParameterTuningJobName"
    ),
    "Model": Kind(
        models.KIND,
        "Model",
        _model,
        "Model.ModelArn",
        "Model.ModelName",
        aliases={name.lower(): f"Model.{name}" for name in _OF_MODEL},
        tags="Model",
    ),
    "ModelCard": Kind(cards.KIND, "ModelCard", cards.searched, "ModelCardArn", "ModelCardName"),
    "ModelPackage": Kind(PACKAGE, "ModelPackage", packages.described, "ModelPackageArn"),
    "ModelPackageGroup": Kind(
        GROUP, "ModelPackageGroup", groups.described, "ModelPackageGroupArn", "ModelPackageGroupName"
    ),
    "Pipeline": Kind(machine.PIPELINE, "Pipeline", _pipeline, "PipelineArn", "PipelineName"),
    "PipelineExecution": Kind(machine.EXECUTION, "PipelineExecution", _execution, "PipelineExecutionArn", tags=""),
    "PipelineVersion": Kind(machine.VERSION, "PipelineVersion", _version, "", tags="", beside=_of_pipeline),
    "TrainingJob": Kind(
        training.KIND,
        "TrainingJob",
        training_job,
        "TrainingJobArn",
        "TrainingJobName",
        aliases={"metrics": "FinalMetricDataList"},
    ),
}


@lru_cache(maxsize=32)
def members(resource: str) -> tuple[str, ...]:
    """The members of the resource's record, as the model has them."""
    answer = model.load("sagemaker").operation("Search").output
    assert answer is not None
    return tuple(answer.members["Results"].member.members[KINDS[resource].member].members)


def properties(resource: str) -> Properties:
    kind = KINDS[resource]
    return Properties({one.lower(): one for one in members(resource)}, kind.aliases, kind.folded)
