"""The life of a compilation: an internal resource, one for each distinct model of an account and region.

Its name is the digest of what is compiled, which is the name of the graph as well.

    spec    {"containers": [...], "role": "arn:...", "model": "arn:..."}
    status  {"_asked": 1700000000.0, "_tries": 0, "_why": "", "_stages": [...], "_agreed": 1728}

`_asked` is when somebody last wanted it (epoch seconds), `_why` the sentence of a refusal.
"""

from typing import Final

from clary.kernel.resource import StateMachine

KIND: Final = "compilation"
WAITING, COMPILING, COMPILED, REFUSED = "Waiting", "Compiling", "Compiled", "Refused"
UNDER_WAY: Final = (WAITING, COMPILING)

COMPILATION = StateMachine(
    "CompilationStatus",
    WAITING,
    {
        WAITING: {COMPILING, REFUSED},
        COMPILING: {COMPILED, REFUSED},
        # A graph that is gone from the disk is made again; one that no worker can load is none.
        COMPILED: {WAITING, REFUSED},
        REFUSED: set(),
    },
)
