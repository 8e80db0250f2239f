"""Runs the tests side by side and, if at most a few failed, runs those once more with nothing beside them.

    python tools/suite.py [what pytest is told]

Hundreds of the tests start servers and kill them, several at once; on a small machine one of them may run out of its
time for want of a core. Alone it must pass, or the suite has failed. What passed only alone is named at the end and is
to be mended: it is either a test that waits too short or a race in the product.
"""

import json
import subprocess
import sys
from pathlib import Path

FEW = 3
FAILED = Path(".pytest_cache/v/cache/lastfailed")


def pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def failures() -> list[str]:
    """The ids of the tests that failed last, of any run before too; pytest drops those that have passed since."""
    try:
        return sorted(json.loads(FAILED.read_text()))
    except FileNotFoundError:
        return []


def main() -> int:
    FAILED.unlink(missing_ok=True)
    status = pytest(*sys.argv[1:])
    failed = failures()
    if status != 1 or not 0 < len(failed) <= FEW:
        return status
    print(f"{len(failed)} failed beside others; once more, alone:", *failed, sep="\n  ", flush=True)
    status = pytest("--last-failed", "--last-failed-no-failures=none")
    if status == 0:
        print("passed only alone, and to be mended:", *failed, sep="\n  ", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
