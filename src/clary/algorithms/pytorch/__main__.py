"""The container's two commands: `train` runs the user's program, `serve` answers with the model that it left."""

import sys

from clary.algorithms.toolkit.command import run
from clary.algorithms.toolkit.framework import Framework

PYTORCH = Framework(
    name="PyTorch",
    module="torch",
    distribution="torch",
    handlers="clary.algorithms.pytorch.handlers",
    install="pip install 'clary[torch]', in the Python that runs Clary.",
    distributed=True,
)

if __name__ == "__main__":
    sys.exit(run(PYTORCH, sys.argv[1:]))
