"""The two commands of a framework's image: train and serve."""

import os
import sys
from collections.abc import Sequence

from clary.algorithms.toolkit.framework import Framework


def run(framework: Framework, arguments: Sequence[str]) -> int:
    """The exit code."""
    if list(arguments) == ["train"]:
        from clary.algorithms.toolkit import train

        return train.main(framework, os.environ)
    if list(arguments) == ["serve"]:
        from clary.algorithms.toolkit import serve

        return serve.main(framework, os.environ)
    print("usage: train|serve", file=sys.stderr)
    return 2
