"""The container's command: one analysis, as the environment asks for it."""

import os
import sys

from clary.algorithms.monitor import run

if __name__ == "__main__":
    sys.exit(run.main(os.environ))
