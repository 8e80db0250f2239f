"""Whatever stands where something else belongs, a definition is accepted or refused: checking raises nothing else."""

import json
from contextlib import suppress
from typing import Any

import pytest

from clary.aws.errors import ValidationException
from clary.services.sagemaker.pipelines.plans import check
from clary.services.sagemaker.pipelines.steps.table import KINDS

OUT_OF_PLACE: tuple[Any, ...] = (None, 1, True, "x", [], {}, [1], [None], [[]], [{}], {"a": 1}, {"Get": 1})
ARGUMENTS = (
    "AlgorithmSpecification",
    "Conditions",
    "Containers",
    "ElseSteps",
    "EndpointName",
    "Environment",
    "ErrorMessage",
    "IfSteps",
    "InferenceSpecification",
    "PrimaryContainer",
    "ProcessingOutputConfig",
    "ProductionVariants",
    "TrainingJobDefinition",
)
MEMBERS = (
    "Arguments",
    "CacheConfig",
    "CheckType",
    "DependsOn",
    "DisplayName",
    "Name",
    "OutputParameters",
    "PropertyFiles",
    "RetryPolicies",
    "SkipCheck",
    "SqsQueueUrl",
)


def tried(**definition: Any) -> None:
    with suppress(ValidationException):
        check(json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [], **definition}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step(kind: str) -> None:
    for value in OUT_OF_PLACE:
        for name in ARGUMENTS:
            tried(Steps=[{"Name": "s", "Type": kind, "Arguments": {name: value}}])
        for name in MEMBERS:
            tried(Steps=[{"Name": "s", "Type": kind, "Arguments": {}, name: value}])


def test_a_definition_and_its_parameters() -> None:
    for value in OUT_OF_PLACE:
        for name in ("Version", "Parameters", "Steps", "PipelineExperimentConfig", "Metadata"):
            tried(**{name: value})
        for name in ("Name", "Type", "DefaultValue", "EnumValues"):
            tried(Parameters=[{"Name": "p", "Type": "String", "DefaultValue": "x", name: value}])


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{", "[" * 100_000, '{"Steps":' * 20_000, '{"a": NaN}'])
def test_text_that_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(ValidationException, match="Unable to parse pipeline definition"):
        check(text)
