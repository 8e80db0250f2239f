"""A home that uses no pipelines and no search does not carry their weight: neither the start nor the idle server."""

import subprocess
import sys

LATE = (
    "clary.pipeline",
    "clary.services.sagemaker.pipelines.plans",
    "clary.services.sagemaker.pipelines.steps",
    "clary.services.sagemaker.pipelines.stepping",
    "clary.services.sagemaker.search.kinds",
)


def test_what_only_some_homes_need_is_not_imported_by_the_start() -> None:
    code = f"import sys, clary.processes.control; print([one for one in {LATE!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
