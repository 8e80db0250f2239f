"""Where the `clary` command begins.

`clary up` in the foreground goes straight to the supervisor: loading the rest of the command line would cost a fifth
of the CPU-second in which Clary is ready. Everything else, its help included, is the command line's own.
"""

import sys

_SLOW = {"-h", "--help", "-d", "--detach"}


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["up"] and not _SLOW.intersection(arguments):
        from clary.processes import supervisor

        sys.exit(supervisor.main(arguments[1:]))
    from clary.cli.main import app

    app()
