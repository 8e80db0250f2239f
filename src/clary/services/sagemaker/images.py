"""Which of Clary's built-in algorithms an image URI names. An image is looked up, not pulled."""

import re
import sys
from dataclasses import dataclass

from clary.kernel.resource import Doc
from clary.services.sagemaker.metrics import XGBOOST
from clary.services.sagemaker.quality import FACTORIZATION_MACHINES, K_MEANS, LINEAR_LEARNER


@dataclass(frozen=True, slots=True)
class Image:
    """A built-in image: what its container runs."""

    name: str
    train: tuple[str, ...] | None
    """The command of a training job that brings no entry point of its own; None: the image has no algorithm."""
    serve: tuple[str, ...] | None
    """The command of a model server; None: the image serves nothing by itself."""
    metrics: tuple[Doc, ...] = ()
    """MetricDefinitions of the lines that its algorithm prints."""
    container: str | None = None
    """The reference of the container image that runs; None: a process of this machine."""
    scripts: bool = False
    """It runs programs of the user: their source is staged for it, and the packages that they ask for."""
    own_server: bool = False
    """It serves the models of its own algorithm where no program is named."""
    compiles: bool = False
    """Its models can be made one graph, alone or in a pipeline with others of the kind (see compiling)."""
    process: tuple[str, ...] | None = None
    """The command of a processing job that brings no entry point of its own; None: the image has no program."""


def _module(name: str, verb: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"clary.algorithms.{name}", verb)


_XGBOOST = Image(
    "xgboost",
    _module("xgboost", "train"),
    _module("xgboost", "serve"),
    XGBOOST,
    scripts=True,
    own_server=True,
    compiles=True,
)
_SCIKIT_LEARN = Image(
    "scikit-learn", _module("sklearn", "train"), _module("sklearn", "serve"), scripts=True, compiles=True
)
_PYTORCH = Image("pytorch", _module("pytorch", "train"), _module("pytorch", "serve"), scripts=True)
_BASE_PYTHON = Image("base-python", None, None, scripts=True)
_MONITOR = Image("model-monitor-analyzer", None, None, process=(sys.executable, "-m", "clary.algorithms.monitor"))
_SPARKML = Image("sparkml-serving", None, _module("sparkml", "serve"), compiles=True)


def _table(name: str, module: str, metrics: tuple[Doc, ...], *, compiles: bool = True) -> Image:
    return Image(name, _module(module, "train"), _module(module, "serve"), metrics, compiles=compiles)


_BUILT_IN = {
    "sagemaker-xgboost": _XGBOOST,
    "xgboost": _XGBOOST,
    "sagemaker-model-monitor-analyzer": _MONITOR,
    "sagemaker-scikit-learn": _SCIKIT_LEARN,
    "sagemaker-sparkml-serving": _SPARKML,
    "pytorch-training": _PYTORCH,
    "pytorch-inference": _PYTORCH,
    **{f"sagemaker-base-python-{version}": _BASE_PYTHON for version in ("38", "310", "311", "312")},
    "linear-learner": _table("linear-learner", "linear_learner", LINEAR_LEARNER),
    "kmeans": _table("k-means", "kmeans", K_MEANS),
    "factorization-machines": _table(
        "factorization-machines", "factorization_machines", FACTORIZATION_MACHINES, compiles=False
    ),
}

# [registry/][namespace/]repository[:tag][@digest]; the account, region and tag of AWS's registries do not matter.
_URI = re.compile(r"(?:[^/\s]+/)*(?P<repository>[^/:@\s]+)(?::[^/:@\s]+)?(?:@sha256:[0-9a-f]+)?")


def lookup(uri: str) -> Image | None:
    """The built-in image of that URI: any account, any region, any tag; None when it names none."""
    match = _URI.fullmatch(uri.strip())
    return _BUILT_IN.get(match["repository"]) if match else None


def names() -> list[str]:
    """The repositories of the built-in images."""
    return sorted(_BUILT_IN)


def unknown(uri: str) -> str:
    """The sentence for an image that `lookup` does not know, where no container can be had."""
    return f"the image {uri} is not one of the built-in images ({', '.join(names())})."
