"""Jobs that run functions of the SageMaker SDK: where the SDK in them comes from."""

import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from clary.engines.runners.base import StartError, Work
from clary.jobs import pip, pythons
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc
from clary.services.sagemaker import MACHINES, functions, images, reconcilers
from tests.memory_runner import MemoryRunner
from tests.sagemaker_house import House, channel, training_request

BASE = "081325390199.dkr.ecr.us-east-1.amazonaws.com/sagemaker-base-python-310:1.0"


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(pip, "settings", lambda: pip.Settings({}))
    made = House(tmp_path)
    yield made
    made.close()


def request(version: str = "2.257.7", requirements: str | None = None) -> Doc:
    """What the SDK's decorator @step sends."""
    words = ["--region", "us-east-1", "--client_python_version", "3.11", "--client_sagemaker_pysdk_version", version]
    words += ["--dependency_settings", json.dumps({"dependency_file": requirements})]
    algorithm = {
        "TrainingImage": BASE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["/bin/bash", f"/opt/ml/input/data/{functions.BOOTSTRAP}/job_driver.sh"],
        "ContainerArguments": words,
    }
    channels = [channel(functions.BOOTSTRAP, "bootstrap/")]
    if requirements:
        channels.append(channel(functions.DEPENDENCIES, "dependencies/"))
    return training_request(AlgorithmSpecification=algorithm, HyperParameters={}, InputDataConfig=channels)


async def asked_of_pip(house: House, spec: Doc) -> list[str]:
    """The lines of the requirements file that the job's environment is made of."""
    house.objects.write("lake", "bootstrap/job_driver.sh", b"true")
    await house.call("CreateTrainingJob", **spec)
    await house.run(5)
    (uid,) = [one for one in house.runner.starts() if one.startswith("packages-")]
    return (house.runner.root(uid) / "code/requirements.txt").read_text().splitlines()


def packages(place: Path, version: str) -> Path:
    """A virtual environment with that SDK, as far as anybody looks at it."""
    found = pythons.packages(place) / f"sagemaker-{version}.dist-info"
    found.mkdir(parents=True)
    (found / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sagemaker\nVersion: {version}\n")
    return place


def sdk_in(python: Path | None) -> str:
    """The version of the SDK that a program of that Python finds."""
    code = "import importlib.metadata as found; print(found.version('sagemaker'))"
    said = subprocess.run([str(python), "-c", code], env={}, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def test_the_base_python_images_are_known() -> None:
    image = images.lookup(BASE)
    assert image is not None and (image.train, image.serve, image.scripts) == (None, None, True)


def test_a_function_is_told_by_its_entry_point() -> None:
    assert functions.function_of(training_request()) is None
    assert functions.function_of(request()) == functions.Function("2.257.7", "")
    assert functions.function_of(request("3.27.0", "r.txt")) == functions.Function("3.27.0", "r.txt")
    odd = request()
    odd["AlgorithmSpecification"]["ContainerArguments"] = ["--dependency_settings", "no json"]
    assert functions.function_of(odd) == functions.Function("", "")


async def test_the_clients_sdk_is_installed_once(house: House) -> None:
    assert await asked_of_pip(house, request("3.27.0")) == ["sagemaker==3.27.0"]


async def test_the_functions_own_requirements_are_installed_with_it(house: House) -> None:
    house.objects.write("lake", "dependencies/r.txt", b"one==1\n\n")
    assert await asked_of_pip(house, request(requirements="r.txt")) == ["one==1", "sagemaker==2.257.7"]


async def test_requirements_that_name_the_sdk_decide_its_version(house: House) -> None:
    house.objects.write("lake", "dependencies/r.txt", b"sagemaker>=2.256.0,<3.0.0\n")
    assert await asked_of_pip(house, request(requirements="r.txt")) == ["sagemaker>=2.256.0,<3.0.0"]


async def test_requirements_that_name_other_files_are_left_to_the_program(house: House) -> None:
    house.objects.write("lake", "dependencies/r.txt", b"-r others.txt\n")
    assert await asked_of_pip(house, request(requirements="r.txt")) == ["sagemaker==2.257.7"]


async def test_an_environment_of_the_operators_is_taken_as_it_is(house: House, tmp_path: Path) -> None:
    places = [packages(tmp_path / "two", "2.257.7"), packages(tmp_path / "three", "3.27.0")]
    engines = replace(house.engines, sdk_environments=":".join(map(str, places)))
    house.controller = Controller(house.store, house.clock, reconcilers(engines), MACHINES)
    assert isinstance(house.runner, MemoryRunner)
    works: list[Work] = []

    def behave(uid: str, work: Work, root: Path) -> None:
        works.append(work)

    house.runner.behave = behave
    house.objects.write("lake", "bootstrap/job_driver.sh", b"true")
    await house.call("CreateTrainingJob", **request("3.27.0"))
    await house.run(5)
    (work,) = works
    assert pythons.packages(places[1]) in work.shown
    assert work.cwd == "/opt/ml/code"
    assert work.env["LOGNAME"] == "root"
    assert sdk_in(work.python) == "3.27.0"


def test_environments_are_chosen_by_the_clients_major_version(tmp_path: Path) -> None:
    two, three = packages(tmp_path / "two", "2.250.0"), packages(tmp_path / "three", "3.1.0")
    both = f"{two}:{three}"
    assert functions.environment(both, "2.257.7") == pythons.packages(two)
    assert functions.environment(both, "3.27.0") == pythons.packages(three)
    assert functions.environment(str(two), "3.27.0") is None
    assert functions.environment("", "3.27.0") is None
    with pytest.raises(StartError, match="CLARY_SDK_ENVIRONMENTS names /nowhere"):
        functions.environment("/nowhere", "2.0.0")
