"""A pipeline in one process: the same definition, the same expressions, the same calls of the functions."""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from clary.pipeline import runner
from clary.pipeline.functions import FunctionNode
from clary.pipeline.language import conditions, expressions, graph, parameters
from clary.pipeline.language.definition import Definition, Doc, Step
from clary.pipeline.language.parse import parse
from clary.pipeline.language.problems import Unresolved
from clary.pipeline.nodes import Node
from clary.pipeline.values import Plain

if TYPE_CHECKING:
    from clary.pipeline.pipeline import Pipeline

_OWN: Final = {"Role": "arn:aws:iam::000000000000:role/inline", "Bucket": "inline"}
_ID: Final = "inline"


class NeedsServer(RuntimeError):
    """A step is of a type that only a server runs, and nothing stands in for it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What stands in for a step is given."""

    arguments: Doc
    """Resolved: the request that the server would make of it."""
    inputs: Mapping[str, Path]
    """The channels of a training step, each a file or a folder."""
    output: Path
    """An empty folder; what a training step leaves here is its model.tar.gz."""


StandIn = Callable[[Job], Doc | None]
"""Does what a step would do; returns what others read of it, by the members of the Describe answer."""


@dataclass(slots=True)
class Outcome:
    """What became of an execution."""

    status: Literal["Succeeded", "Failed"] = "Succeeded"
    reason: str = ""
    """Why it failed."""
    steps: list[str] = field(default_factory=list)
    """The steps that ran, in order."""
    results: Doc = field(default_factory=dict)
    """By the step's name: what its function returned, or whether its conditions held."""
    properties: dict[str, Doc] = field(default_factory=dict)
    directory: Path = Path()
    """`s3/<bucket>/...` holds what was stored."""


def run(
    pipeline: "Pipeline",
    given: Mapping[str, Plain],
    stand_ins: Mapping[str, StandIn],
    files: Mapping[str, str | Path],
    directory: str | Path | None,
) -> Outcome:
    """See Pipeline.run_inline."""
    from clary.pipeline.pipeline import text

    definition = parse(pipeline.document())
    wire = {name: text(value) for name, value in given.items()}
    own = {name: value for name, value in _OWN.items() if name in definition.parameters and name not in wire}
    values = parameters.values(definition, wire | own)
    place = Path(tempfile.mkdtemp(prefix=f"{pipeline.name}-")) if directory is None else Path(directory)
    known = {node.name: node for node in pipeline.nodes()}
    execution = _Execution(pipeline.name, definition, values, known, dict(stand_ins), dict(files), place)
    return execution.run()


