"""The functions that answer requests: the user's, and the framework's where the user brought none.

A framework's defaults are a module with input_fn(body, content_type), predict_fn(data, model), output_fn(prediction,
accept) and, where it can load a model by itself, model_fn(model_dir)."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from clary.algorithms.contract import AlgorithmError, ClientError, Contract
from clary.algorithms.serve import Answer
from clary.algorithms.toolkit import codecs

_ARGUMENTS: Final = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}
"""How many positional arguments each takes; one more is AWS's context."""
_PARTS: Final = ("input_fn", "predict_fn", "output_fn")


@dataclass(frozen=True, slots=True)
class Handlers:
    """A loaded model and the functions around it. One request at a time: users' code need not be safe in threads."""

    model: Any
    functions: Mapping[str, Callable[..., Any]]
    default_accept: str

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """The answer. Raises Refused, or whatever the user's code raises."""
        kind = content_type or codecs.JSON
        wanted = codecs.chosen(accept, self.default_accept)
        given: str | bytes = body.decode() if codecs.plain(kind) in codecs.TEXTS else body
        whole = self.functions.get("transform_fn")
        if whole is not None:
            return _answer(whole(self.model, given, kind, wanted), wanted)
        data = self.functions["input_fn"](given, kind)
        return _answer(self.functions["output_fn"](self.functions["predict_fn"](data, self.model), wanted), wanted)


def load(contract: Contract, environ: Mapping[str, str], defaults: str) -> Handlers:
    """The user's module is imported and the model loaded. Raises ClientError and AlgorithmError, or what the user's
    code raises."""
    own = user_module(contract, environ)
    framework = importlib.import_module(defaults)
    found: dict[str, Callable[..., Any]] = {}
    for name in _ARGUMENTS:
        function = getattr(own, name, None) or getattr(framework, name, None)
        if function is not None:
            found[name] = _bound(name, function)
    if own is not None and hasattr(own, "transform_fn"):
        both = [name for name in _PARTS if hasattr(own, name)]
        if both:
            raise ClientError(f"The program has transform_fn and {both[0]}: it must have one of the two.")
    if "model_fn" not in found:
        raise AlgorithmError(
            "There is no model_fn: define model_fn(model_dir) in your program, which returns the model that it loads."
        )
    accept = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or codecs.JSON
    return Handlers(found["model_fn"](str(contract.model_dir)), found, accept)


def user_module(contract: Contract, environ: Mapping[str, str]) -> ModuleType | None:
    """The user's program as a module; None when there is none. Its directory is on the import path."""
    named = environ.get("SAGEMAKER_PROGRAM", "")
    path = program(contract, environ)
    if path is None:
        if named:
            raise ClientError(f"The program {named} (SAGEMAKER_PROGRAM) is neither in the source nor in the model.")
        return None
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ClientError(f"The program {path.name} is no Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def program(contract: Contract, environ: Mapping[str, str]) -> Path | None:
    """Where the user's program stands: in the source that was unpacked, where the model says, or as
    code/inference.py in the model's archive."""
    name = environ.get("SAGEMAKER_PROGRAM") or "inference.py"
    said = environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "").removeprefix("file://")
    places = [contract.root / "code", contract.model_dir / "code", contract.model_dir]
    if said.startswith("/"):
        places.insert(0, Path(said))
    for place in places:
        if (place / name).is_file():
            return place / name
    return None


def _bound(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function without its context, for those that take one."""
    if _takes_context(function, _ARGUMENTS[name]):
        context = SimpleNamespace(
            system_properties={"model_dir": os.environ.get("SM_MODEL_DIR", "/opt/ml/model"), "gpu_id": None}
        )
        return lambda *arguments: function(*arguments, context)
    return function


def _takes_context(function: Callable[..., Any], count: int) -> bool:
    import inspect  # not for servers that only look whether there is a program

    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len([one for one in parameters if one.kind in kinds]) > count


def _answer(made: Any, accept: str) -> Answer:
    """What output_fn gave: a body, (body, content type), or an object of a web framework."""
    kind = codecs.plain(accept) or codecs.JSON
    if isinstance(made, tuple) and len(made) == 2:
        made, kind = made[0], str(made[1])
    elif hasattr(made, "get_data"):
        made, kind = made.get_data(), str(getattr(made, "mimetype", kind) or kind)
    elif hasattr(made, "response") and hasattr(made, "mimetype"):
        made, kind = made.response, str(made.mimetype or kind)
    if made is None:
        return Answer(b"", kind)
    if isinstance(made, str):
        return Answer(made.encode(), kind)
    if isinstance(made, bytes | bytearray | memoryview):
        return Answer(bytes(made), kind)
    return Answer(codecs.encode(made, kind), kind)
