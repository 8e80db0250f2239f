"""The SM_* variables of a training job: its configuration, as AWS's training toolkit hands it to programs."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from clary.kernel.resource import Doc

CODE: Final = "/opt/ml/code"
"""Where the program of a script stands, and where it starts."""
INPUT: Final = "/opt/ml/input"
MODEL: Final = "/opt/ml/model"
OUTPUT: Final = "/opt/ml/output"
GROUP: Final = "homogeneousCluster"
MASTER_PORT: Final = 7777
OWN: Final = "sagemaker_"
"""What hyperparameters that are meant for the toolkit start with; programs do not see those."""
_FOR_THE_TOOLKIT: Final = {
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_requirements",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_region",
    "sagemaker_s3_output",
}
"""Those of OWN that are no parameter of a framework."""
_LONGEST: Final = 128 * 1024 - 1
"""Bytes of `NAME=value` that Linux hands to a program."""


def variables(
    spec: Doc,
    job_name: str,
    region: str,
    resources: Doc,
    channels: Doc,
    *,
    cpus: int,
    gpus: int = 0,
    framework_module: str = "",
) -> dict[str, str]:
    """Every variable for one host. `resources` and `channels` are its resourceconfig.json and inputdataconfig.json;
    `spec` is the Create request. Where a name cannot stand in a shell (SM_HP_MAX-DEPTH), it is also there with
    underscores. A value that is longer than Linux passes on is left out: files below /opt/ml/input/config have it."""
    given = hyperparameters(spec.get("HyperParameters") or {})
    own = {name: value for name, value in given.items() if name.startswith(OWN)}
    mine = {name: value for name, value in given.items() if not name.startswith(OWN)}
    told = _told(own, mine, job_name, resources, channels) | {
        "num_cpus": cpus,
        "num_gpus": gpus,
        "num_neurons": 0,
        "framework_module": framework_module,
    }
    shared = {name: value for name, value in told.items() if name not in _ONLY_IN_TRAINING_ENV}
    found: dict[str, Any] = {
        **shared,
        "hps": mine,
        "framework_params": told["additional_framework_parameters"],
        "channels": sorted(channels),
        "input_data_dir": f"{INPUT}/data",
        "output_failure": f"{OUTPUT}/failure",
        "user_args": arguments(mine),
        "training_env": told,
        "master_addr": told["master_hostname"],
        "master_port": MASTER_PORT,
        "host_count": len(told["hosts"]),
        "current_host_rank": told["hosts"].index(told["current_host"]),
    }
    found |= {f"channel_{name}": path for name, path in told["channel_input_dirs"].items()}
    found |= {f"hp_{name}": value for name, value in mine.items()}
    named: dict[str, str] = {
        "CURRENT_HOST": told["current_host"],
        "SAGEMAKER_JOB_NAME": str(own.get("sagemaker_job_name") or job_name),
        "SAGEMAKER_REGION": region,
    }
    for name, value in found.items():
        variable, text = f"SM_{name.upper()}", _text(value)
        plain = variable.replace("-", "_").replace(".", "_")
        for one in (plain, variable):
            # "\0" would end the value early; no program could be started with it.
            if len(one) + 1 + len(text.encode()) <= _LONGEST and "\0" not in text:
                named[one] = text
    return named


def hyperparameters(given: Mapping[str, str]) -> dict[str, Any]:
    """Each as the JSON value that it spells, as SDK v2 sends them in script mode; else as the string that it is."""
    return {name: _value(text) for name, text in given.items()}


def arguments(given: Mapping[str, Any]) -> list[str]:
    """The command line of a program: `--name value` for each hyperparameter, `-n value` where the name is one letter,
    in the order of their names."""
    found = []
    for name in sorted(given):
        found += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(given[name])]
    return found


_ONLY_IN_TRAINING_ENV: Final = {
    "additional_framework_parameters",
    "channel_input_dirs",
    "distribution_hosts",
    "hyperparameters",
    "is_modelparallel_enabled",
}
"""Members of SM_TRAINING_ENV that have no variable of that name."""


def _told(own: Doc, mine: Doc, job_name: str, resources: Doc, channels: Doc) -> Doc:
    """SM_TRAINING_ENV but for the machine: all that is known of the job on this host."""
    program = own.get("sagemaker_program")
    hosts: Sequence[str] = sorted(resources["hosts"])  # as AWS documents it: algo-10 before algo-2
    current: str = resources["current_host"]
    kind = resources.get("current_instance_type", "")
    group = resources.get("current_group_name") or GROUP
    groups: list[Doc] = resources.get("instance_groups") or [
        {"instance_group_name": group, "instance_type": kind, "hosts": list(hosts)}
    ]
    framework = {name: value for name, value in own.items() if name not in _FOR_THE_TOOLKIT}
    distributed = any(name.endswith("_enabled") and value is True for name, value in framework.items())
    return {
        "additional_framework_parameters": framework,
        "channel_input_dirs": {name: f"{INPUT}/data/{name}" for name in channels},
        "current_host": current,
        "current_instance_group": group,
        "current_instance_group_hosts": next(
            (list(one["hosts"]) for one in groups if one["instance_group_name"] == group), list(hosts)
        ),
        "current_instance_type": kind,
        "distribution_hosts": list(hosts) if distributed else [],
        "distribution_instance_groups": [group] if distributed else [],
        "hosts": list(hosts),
        "hyperparameters": mine,
        "input_config_dir": f"{INPUT}/config",
        "input_data_config": channels,
        "input_dir": INPUT,
        "instance_groups": [one["instance_group_name"] for one in groups],
        "instance_groups_dict": {one["instance_group_name"]: one for one in groups},
        "is_hetero": len(groups) > 1,
        "is_master": current == hosts[0],
        "is_modelparallel_enabled": None,
        "job_name": job_name,
        "log_level": own.get("sagemaker_container_log_level", logging.INFO),
        "master_hostname": hosts[0],
        "model_dir": MODEL,
        "module_dir": str(own.get("sagemaker_submit_directory") or CODE),
        "module_name": str(program).removesuffix(".py") if program else None,
        "network_interface_name": resources.get("network_interface_name", "lo"),
        "output_data_dir": f"{OUTPUT}/data",
        "output_dir": OUTPUT,
        "output_intermediate_dir": f"{OUTPUT}/intermediate",
        "resource_config": resources,
        "user_entry_point": program,
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={value[name]}" for name in sorted(value))
    return "" if value is None else str(value)
