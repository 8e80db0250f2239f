"""The image's default entry point. A processing job runs the command of its ContainerEntrypoint with this Python, so
nothing of this module is needed for it; what would need it is refused by name."""

import os
import sys
from collections.abc import Sequence

from clary.algorithms.contract import Contract, say

SCRIPT_MODE = "Script mode of the scikit-learn image ({command}) is not served yet."
USAGE = (
    "The scikit-learn image runs the command of the processing job: set AppSpecification.ContainerEntrypoint, "
    'for example ["python3", "/opt/ml/processing/input/code/preprocess.py"].'
)


def main(arguments: Sequence[str]) -> int:
    """Always a failure, with the reason in the log and in output/failure."""
    command = arguments[0] if arguments else ""
    reason = SCRIPT_MODE.format(command=command) if command in ("train", "serve") else f"ClientError: {USAGE}"
    say(reason, level="ERROR")
    if command == "train":
        Contract.read(os.environ).fail(reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
