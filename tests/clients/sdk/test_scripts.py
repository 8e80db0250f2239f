"""Users' programs in framework images, by the unmodified SDK of both major versions."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.clients.sdk.environments import SDK2, SDK3
from tests.clients.sdk.house import FLOWS, ROLE, House
from tests.wheels import write_wheel

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]

AS_ROLE = ("--role", ROLE)
TORCH = ["pytorch"] if importlib.util.find_spec("torch") else []
"""torch is no dependency of Clary: where it is missing these flows go without."""


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,437 digits to train with, 360 to ask for, and the source of the programs with a package that nobody has."""
    from sklearn.datasets import load_digits

    place = tmp_path_factory.mktemp("digits")
    known = load_digits()
    order = np.random.default_rng(0).permutation(len(known.target))
    rows, labels = known.data[order], known.target[order]
    np.savetxt(place / "train.csv", np.c_[labels[:1437], rows[:1437]], delimiter=",", fmt="%g")
    np.save(place / "rows.npy", rows[1437:])
    np.save(place / "labels.npy", labels[1437:])
    source = place / "source"
    source.mkdir()
    for program in (FLOWS / "digits").glob("*.py"):
        (source / program.name).write_bytes(program.read_bytes())
    wheel = write_wheel(source)
    (source / "requirements.txt").write_text(f"./{wheel.name}\n")
    return place


def test_scripts_train_and_serve_by_version_2(house: House, digits: Path) -> None:
    said = house.run(SDK2, "sdk2_scripts.py", str(digits), "sklearn", "xgboost", *TORCH, options=AS_ROLE)
    assert said["right"]["sklearn"] >= 0.97
    assert said["right"]["xgboost"] >= 0.95
    assert said["metrics"]["score"] > 0.99
    assert all(uri.endswith("/output/model.tar.gz") for uri in said["artifacts"].values())
    if TORCH:
        assert said["right"]["pytorch"] >= 0.97


def test_scripts_train_by_version_3(house: House, digits: Path) -> None:
    said = house.run(SDK3, "sdk3_scripts.py", str(digits), "sklearn", *TORCH, options=AS_ROLE)
    assert said["sklearn"]["status"] == "Completed"
    assert "tiny=42;" in lines(house, said["sklearn"]["artifact"])
    if TORCH:
        assert said["pytorch"]["status"] == "Completed"
        printed = lines(house, said["pytorch"]["artifact"])
        assert "rank=0 of 2;" in printed and "rank=1 of 2;" in printed


def lines(house: House, artifact: str) -> str:
    """All lines of the training job that left the artifact, as the log store has them: the SDK wraps what it shows."""
    job = artifact.split("/")[-3]
    pages = house.clary.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{job}/")
    return "\n".join(event["message"] for page in found for event in page["events"])
