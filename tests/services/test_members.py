"""Nothing is accepted in silence: every member of every served request is read by the code of its family, or named
among the members that its operation ignores."""

import ast
import copy
import importlib
import pkgutil
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import clary.services
from clary.aws import model
from clary.aws.errors import NotImplementedHere
from clary.aws.model import Shape
from clary.aws.service import Service
from clary.engines.serving.faults import NOT_SERVED
from clary.kernel.resource import Doc
from tests.sagemaker_house import ROLE, XGBOOST, House, processing_request, training_request
from tests.tuning_house import tuning_request

SERVICES: list[Service] = [
    importlib.import_module(f"clary.services.{one.name}").service
    for one in pkgutil.iter_modules(clary.services.__path__)
]
OPERATIONS = [
    pytest.param(service, name, id=f"{service.name}-{name}") for service in SERVICES for name in service.handlers
]
ROOT = Path(clary.services.__file__).parent
CONTAINER = (
    "AdditionalModelDataSources",
    "ModelDataSource.S3DataSource.HubAccessConfig",
    "ModelDataSource.S3DataSource.ManifestEtag",
    "ModelDataSource.S3DataSource.ManifestS3Uri",
    "ModelDataSource.S3DataSource.ETag",
)
DEFINITION = (
    "AlgorithmSpecification.AlgorithmName",
    "InputDataConfig.DataSource.DatasetSource",
    "InputDataConfig.DataSource.FileSystemDataSource",
    "InputDataConfig.DataSource.S3DataSource.HubAccessConfig",
    "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames",
    "ResourceConfig.InstanceGroups",
    "ResourceConfig.InstancePlacementConfig",
    "ResourceConfig.InstancePreferences",
    "ResourceConfig.SelectedInstanceCount",
    "ResourceConfig.SelectedInstanceType",
)
GROUP = (
    *("AdditionalConfiguration", "CustomerContentEncryptionConfiguration", "EngineConfiguration", "ExecutionRole"),
    *("MonitoringConfiguration", "QueryResultsS3AccessGrantsConfiguration"),
)
REFUSED = {
    "CreateModel": tuple(f"{member}.{path}" for member in ("PrimaryContainer", "Containers") for path in CONTAINER),
    "CreateEndpointConfig": (
        "ExplainerConfig",
        "CrossRegionTrafficConfig",
        "ProductionVariants.AcceleratorPartitionLayouts",
        "ProductionVariants.CapacityReservationConfig",
        "ProductionVariants.CoreDumpConfig",
        "ProductionVariants.InstancePools",
        "ProductionVariants.ManagedInstanceScaling",
    ),
    "CreateProcessingJob": (
        "ProcessingInputs.DatasetDefinition",
        "ProcessingOutputConfig.Outputs.FeatureStoreOutput",
        "ProcessingResources.ClusterConfig.InstancePreferences",
        "ProcessingResources.ClusterConfig.SelectedInstanceCount",
        "ProcessingResources.ClusterConfig.SelectedInstanceType",
    ),
    "CreateHyperParameterTuningJob": (
        "Autotune",
        "HyperParameterTuningJobConfig.ParameterRanges.AutoParameters",
        *(f"TrainingJobDefinition.{path}" for path in DEFINITION),
    ),
    "CreateTrainingJob": (
        "DebugRuleConfigurations",
        "InputDataConfig.DataSource.DatasetSource",
        "InputDataConfig.DataSource.FileSystemDataSource",
        "InputDataConfig.DataSource.S3DataSource.HubAccessConfig",
        "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames",
        "MlflowConfig",
        "ModelPackageConfig",
        "ResourceConfig.InstanceGroups",
        "ResourceConfig.InstancePlacementConfig",
        "ResourceConfig.InstancePreferences",
        "ResourceConfig.SelectedInstanceCount",
        "ResourceConfig.SelectedInstanceType",
        "ServerlessJobConfig",
        "TensorBoardOutputConfig",
    ),
}
"""Members that are refused as a whole, with all that is in them; proven below."""
REFUSED_TOO = {
    "CreateEndpointConfig": tuple(
        f"ShadowProductionVariants.{member}"
        for member in (
            "AcceleratorPartitionLayouts",
            "CapacityReservationConfig",
            "CoreDumpConfig",
            "InstancePools",
            "ManagedInstanceScaling",
        )
    ),
    **dict.fromkeys(
        ("CreateCrawler", "UpdateCrawler"),
        tuple(f"Targets.{member}Targets" for member in ("Jdbc", "MongoDB", "DynamoDB", "Delta", "Iceberg", "Hudi")),
    ),
    **dict.fromkeys(("CreateClassifier", "UpdateClassifier"), ("XMLClassifier",)),
    "CreateWorkGroup": tuple(f"Configuration.{member}" for member in (*GROUP, "IdentityCenterConfiguration")),
    "UpdateWorkGroup": tuple(f"ConfigurationUpdates.{member}" for member in GROUP),
    "StartQueryExecution": ("EngineConfiguration",),
    "AssumeRole": ("ProvidedContexts",),
    "CreateJob": ("CodeGenConfigurationNodes", "SourceControlDetails"),
    "UpdateJob": ("JobUpdate.CodeGenConfigurationNodes", "JobUpdate.SourceControlDetails"),
    "CreateTrigger": ("EventBatchingCondition",),
    "UpdateTrigger": ("TriggerUpdate.EventBatchingCondition",),
    "CreateModelPackage": ("SourceAlgorithmSpecification", "ValidationSpecification"),
    "CreateHyperParameterTuningJob": (
        "TrainingJobDefinition.HyperParameterRanges.AutoParameters",
        "TrainingJobDefinitions.HyperParameterRanges.AutoParameters",
        *(f"TrainingJobDefinitions.{path}" for path in DEFINITION),
    ),
    "SimulateCustomPolicy": ("OrderedOrganizationPolicyInputList",),
    "PutTargets": tuple(
        f"Targets.{member}Parameters"
        for member in ("Kinesis", "RunCommand", "Ecs", "Batch", "Http", "RedshiftData", "AppSync")
    ),
    **dict.fromkeys(
        ("CreateSchedule", "UpdateSchedule"),
        tuple(
            f"Target.{member}Parameters"
            for member in ("Ecs", "Kinesis", "EventBridgePutEventsV2", "EventBridgePutRawEvents")
        ),
    ),
    "CreateBucket": ("CreateBucketConfiguration.Bucket", "CreateBucketConfiguration.Location"),
    "PutMetricAlarm": (
        "ActionConfiguration",
        "EvaluationCriteria",
        "EvaluationWindow.WallClockWindow",
        "WarmUpConfiguration",
    ),
    "PutCompositeAlarm": ("ActionConfiguration",),
    "PutScalingPolicy": (
        "PredictiveScalingPolicyConfiguration",
        # Given to CloudWatch as they are, which looks at them.
        "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Dimensions",
        "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Metrics.MetricStat.Metric.Dimensions",
    ),
}
"""Proven in the tests of their services."""
KEPT = {
    **dict.fromkeys(("CreateDatabase", "UpdateDatabase"), ("DatabaseInput",)),
    "CreateTable": ("TableInput", "OpenTableFormatInput.IcebergInput.MetadataOperation"),
    "UpdateTable": ("TableInput", "UpdateOpenTableFormatInput"),
    "CreatePartition": ("PartitionInput",),
    "BatchCreatePartition": ("PartitionInputList",),
    "UpdatePartition": ("PartitionInput",),
    "BatchUpdatePartition": ("Entries",),
    **dict.fromkeys(("CreateUserDefinedFunction", "UpdateUserDefinedFunction"), ("FunctionInput",)),
    **dict.fromkeys(
        ("UpdateColumnStatisticsForTable", "UpdateColumnStatisticsForPartition"), ("ColumnStatisticsList",)
    ),
}
"""Documents of the catalog, kept whole and answered whole for whoever reads the data; what would mean something else is
refused by name (tests/services/test_glue_catalog.py, test_glue_partitions.py)."""
ELSEWHERE = {
    # What the body says of itself; and what is found by the start of its name.
    "s3": ("ContentLength", *("Checksum", "CopySourceIf", "Response")),
    "sagemaker-runtime": tuple(NOT_SERVED),
}


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_every_member_is_read_or_refused_or_named_as_ignored(service: Service, name: str) -> None:
    shape = model.load(service.name).operation(name).input
    if shape is None:
        return
    known, read = (
        {*service.ignored[name], *REFUSED.get(name, ()), *REFUSED_TOO.get(name, ()), *KEPT.get(name, ())},
        _read(_family(service, name)),
    )
    elsewhere = ELSEWHERE.get(service.name, ())
    silent = [
        path
        for path in _paths(shape, "", ())
        if not _covered(path, known)
        and (member := path.rpartition(".")[2]) not in read
        and not member.startswith(elsewhere)
    ]
    assert not silent, f"{name} accepts and forgets: {', '.join(silent)}"


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in REFUSED.items() for path in paths])
async def test_what_is_refused_is_refused_by_name(tmp_path: Path, name: str, path: str) -> None:
    house = House(tmp_path)
    with tarfile.open(tmp_path / "model", "w:gz") as archive:
        archive.add(__file__, "xgboost-model")
    house.objects.write("lake", "model", (tmp_path / "model").read_bytes())
    try:
        requests = _requests()
        if name.startswith("Update"):
            await house.call("CreateModel", **requests["CreateModel"])
            await house.call("CreateEndpointConfig", **requests["CreateEndpointConfig"])
            await house.call("CreateEndpoint", **requests["CreateEndpoint"])
            await house.run(5)
        request = copy.deepcopy(requests[name])
        if path.startswith("Containers"):
            request["Containers"] = [request.pop("PrimaryContainer")]
        _set(request, path.split("."))
        with pytest.raises(NotImplementedHere, match=path.rpartition(".")[2]):
            await house.call(name, **request)
    finally:
        house.close()


