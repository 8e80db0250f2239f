"""The container's one command: `serve` answers /ping and /invocations until SIGTERM."""

import os
import sys


def main(arguments: list[str]) -> int:
    if arguments == ["serve"]:
        from clary.algorithms.sparkml import server

        return server.main(os.environ)
    print("usage: python -m clary.algorithms.sparkml serve", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
