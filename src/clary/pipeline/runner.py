"""Runs one function in a job. This file is uploaded beside the function's module and imports the standard library
alone; pipelines that run in one process use the same code.

    python3 run_step.py abalone.py prepare --value=rate=0.2 --folder=data --output=train --returns

Inputs stand below `<root>/input/<name>`, outputs are written below `<root>/output/<name>`. What a function returns is
in `<root>/output/result/result.json`: an object or list as it is, anything else as `{"value": ...}`."""

import argparse
import importlib.util
import json
import subprocess
import sys
import traceback
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path("/opt/ml/processing")
RESULT = "result"
RESULT_FILE = "result.json"
RUNS = "CLARY_STEP"
"""The variable that tells a module that it is imported inside a job."""
KINDS = (Path, str, int, float, bool, dict, list)
_EPILOG = "--value=NAME=TEXT may be given several times, as may the others."


@dataclass(frozen=True)
class Told:
    """What the function is called with."""

    module: str
    function: str
    values: dict[str, str]
    files: Sequence[str]
    """Inputs of which it is not known whether they are one file or a folder of them."""
    folders: Sequence[str]
    results: Sequence[str]
    """Inputs that are what another function returned."""
    outputs: Sequence[str]
    returns: bool
    requirements: Sequence[str]


def told(arguments: Sequence[str]) -> Told:
    parser = argparse.ArgumentParser(description="Run one function of a module.", epilog=_EPILOG)
    parser.add_argument("module")
    parser.add_argument("function")
    for name in ("value", "file", "folder", "result", "output", "requirement"):
        parser.add_argument(f"--{name}", action="append", default=[])
    parser.add_argument("--returns", action="store_true")
    given = parser.parse_args(list(arguments))
    values = dict(one.split("=", 1) for one in given.value)
    return Told(
        given.module,
        given.function,
        values,
        given.file,
        given.folder,
        given.result,
        given.output,
        given.returns,
        given.requirement,
    )


def call(function: Callable[..., Any], given: Told, root: Path) -> Any:
    """What the function returns; its outputs are in their places."""
    hints = typing.get_type_hints(function)
    arguments: dict[str, Any] = {name: typed(text, hints.get(name, str)) for name, text in given.values.items()}
    for name in given.folders:
        arguments[name] = root / "input" / name
    for name in given.files:
        arguments[name] = _only_file(root / "input" / name)
    for name in given.results:
        file = root / "input" / name / RESULT_FILE
        read = json.loads(file.read_text(encoding="utf-8"))
        arguments[name] = read["value"] if wrapped(hints.get(name)) else read
    for name in given.outputs:
        place = root / "output" / name
        place.mkdir(parents=True, exist_ok=True)
        arguments[name] = place
    returned = function(**arguments)
    if given.returns:
        place = root / "output" / RESULT
        place.mkdir(parents=True, exist_ok=True)
        inside = wrapped(hints.get("return"))
        text = json.dumps({"value": returned} if inside else returned, default=_plain, allow_nan=False)
        (place / RESULT_FILE).write_text(text, encoding="utf-8")
        read = json.loads(text)
        return read["value"] if inside else read
    return None


def wrapped(hint: Any) -> bool:
    """Whether a result of that type stands in its file as `{"value": ...}`: what is no object or list, so that there
    is a path to it."""
    return (typing.get_origin(hint) or hint) not in (dict, list)


def typed(text: str, hint: Any) -> Any:
    """The text of an argument as the annotation says."""
    kind = typing.get_origin(hint) or hint
    if kind is str:
        return text
    if kind is Path:
        return Path(text)
    if kind in (int, float):
        return kind(text)
    found = json.loads(text.lower() if kind is bool else text)
    if kind in KINDS and not isinstance(found, kind):
        raise TypeError(f"{text!r} is no {kind.__name__}")
    return found


def _only_file(folder: Path) -> Path:
    found = list(folder.iterdir())
    return found[0] if len(found) == 1 and found[0].is_file() else folder


def _plain(value: Any) -> Any:
    """Numbers of numpy and the like, which have `item`."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a step returns what JSON can hold, not {type(value).__name__}: name files in outputs")


def _load(file: Path, function: str) -> Callable[..., Any]:
    bundled = file.parent / "clary.zip"
    sys.path.insert(0, str(file.parent))
    if bundled.exists():
        sys.path.append(str(bundled))  # at the end: a Clary that is installed comes first
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, function)
    made: Callable[..., Any] = getattr(found, "function", found)
    return made


def main(arguments: Sequence[str], root: Path = ROOT) -> None:
    import os

    os.environ[RUNS] = "1"
    given = told(arguments)
    if given.requirements:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *given.requirements], check=True)
    try:
        call(_load(Path(__file__).parent / given.module, given.function), given, root)
    except Exception as error:
        # The job's reason is the end of its log: the user's own frames belong there, those of this file do not.
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
            frames = frames.tb_next
        traceback.print_exception(type(error), error, frames)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
