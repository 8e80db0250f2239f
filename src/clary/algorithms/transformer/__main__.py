"""The command of a batch transform's own run: `python -m clary.algorithms.transformer`."""

import os
import sys

from clary.algorithms.transformer import run

if __name__ == "__main__":
    sys.exit(run.main(os.environ))
