"""The life of a compilation: an internal resource, one for each distinct model of an account and region.

Its name is the digest of what is compiled, which is the name of the graph as well.

    spec    {"containers": [...], "role": "arn:...", "model": "arn:..."}
    status  {"_asked": 1700000000.0, "_tries": 0, "_why": "", "_stages": [...], "_agreed": 1728}

`_asked` is when somebody last wanted it (epoch seconds), `_why` the sentence of a refusal.
"""

from typing import Final

from clary.kernel.resource import StateMachine

KIND: Final = "compilation"
COMPILING, COMPILED, REFUSED = "Compiling", "Compiled", "Refused"

COMPILATION = StateMachine(
    "CompilationStatus",
    COMPILING,
    {
        COMPILING: {COMPILED, REFUSED},
        # A graph that is gone from the disk is made again; one that no worker can load is none.
        COMPILED: {COMPILING, REFUSED},
        REFUSED: set(),
    },
)
