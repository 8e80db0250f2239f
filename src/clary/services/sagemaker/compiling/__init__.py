"""Models of built-in containers become one graph when they are made: what is asked, what came of it, and why.

asking     which models compile, and under which name what they compile to is kept
work       the compiler's run: a sandbox with the artifacts and a few rows, and no network
rows       rows of the data that a model was trained with
reconcile  the run is watched, its graph kept; what nobody uses any more is forgotten
"""

from clary.services.sagemaker.compiling.asking import Asked, Switch, ask, reference
from clary.services.sagemaker.compiling.machine import COMPILATION, COMPILED, KIND, REFUSED, UNDER_WAY
from clary.services.sagemaker.compiling.reconcile import CompilationReconciler

__all__ = [
    "COMPILATION",
    "COMPILED",
    "KIND",
    "REFUSED",
    "UNDER_WAY",
    "Asked",
    "CompilationReconciler",
    "Switch",
    "ask",
    "reference",
]
