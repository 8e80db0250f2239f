"""The container's two commands: `train` runs the user's program, `serve` answers with the model that it left."""

import sys

from clary.algorithms.toolkit.command import run
from clary.algorithms.toolkit.framework import Framework

SCIKIT_LEARN = Framework(
    name="scikit-learn",
    module="sklearn",
    distribution="scikit-learn",
    handlers="clary.algorithms.sklearn.handlers",
    install="pip install 'clary[algorithms]'.",
)

if __name__ == "__main__":
    sys.exit(run(SCIKIT_LEARN, sys.argv[1:]))
