"""The words in which a request is refused, all of them at once."""

from typing import Any

import pytest

from clary.aws import model
from clary.aws.patterns import compile_pattern
from clary.aws.scalars import SerializationException
from clary.aws.shapes import Invalid, compile_check

GOOD: dict[str, Any] = {
    "TrainingJobName": "car-1",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/some-role",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
NAME_PATTERN = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


def check(service: str, operation: str, value: Any, *, wire: bool = True) -> Any:
    return compile_check(model.load(service).operation(operation).input, wire=wire)(value)


def violations(**changed: Any) -> list[str]:
    with pytest.raises(Invalid) as error:
        check("sagemaker", "CreateTrainingJob", {**GOOD, **changed})
    return error.value.violations


def test_a_good_request_comes_back_as_it_was() -> None:
    assert check("sagemaker", "CreateTrainingJob", GOOD) == GOOD


def test_unknown_and_null_members_are_not_kept() -> None:
    given = {**GOOD, "Unheard": 1, "Environment": None, "StoppingCondition": {"MaxRuntimeInSeconds": 60, "X": {}}}
    assert check("sagemaker", "CreateTrainingJob", given) == GOOD


def test_an_instance_type_that_aws_has_not_heard_of_is_fine() -> None:
    config = {"InstanceType": "ml.mine.huge", "InstanceCount": 1, "VolumeSizeInGB": 5}
    assert check("sagemaker", "CreateTrainingJob", {**GOOD, "ResourceConfig": config})["ResourceConfig"] == config


NOT_NULL = "Member must not be null"
LENGTHS = "Member must have length less than or equal to {}, Member must have length greater than or equal to 0"
PATTERN = "Member must satisfy regular expression pattern: {}"


@pytest.mark.parametrize(
    ("changed", "value", "where", "words"),
    [
        ({"TrainingJobName": "bad_name!"}, "'bad_name!'", "trainingJobName", PATTERN.format(NAME_PATTERN)),
        ({"TrainingJobName": None}, "null", "trainingJobName", NOT_NULL),
        (
            {"AlgorithmSpecification": {"TrainingInputMode": "Tape"}},
            "'Tape'",
            "algorithmSpecification.trainingInputMode",
            "Member must satisfy enum value set: [Pipe, File, FastFile]",
        ),
        ({"AlgorithmSpecification": {}}, "null", "algorithmSpecification.trainingInputMode", NOT_NULL),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "'0'",
            "stoppingCondition.maxRuntimeInSeconds",
            "Member must have value greater than or equal to 1",
        ),
        (
            {"Tags": [{"Key": "ok", "Value": "v"}, {"Key": "", "Value": "v"}]},
            "''",
            "tags.2.member.key",
            "Member must have length greater than or equal to 1",
        ),
        (
            {"HyperParameters": {"a": "x" * 2501}},
            None,
            "hyperParameters",
            f"Map value must satisfy constraint: [{LENGTHS.format(2500)}, {PATTERN.format('.*')}]",
        ),
        (
            {"VpcConfig": {"SecurityGroupIds": ["!"], "Subnets": ["subnet-1"]}},
            "'[!]'",
            "vpcConfig.securityGroupIds",
            f"Member must satisfy constraint: [{LENGTHS.format(32)}, {PATTERN.format('[-0-9a-zA-Z]+')}]",
        ),
        ({"InputDataConfig": []}, "'[]'", "inputDataConfig", "Member must have length greater than or equal to 1"),
    ],
)
def test_one_violation_in_the_words_of_aws(changed: dict[str, Any], value: str | None, where: str, words: str) -> None:
    (found,) = violations(**changed)
    tail = f" at '{where}' failed to satisfy constraint: {words}"
    assert found == f"Value {value}{tail}" if value else found.endswith(tail)


def test_all_violations_are_told_at_once() -> None:
    with pytest.raises(Invalid) as error:
        check("sagemaker", "CreateTrainingJob", {**GOOD, "TrainingJobName": "n" * 64, "RoleArn": "x"})
    assert error.value.message.startswith("4 validation errors detected: Value 'nnn")
    assert "Member must have length less than or equal to 63; Value 'nnn" in error.value.message
    assert error.value.error_code == "ValidationException"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"TrainingJobName": 5}, "NUMBER_VALUE can not be converted to a String at 'TrainingJobName'"),
        ({"StoppingCondition": []}, "START_ARRAY can not be converted to a Structure at 'StoppingCondition'"),
        ({"HyperParameters": {"a": 1}}, "NUMBER_VALUE can not be converted to a String at 'HyperParameters.a'"),
        ({"EnableNetworkIsolation": "yes"}, "STRING_VALUE can not be converted to a Boolean"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": True}}, "TRUE_VALUE can not be converted to an Integer"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 2**31}}, "NUMBER_VALUE can not be converted to an Integer"),
    ],
)
def test_a_wrong_type_is_a_serialization_error(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(SerializationException) as error:
        check("sagemaker", "CreateTrainingJob", {**GOOD, **changed})
    assert words.lower() in error.value.message.lower()


def test_times_are_epoch_seconds_whatever_came() -> None:
    for given in (1_700_000_000, 1_700_000_000.0, "2023-11-14T22:13:20Z", "Tue, 14 Nov 2023 22:13:20 GMT"):
        assert check("sagemaker", "ListTrainingJobs", {"CreationTimeAfter": given}) == {
            "CreationTimeAfter": 1_700_000_000.0
        }


def test_a_union_has_exactly_one_member() -> None:
    given = {
        "FeatureGroupName": "f",
        "RecordIdentifierFeatureName": "a",
        "EventTimeFeatureName": "b",
        "FeatureDefinitions": [{"FeatureName": "a", "FeatureType": "String", "CollectionConfig": {}}],
    }
    with pytest.raises(Invalid) as error:
        check("sagemaker", "CreateFeatureGroup", given)
    assert "Exactly one member must be set" in error.value.message


def test_a_shape_that_holds_itself_is_checked_at_every_depth() -> None:
    bad = {
        "Resource": "TrainingJob",
        "SearchExpression": {"SubExpressions": [{"SubExpressions": [{"Operator": "Maybe"}]}]},
    }
    with pytest.raises(Invalid) as error:
        check("sagemaker", "Search", bad)
    assert "'searchExpression.subExpressions.1.member.subExpressions.1.member.operator'" in error.value.message


def test_secrets_are_not_repeated_in_an_error() -> None:
    with pytest.raises(Invalid) as error:
        check("iam", "CreateLoginProfile", {"UserName": "u", "Password": "s3cret" * 40})
    assert "Value '***' at 'password'" in error.value.message
    assert "s3cret" not in error.value.message


@pytest.mark.parametrize(
    "service", ["sagemaker", "s3", "sts", "iam", "logs", "sagemaker-runtime", "glue", "cloudwatch", "kms"]
)
def test_every_pattern_of_the_models_compiles_and_decides_soon(service: str) -> None:
    for shape in model.load(service).raw_shapes.values():
        if "pattern" in shape:
            compile_pattern(shape["pattern"])("a-" * 30 + "!")


def test_a_pattern_that_backtracks_for_ever_is_cut_off() -> None:
    assert not compile_pattern("(a|a)*b")("a" * 5000)
    assert not compile_pattern("([a-z]+)+!")("a" * 200)


def test_java_and_python_patterns_agree_where_it_matters() -> None:
    assert compile_pattern(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*")("é 😀\t")
    assert compile_pattern(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)")("ключ värde")
    assert not compile_pattern(r"[\w]+")("é")
    assert not compile_pattern("abc$")("abc\n")
