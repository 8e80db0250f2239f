"""One compiled pipeline for all that look at it."""

from pathlib import Path

import pytest

from tests.algorithms.graphs import cars


@pytest.fixture(scope="session")
def car(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the car pipeline with a one-hot encoder, compiled: see cars.compiled."""
    folder = tmp_path_factory.mktemp("car")
    cars.compiled(folder)
    return folder
