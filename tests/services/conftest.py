"""What tests of several services start from. A test that needs more has a fixture of the same name over these."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.iam_house import iam_house
from tests.inprocess import InProcess
from tests.logs_house import Place
from tests.s3_house import s3_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    """S3, over a disk store; nothing is in it."""
    with s3_house(tmp_path) as (made, _):
        yield made


@pytest.fixture
def s3(house: InProcess) -> Any:
    """The root's client of S3. There is a bucket "data"."""
    client = house.client("s3")
    client.create_bucket(Bucket="data")
    return client


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[InProcess]:
    """IAM and STS; nobody but root is there."""
    with iam_house(tmp_path) as made:
        yield made


@pytest.fixture
def iam(wire: InProcess) -> Any:
    """The root's client of IAM."""
    return wire.client("iam")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """CloudWatch Logs; no group is there."""
    made = Place(tmp_path)
    yield made
    made.wire.close()
