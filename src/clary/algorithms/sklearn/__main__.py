"""The container's two commands: `train` runs the user's program, `serve` answers with the model that it left: through
the program's functions, or without a program by itself."""

import os
import sys

from clary.algorithms.contract import Contract
from clary.algorithms.toolkit.command import run
from clary.algorithms.toolkit.framework import Framework

SCIKIT_LEARN = Framework(
    name="scikit-learn",
    module="sklearn",
    distribution="scikit-learn",
    handlers="clary.algorithms.sklearn.handlers",
    install="pip install 'clary[algorithms]'.",
)


def main(arguments: list[str]) -> int:
    if arguments == ["serve"] and not os.environ.get("SAGEMAKER_PROGRAM"):
        from clary.algorithms.toolkit import handlers

        if handlers.program(Contract.read(os.environ), os.environ) is None:
            from clary.algorithms.sklearn import own

            return own.main(os.environ)
    return run(SCIKIT_LEARN, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
