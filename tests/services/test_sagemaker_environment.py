"""The SM_* variables of a training job."""

import json
from typing import Any

from clary.services.sagemaker.training.environment import arguments, hyperparameters, variables

CHANNELS = {
    "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"},
    "my-test.data": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"},
}
GIVEN = {
    "sagemaker_program": '"train.py"',
    "sagemaker_submit_directory": '"s3://bucket/source/sourcedir.tar.gz"',
    "sagemaker_container_log_level": "10",
    "sagemaker_pytorch_ddp_enabled": "true",
    "max-depth": "5",
    "name": '"a b"',
    "raw": "left as it is",
    "x": "0.5",
    "many": '{"b": 2, "a": 1}',
}


def _resources(current: str, hosts: list[str]) -> dict[str, Any]:
    group = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": hosts}
    return {
        "current_host": current,
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": hosts,
        "instance_groups": [group],
        "network_interface_name": "lo",
    }


def _made(**given: Any) -> dict[str, str]:
    spec = {"HyperParameters": given.pop("given", GIVEN)}
    resources = given.pop("resources", _resources("algo-2", ["algo-1", "algo-2"]))
    return variables(spec, "job", "eu-west-1", resources, CHANNELS, cpus=3, **given)


def test_every_variable_of_the_toolkit() -> None:
    made = _made(framework_module="a:main")
    assert {name: made[name] for name in made if not name.startswith(("SM_HP", "SM_CHANNEL", "SM_TRAINING_ENV"))} == {
        "CURRENT_HOST": "algo-2",
        "SAGEMAKER_JOB_NAME": "job",
        "SAGEMAKER_REGION": "eu-west-1",
        "SM_CURRENT_HOST": "algo-2",
        "SM_CURRENT_HOST_RANK": "1",
        "SM_CURRENT_INSTANCE_GROUP": "homogeneousCluster",
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": '["algo-1","algo-2"]',
        "SM_CURRENT_INSTANCE_TYPE": "ml.m5.large",
        "SM_DISTRIBUTION_INSTANCE_GROUPS": '["homogeneousCluster"]',
        "SM_FRAMEWORK_MODULE": "a:main",
        "SM_FRAMEWORK_PARAMS": '{"sagemaker_pytorch_ddp_enabled":true}',
        "SM_HOSTS": '["algo-1","algo-2"]',
        "SM_HOST_COUNT": "2",
        "SM_INPUT_CONFIG_DIR": "/opt/ml/input/config",
        "SM_INPUT_DATA_CONFIG": json.dumps(CHANNELS, sort_keys=True, separators=(",", ":")),
        "SM_INPUT_DATA_DIR": "/opt/ml/input/data",
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_INSTANCE_GROUPS": '["homogeneousCluster"]',
        "SM_INSTANCE_GROUPS_DICT": '{"homogeneousCluster":{"hosts":["algo-1","algo-2"],'
        '"instance_group_name":"homogeneousCluster","instance_type":"ml.m5.large"}}',
        "SM_IS_HETERO": "false",
        "SM_IS_MASTER": "false",
        "SM_JOB_NAME": "job",
        "SM_LOG_LEVEL": "10",
        "SM_MASTER_ADDR": "algo-1",
        "SM_MASTER_HOSTNAME": "algo-1",
        "SM_MASTER_PORT": "7777",
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_MODULE_DIR": "s3://bucket/source/sourcedir.tar.gz",
        "SM_MODULE_NAME": "train",
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": "3",
        "SM_NUM_GPUS": "0",
        "SM_NUM_NEURONS": "0",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_OUTPUT_FAILURE": "/opt/ml/output/failure",
        "SM_OUTPUT_INTERMEDIATE_DIR": "/opt/ml/output/intermediate",
        "SM_RESOURCE_CONFIG": json.dumps(
            _resources("algo-2", ["algo-1", "algo-2"]), sort_keys=True, separators=(",", ":")
        ),
        "SM_USER_ARGS": '["--many","a=1,b=2","--max-depth","5","--name","a b","--raw","left as it is","-x","0.5"]',
        "SM_USER_ENTRY_POINT": "train.py",
    }


def test_hyperparameters_and_channels_have_one_each() -> None:
    made = _made()
    assert json.loads(made["SM_HPS"]) == {
        "max-depth": 5,
        "name": "a b",
        "raw": "left as it is",
        "x": 0.5,
        "many": {"a": 1, "b": 2},
    }
    assert made["SM_HP_MAX-DEPTH"] == made["SM_HP_MAX_DEPTH"] == "5"
    assert made["SM_HP_NAME"] == "a b"
    assert made["SM_HP_MANY"] == '{"a":1,"b":2}'
    assert "SM_HP_SAGEMAKER_PROGRAM" not in made
    assert made["SM_CHANNELS"] == '["my-test.data","train"]'
    assert made["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert made["SM_CHANNEL_MY-TEST.DATA"] == made["SM_CHANNEL_MY_TEST_DATA"] == "/opt/ml/input/data/my-test.data"


def test_the_whole_of_it_as_one_document() -> None:
    told = json.loads(_made()["SM_TRAINING_ENV"])
    assert told["additional_framework_parameters"] == {"sagemaker_pytorch_ddp_enabled": True}
    assert told["channel_input_dirs"]["train"] == "/opt/ml/input/data/train"
    assert told["hyperparameters"]["max-depth"] == 5
    assert told["distribution_hosts"] == ["algo-1", "algo-2"]
    assert told["master_hostname"] == "algo-1"
    assert told["is_master"] is False
    assert told["log_level"] == 10
    assert told["resource_config"]["current_host"] == "algo-2"
    assert told["input_data_config"] == CHANNELS


def test_a_job_without_a_program_has_none() -> None:
    made = _made(given={"num_round": "3"}, resources=_resources("algo-1", ["algo-1"]))
    assert made["SM_MODULE_NAME"] == made["SM_USER_ENTRY_POINT"] == made["SM_FRAMEWORK_MODULE"] == ""
    assert made["SM_MODULE_DIR"] == "/opt/ml/code"
    assert made["SM_IS_MASTER"] == "true"
    assert made["SM_LOG_LEVEL"] == "20"
    assert made["SM_DISTRIBUTION_INSTANCE_GROUPS"] == "[]"


def test_what_linux_would_not_pass_on_is_left_out() -> None:
    made = _made(given={"long": "x" * 200_000, "short": "1", "nul": "a\0b"})
    assert all(len(name) + len(value.encode()) < 128 * 1024 and "\0" not in value for name, value in made.items())
    assert made["SM_HP_SHORT"] == "1"
    assert "SM_HP_LONG" not in made
    assert "SM_HP_NUL" not in made
    assert "SM_TRAINING_ENV" not in made


def test_values_are_what_their_json_says() -> None:
    given = {"a": "true", "b": "null", "c": "[1, 2]", "d": "1e3", "e": '"7"', "f": "007", "deep": "[" * 100_000}
    found = hyperparameters(given)
    assert found == {"a": True, "b": None, "c": [1, 2], "d": 1000.0, "e": "7", "f": "007", "deep": "[" * 100_000}
    assert arguments({"b": None, "flag": True, "c": [1, 2]}) == ["-b", "", "-c", "[1, 2]", "--flag", "True"]
