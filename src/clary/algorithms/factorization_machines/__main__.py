"""The container's two commands: `train` runs one job, `serve` answers /ping and /invocations until SIGTERM."""

import os
import sys


def main(arguments: list[str]) -> int:
    if arguments == ["train"]:
        from clary.algorithms.factorization_machines import train

        return train.main(os.environ)
    if arguments == ["serve"]:
        from clary.algorithms.factorization_machines import model
        from clary.algorithms.tabular import serving

        return serving.main(os.environ, model.load)
    print("usage: python -m clary.algorithms.factorization_machines train|serve", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
