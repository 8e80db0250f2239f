"""Functions as steps: a processing job each, that imports the function's module and calls it."""

import functools
import hashlib
import inspect
import io
import json
import typing
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from clary.pipeline import runner
from clary.pipeline.language.definition import Doc
from clary.pipeline.nodes import Code, Node, Options, Setting, stored
from clary.pipeline.values import Property, Result, Value, join

PYTHON: Final = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE: Final = f"{runner.ROOT}/code"
_RUNNER: Final = "run_step.py"


@dataclass(frozen=True, slots=True)
class Job:
    """On what a function runs."""

    image: str = PYTHON
    instance: str = "ml.m5.large"
    volume_gb: int = 30
    requirements: Sequence[str] = ()
    """Installed by pip before the module is imported."""
    include: Sequence[str | Path] = ()
    """Files that stand beside the module, as seen from it, and are uploaded with it."""
    environment: Mapping[str, str] | None = None
    max_seconds: int = 86_400


class FunctionStep:
    """A function that was made a step. Calling it makes a step of a pipeline, and runs nothing; `function` is the
    function itself."""

    def __init__(
        self, function: Callable[..., Any], outputs: Sequence[str], job: Job, options: Options, name: str
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.outputs = tuple(outputs)
        self.job = job
        self.options = options
        self.name = name
        self.hints = typing.get_type_hints(function)
        self._check()

    def __call__(self, **given: Any) -> "FunctionNode":
        """A step with these arguments: plain values, Parameters, results and outputs of other steps."""
        signature = inspect.signature(self.function)
        signature.bind(**given, **dict.fromkeys(self.outputs))
        for name, value in given.items():
            self._check_value(name, value)
        return FunctionNode(self, given)

    def named(self, name: str, **options: Any) -> "FunctionStep":
        """The same under another name, for a second step of it; `options` are those of Options."""
        return FunctionStep(self.function, self.outputs, self.job, replace(self.options, **options), name)

    @property
    def returns(self) -> bool:
        """It returns a value that others may read."""
        return self.hints.get("return", type(None)) is not type(None)

    def _check_value(self, name: str, value: Any) -> None:
        """What is known already is of the type that the annotation says."""
        if isinstance(value, Node):
            raise TypeError(f"{self.name}: give {name} the step's result or one of its outputs, not the step itself")
        kind = typing.get_origin(self.hints[name]) or self.hints[name]
        wanted: Any = {Path: str, float: (int, float)}.get(kind, kind)
        fits = isinstance(value, wanted) and isinstance(value, bool) == (kind is bool)
        if not isinstance(value, Value) and not fits:
            meant = "an S3 URI as text" if kind is Path else kind.__name__
            raise TypeError(f"{self.name}: {name} must be {meant}, not {value!r}")

    def _check(self) -> None:
        where = self.function.__qualname__
        known = inspect.signature(self.function).parameters
        for one in self.outputs:
            if one not in known or self.hints.get(one) is not Path:
                raise TypeError(f"{where}: the output {one} must be a parameter {one}: Path, the folder to write to")
        for one in [*known, "return"]:
            hint = self.hints.get(one)
            kind = typing.get_origin(hint) or hint
            allowed = runner.KINDS[1:] if one == "return" else runner.KINDS
            if one == "return" and (hint is None or hint is type(None)):
                continue
            if kind not in allowed:
                names = ", ".join(each.__name__ for each in allowed)
                raise TypeError(f"{where}: {one} must be annotated with one of {names}, not {hint}")


class FunctionNode(Node):
    """A step that calls a function."""

    def __init__(self, made_of: FunctionStep, given: Mapping[str, Any]) -> None:
        super().__init__(made_of.name, "Processing", made_of.options)
        self.step = made_of
        self._given = dict(given)

    @property
    def outputs(self) -> Mapping[str, Value]:
        """The folders in S3 that it wrote."""
        return {one: _output(self, one) for one in self.step.outputs}

    @property
    def result(self) -> Result:
        """What the function returned; `["key"]` and `[0]` are parts of it."""
        if not self.step.returns:
            raise TypeError(f"{self.step.function.__qualname__} returns nothing: annotate what it returns")
        path = "value" if runner.wrapped(self.step.hints["return"]) else ""
        return Result(self, runner.RESULT, path, _output(self, runner.RESULT))

    def arguments(self, setting: Setting) -> Doc:
        job = self.step.job
        words, inputs = self._words()
        entry = ["python3", f"{CODE}/{_RUNNER}"]
        code = self.code(setting)
        inputs = [_input("code", join("s3:/", setting.bucket, code.key, on="/"), CODE), *inputs]
        made: Doc = {
            "AppSpecification": {"ImageUri": job.image, "ContainerEntrypoint": entry, "ContainerArguments": words},
            "ProcessingInputs": inputs,
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": job.instance,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": job.volume_gb,
                }
            },
            "RoleArn": setting.role,
            "StoppingCondition": {"MaxRuntimeInSeconds": job.max_seconds},
        }
        if names := self._stored():
            outputs = [_stored_output(one, stored(setting, self.name, one)) for one in names]
            made["ProcessingOutputConfig"] = {"Outputs": outputs}
        if job.environment:
            made["Environment"] = dict(job.environment)
        return made

    def members(self) -> Doc:
        if not self.step.returns:
            return {}
        file = {"PropertyFileName": runner.RESULT, "OutputName": runner.RESULT, "FilePath": runner.RESULT_FILE}
        return {"PropertyFiles": [file]}

    def code(self, setting: Setting) -> Code:
        files = _files(self.step.function, self.step.job.include)
        digest = hashlib.sha256()
        for name, content in sorted(files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return Code(dict(files), f"{setting.pipeline}/code/{digest.hexdigest()[:24]}")

    def _stored(self) -> list[str]:
        return [*self.step.outputs, *([runner.RESULT] if self.step.returns else [])]

    def _words(self) -> tuple[list[Any], list[Doc]]:
        """The arguments of the program, and the inputs of the job."""
        words: list[Any] = [_source(self.step.function).name, self.step.function.__name__]
        inputs: list[Doc] = []

        def add(flag: str, name: str, place: Value | str) -> None:
            words.append(f"--{flag}={name}")
            inputs.append(_input(name, place, f"{runner.ROOT}/input/{name}"))

        for name, value in self._given.items():
            if self.step.hints[name] is Path:
                add("folder" if isinstance(value, _Output) else "file", name, value)
            elif isinstance(value, Result) and value.whole:
                add("result", name, value.output)
            elif isinstance(value, Value):
                words.append(join(f"--value={name}=", value))
            else:
                words.append(f"--value={name}={value if isinstance(value, str) else json.dumps(value)}")
        words += [f"--output={name}" for name in self.step.outputs]
        words += [f"--requirement={one}" for one in self.step.job.requirements]
        return [*words, *(["--returns"] if self.step.returns else [])], inputs


@typing.overload
def step(function: Callable[..., Any]) -> FunctionStep: ...


@typing.overload
def step(
    *,
    outputs: Sequence[str] = ...,
    name: str | None = ...,
    image: str = ...,
    instance: str = ...,
    volume_gb: int = ...,
    requirements: Sequence[str] = ...,
    include: Sequence[str | Path] = ...,
    environment: Mapping[str, str] | None = ...,
    max_seconds: int = ...,
    options: Options = ...,
) -> Callable[[Callable[..., Any]], FunctionStep]: ...


def step(
    function: Callable[..., Any] | None = None,
    *,
    outputs: Sequence[str] = (),
    name: str | None = None,
    image: str = PYTHON,
    instance: str = "ml.m5.large",
    volume_gb: int = 30,
    requirements: Sequence[str] = (),
    include: Sequence[str | Path] = (),
    environment: Mapping[str, str] | None = None,
    max_seconds: int = 86_400,
    options: Options = Options(),  # noqa: B008 -- frozen
) -> Any:
    """The function is a step. Its annotations say how each argument travels: `Path` is a file or folder in S3; str,
    int, float, bool, dict and list are values. `outputs` are parameters of it, of type Path, that it writes to; what it
    returns is a value that others may read and compare."""
    job = Job(image, instance, volume_gb, requirements, include, environment, max_seconds)

    def made(wrapped: Callable[..., Any]) -> FunctionStep:
        return FunctionStep(wrapped, outputs, job, options, name or wrapped.__name__.replace("_", "-"))

    return made if function is None else made(function)


class _Output(Property):
    """A folder that a function step wrote."""


def _output(node: Node, name: str) -> Value:
    return _Output(node, f"ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri")


def _input(name: str, place: Value | str, path: str) -> Doc:
    where = {"S3Uri": place, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": where}


def _stored_output(name: str, place: Value) -> Doc:
    where = {"S3Uri": place, "LocalPath": f"{runner.ROOT}/output/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": where}


def _source(function: Callable[..., Any]) -> Path:
    file = inspect.getsourcefile(function)
    if file is None or not Path(file).is_file():
        raise TypeError(f"{function.__qualname__} must stand in a file of its own, which is uploaded: this has none")
    return Path(file)


def _files(function: Callable[..., Any], include: Sequence[str | Path]) -> dict[str, bytes]:
    module = _source(function)
    found = {module.name: module.read_bytes(), _RUNNER: Path(runner.__file__).read_bytes(), "clary.zip": _bundle()}
    for one in include:
        place = module.parent / one
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and "__pycache__" not in file.parts:
                found[file.relative_to(module.parent).as_posix()] = file.read_bytes()
    return found


@functools.cache
def _bundle() -> bytes:
    """This package, for images without Clary: the module imports it where it is defined. The same bytes at any time."""
    here = Path(__file__).parent
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("clary/__init__.py"), b"")
        for file in sorted(here.rglob("*.py")):
            name = f"clary/pipeline/{file.relative_to(here).as_posix()}"
            archive.writestr(zipfile.ZipInfo(name), file.read_bytes())
    return made.getvalue()