class _Execution:
    """One execution, and the scope of its expressions."""

    def __init__(
        self,
        name: str,
        definition: Definition,
        values: Doc,
        nodes: Mapping[str, Node],
        stand_ins: Mapping[str, StandIn],
        files: Mapping[str, str | Path],
        place: Path,
    ) -> None:
        self._name = name
        self._definition = definition
        self._values = values
        self._nodes = nodes
        self._stand_ins = stand_ins
        self._files = files
        self._place = place
        self._started = datetime.now(UTC)
        self._outcome = Outcome(directory=place)

    def run(self) -> Outcome:
        outcome = self._outcome
        needed = graph.needs(self._definition)
        for name in graph.order(needed):
            step = self._definition.steps[name]
            if not needed[name] <= set(outcome.steps) or not self._wanted(step):
                continue  # behind, or in, a branch that was not taken
            if step.type == "Fail":
                outcome.status, outcome.reason = "Failed", self._resolve(step.arguments)["ErrorMessage"]
                outcome.steps.append(name)
                break
            self._step(step)
            outcome.steps.append(name)
        return outcome

    def parameter(self, name: str) -> Any:
        return self._values[name]

    def execution(self, variable: str) -> str:
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{self._name}"
        found = {
            "PipelineName": self._name,
            "PipelineArn": arn,
            "PipelineExecutionId": _ID,
            "PipelineExecutionArn": f"{arn}/execution/{_ID}",
            "StartDateTime": self._started.isoformat(),
            "CurrentDateTime": datetime.now(UTC).isoformat(),
        }
        if variable not in found:
            raise Unresolved("", f"Execution.{variable} has no value in an execution without a server")
        return found[variable]

    def properties(self, step: str) -> Doc:
        return self._outcome.properties[step]

    def document(self, s3_uri: str) -> Any:
        return json.loads(self._stored(s3_uri).read_text(encoding="utf-8"))

    def _wanted(self, step: Step) -> bool:
        held = self._outcome.results.get(step.parent or "")
        return step.parent is None or held is (step.branch == "IfSteps")

    def _resolve(self, value: Any) -> Any:
        return expressions.resolve(value, self, self._definition)

    def _step(self, step: Step) -> None:
        node = self._nodes[step.name]
        if step.type == "Condition":
            held = conditions.all_hold(step.arguments["Conditions"], self, self._definition)
            self._outcome.results[step.name] = held
            self._outcome.properties[step.name] = {}
        elif isinstance(node, FunctionNode):
            self._function(node)
        elif step.name in self._stand_ins:
            self._stand_in(step)
        else:
            raise NeedsServer(
                f"the step {step.name} of type {step.type} runs on a server: give run_inline a function that stands in"
                f" for it, stand_ins={{{step.name!r}: ...}}, or upsert the pipeline and start it there"
            )

    def _function(self, node: FunctionNode) -> None:
        arguments = self._resolve(self._definition.steps[node.name].arguments)
        root = self._fresh(node.name)
        for one in arguments["ProcessingInputs"]:
            if one["InputName"] != "code":
                self._bring(one["S3Input"]["S3Uri"], root / "input" / one["InputName"], node.name)
        told = runner.told(arguments["AppSpecification"]["ContainerArguments"])
        returned = runner.call(node.step.function, told, root)
        if told.returns:
            self._outcome.results[node.name] = returned
        for one in arguments.get("ProcessingOutputConfig", {}).get("Outputs", []):
            target = self._stored(one["S3Output"]["S3Uri"])
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(root / "output" / one["OutputName"], target)
        self._outcome.properties[node.name] = arguments

    def _stand_in(self, step: Step) -> None:
        arguments = self._resolve(step.arguments)
        root = self._fresh(step.name)
        inputs = {}
        for channel in arguments.get("InputDataConfig", []):
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            inputs[channel["ChannelName"]] = self._there(uri, step.name)
        output = root / "model"
        output.mkdir(parents=True)
        returned = self._stand_ins[step.name](Job(arguments, inputs, output)) or {}
        properties = {**arguments, **returned}
        if step.type == "Training" and "ModelArtifacts" not in returned:
            uri = f"{arguments['OutputDataConfig']['S3OutputPath']}/{step.name}/output/model.tar.gz"
            target = self._stored(uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(target, "w:gz") as archive:
                for one in sorted(output.iterdir()):  # named as a job's archive names them, without "./"
                    archive.add(one, arcname=one.name)
            properties["ModelArtifacts"] = {"S3ModelArtifacts": uri}
        self._outcome.properties[step.name] = properties

    def _fresh(self, name: str) -> Path:
        root = self._place / "steps" / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        return root

    def _bring(self, uri: str, folder: Path, step: str) -> None:
        """As in a job: the input is a copy, a single file inside a folder."""
        found = self._there(uri, step)
        if found.is_dir():
            shutil.copytree(found, folder)
        else:
            folder.mkdir(parents=True)
            shutil.copy(found, folder / found.name)

    def _there(self, uri: str, step: str) -> Path:
        found = self._stored(uri)
        if not found.exists():
            raise FileNotFoundError(
                f"the step {step} reads {uri}, where nothing is: say what it stands for by files={{{uri!r}: PATH}}"
            )
        return found

    def _stored(self, uri: str) -> Path:
        """Where the S3 URI is on this machine; what is no S3 URI is a path."""
        if uri in self._files:
            return Path(self._files[uri])
        if not uri.startswith("s3://"):
            return Path(uri)
        return self._place / "s3" / uri.removeprefix("s3://").strip("/")