def _requests() -> dict[str, Doc]:
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    source = {"S3Uri": "s3://lake/model", "S3DataType": "S3Object", "CompressionType": "Gzip"}
    container = {"Image": XGBOOST, "ModelDataSource": {"S3DataSource": source}}
    endpoint = {"EndpointName": "e", "EndpointConfigName": "c"}
    return {
        "CreateHyperParameterTuningJob": tuning_request(),
        "CreateTrainingJob": training_request(),
        "CreateProcessingJob": processing_request(),
        "CreateModel": {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": container},
        "CreateEndpointConfig": {"EndpointConfigName": "c", "ProductionVariants": [variant]},
        "CreateEndpoint": endpoint,
        "UpdateEndpoint": endpoint,
        "UpdateEndpointWeightsAndCapacities": {
            "EndpointName": "e",
            "DesiredWeightsAndCapacities": [{"VariantName": "v"}],
        },
    }


def _set(value: Any, steps: list[str]) -> None:
    """The member is there, with something in it; lists are gone into by their first item."""
    for step in steps[:-1]:
        value = value.setdefault(step, {})
        value = value[0] if isinstance(value, list) else value
    value[steps[-1]] = [{"Some": "value"}]


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_what_is_named_as_ignored_is_a_member(service: Service, name: str) -> None:
    shape = model.load(service.name).operation(name).input
    known = set(_paths(shape, "", (), every=True)) if shape else set()
    assert set(service.ignored[name]) <= known


def _covered(path: str, ignored: set[str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[: count + 1]) in ignored for count in range(len(parts)))


def _paths(shape: Shape, at: str, within: tuple[str, ...], *, every: bool = False) -> list[str]:
    """The leaves of a shape, by dotted names; lists and maps add no step. `every`: the structures too."""
    found = []
    for name, member in shape.members.items():
        path = f"{at}.{name}" if at else name
        inner = member
        while inner.kind in ("list", "map"):
            inner = inner.member if inner.kind == "list" else inner.value
        if inner.kind == "structure" and inner.name not in within:
            found += ([path] if every else []) + _paths(inner, path, (*within, inner.name), every=every)
        else:
            found.append(path)
    return found


def _family(service: Service, name: str) -> tuple[Path, ...]:
    """The sources that may act on the operation's members: its folder, what stands beside its folder, for what an
    endpoint is made of, the endpoints, for jobs, their inputs, for tuning jobs, the jobs that they launch, and for
    classifiers, the engine that is handed them as they are."""
    package = ROOT / service.name.replace("-", "_")
    own = Path(ROOT.parent.parent, *service.handlers[name].__module__.split(".")).with_suffix(".py")
    folders = {package, own.parent}
    if own.stem in ("models", "endpoint_configs"):
        folders |= {package / one for one in ("endpoints", "capturing", "asynchronous")}
    if own.parent.name in ("training", "processing", "tuning"):
        folders.add(package / "inputs")
    if own.stem == "classifiers":
        folders.add(ROOT.parent / "engines/schemas")
    if own.parent.name == "tuning":
        folders.add(package / "training")
    return tuple(sorted(source for folder in folders for source in folder.glob("*.py")))


@cache
def _read(sources: tuple[Path, ...]) -> set[str]:
    """Every text in the sources but for docstrings, what decorators say, and the names of what is answered."""
    found: set[str] = set()
    for source in sources:
        tree = ast.parse(source.read_text())
        silent = {id(one) for node in ast.walk(tree) for one in _no_reads(node)}
        found |= {
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
            for part in node.value.split(".")
        }
    return found


def _no_reads(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
        return [
            *(one for decorator in node.decorator_list for one in ast.walk(decorator)),
            *(key for inner in ast.walk(node) if isinstance(inner, ast.Dict) for key in inner.keys if key is not None),
        ]
    return [node.value] if isinstance(node, ast.Expr) else []
