"""A real `clary up` whose control process dies under boto3's load, and one whose control process stays away."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectionError, HTTPClientError

from tests.real import RealClary, until

pytestmark = [pytest.mark.slow, pytest.mark.server]
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


@pytest.fixture
def clary(tmp_path: Path) -> Iterator[RealClary]:
    made = RealClary(tmp_path / "home").up()
    yield made
    made.sweep()


def control(clary: RealClary) -> list[psutil.Process]:
    assert clary.process is not None
    found = []
    for child in psutil.Process(clary.process.pid).children():
        with suppress(psutil.NoSuchProcess):  # a zombie, or gone since
            if "clary.processes.control" in child.cmdline():
                found.append(child)
    return found


def asking(clary: RealClary, times: int) -> Any:
    """A client that asks so many times at most."""
    retries: Any = {"total_max_attempts": times, "mode": "standard"}
    return clary.client("sagemaker", config=Config(retries=retries, read_timeout=30))


def create(client: Any, name: str) -> None:
    client.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE})


def test_answers_are_their_own_and_creations_happen_once(clary: RealClary) -> None:
    patient = asking(clary, 10)
    for n in range(20):
        create(patient, f"m-{n}")
    over, wrong, answered = threading.Event(), list[str](), [0] * 5

    def describe(number: int) -> None:
        n = number
        while not over.is_set():
            n = (n + 1) % 20
            said = patient.describe_model(ModelName=f"m-{n}")
            if said.get("ModelName") != f"m-{n}" or "ModelArn" not in said:
                wrong.append(f"asked for m-{n}, told {said}")
            answered[number] += 1

    def create_once() -> None:
        """Never asked twice by this client: if a name is taken, then it was created twice by Clary."""
        impatient = asking(clary, 1)
        while not over.is_set():
            try:
                create(impatient, f"once-{answered[4]}")
            except (ConnectionError, ConnectionClosedError, HTTPClientError):
                pass
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 503:
                    wrong.append(str(error))
            answered[4] += 1

    threads = [threading.Thread(target=describe, args=(n,)) for n in range(4)]
    threads.append(threading.Thread(target=create_once))
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            (doomed,) = until(lambda: control(clary))
            enough = sum(answered) + 100
            until(lambda n=enough: sum(answered) >= n, what="more answers")
            doomed.kill()
            until(lambda gone=doomed: gone not in control(clary))
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert wrong == []
    assert min(answered) > 10


def test_a_control_process_that_stays_away_is_told_of_in_time(clary: RealClary) -> None:
    impatient = asking(clary, 1)
    create(impatient, "here")
    assert clary.process is not None
    ((doomed,), supervisor) = control(clary), clary.process.pid
    os.kill(supervisor, signal.SIGSTOP)  # so nobody starts another
    try:
        doomed.kill()
        began = time.monotonic()
        fresh = asking(clary, 1)
        with pytest.raises(ClientError) as caught:
            fresh.describe_model(ModelName="here")
        waited = time.monotonic() - began
    finally:
        os.kill(supervisor, signal.SIGCONT)
    said = caught.value.response["ResponseMetadata"]
    assert (said["HTTPStatusCode"], said["HTTPHeaders"]["retry-after"]) == (503, "1")
    assert 9 < waited < 15
    patient = asking(clary, 5)
    assert patient.describe_model(ModelName="here")["ModelName"] == "here"
