"""Fixtures that more than one suite needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.real import RealClary

# No example has a deadline: how long one takes is told by whatever else the machine does.
settings.register_profile("clary", deadline=None)
settings.load_profile("clary")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A `clary up` that the tests of one module share."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    real.up()
    yield real
    real.sweep()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RealClary]:
    """A home of this test alone; the test starts and kills its server."""
    real = RealClary(tmp_path / "home")
    yield real
    real.sweep()
