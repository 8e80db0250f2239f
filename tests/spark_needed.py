"""The mark of tests that start a real Spark."""

import os

import pytest

from clary.engines.spark.found import missing

_why = missing()
_must = "spark" in os.environ.get("CLARY_TEST_NEEDS", "").replace(",", " ").split()


def _needed() -> pytest.MarkDecorator:
    # Where it must be there, the test runs and fails in Spark's own words.
    if _why is None or _must:
        return pytest.mark.spark
    return pytest.mark.skip(reason=_why)


spark_needed = _needed()
"""The test runs where Java and PySpark are there; else it is skipped and says what to install, unless CLARY_TEST_NEEDS
names "spark": then it runs, and fails."""
