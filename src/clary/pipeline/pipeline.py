"""A pipeline, from its steps to the definition, and from there to a server or to this process."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clary.pipeline.language.definition import VERSION, Doc
from clary.pipeline.language.parse import parse
from clary.pipeline.nodes import Node, Setting
from clary.pipeline.runner import RUNS
from clary.pipeline.values import Parameter, Plain, within

if TYPE_CHECKING:
    from clary.pipeline.inline import Outcome, StandIn


class Pipeline:
    """The steps, and everything that they read. Where no `role` or `bucket` is given, the definition has a parameter
    `Role` or `Bucket` for it. What one execution stores is below `s3://<bucket>/<name>/<execution id>/`."""

    def __init__(
        self,
        name: str,
        steps: Sequence[Node],
        *,
        parameters: Sequence[Parameter] = (),
        role: str | None = None,
        bucket: str | None = None,
        description: str | None = None,
    ) -> None:
        self.name = name
        self.steps = tuple(steps)
        self.parameters = tuple(parameters)
        self.role = role
        self.bucket = bucket
        self.description = description

    def document(self, role: str | None = None) -> Doc:
        """The definition. Raises Refused with everything that is wrong with it."""
        setting = self._setting(role)
        whole: Doc = {
            "Version": VERSION,
            "Metadata": {},
            "Parameters": [one.declaration() for one in self._declared(setting)],
            "PipelineExperimentConfig": {
                "ExperimentName": {"Get": "Execution.PipelineName"},
                "TrialName": {"Get": "Execution.PipelineExecutionId"},
            },
            "Steps": [node.document(setting) for node in self._top(setting)],
        }
        parse(whole)
        return whole

    def definition(self, role: str | None = None) -> str:
        """The definition as JSON, as CreatePipeline takes it. Raises Refused."""
        return json.dumps(self.document(role), indent=1)

    def upsert(self, sagemaker: Any, role: str | None = None, *, s3: Any = None) -> str:
        """The pipeline is on the server, and the code of its steps in the bucket; its ARN. `sagemaker` and `s3` are
        clients of boto3. Raises Refused, and what the clients raise."""
        if os.environ.get(RUNS):
            raise RuntimeError(
                'a step imports this module: put what starts pipelines below `if __name__ == "__main__":`'
            )
        if role is None and self.role is None:
            raise ValueError("name the role with which the pipeline runs: upsert(client, role)")
        text = self.definition(role)
        self._upload(s3, self._setting(role))
        request = {"PipelineName": self.name, "PipelineDefinition": text, "RoleArn": role or self.role}
        if self.description is not None:
            request["PipelineDescription"] = self.description
        try:
            made: str = sagemaker.create_pipeline(**request)["PipelineArn"]
        except sagemaker.exceptions.ClientError as error:
            if "already exists" not in error.response["Error"]["Message"]:
                raise
            made = sagemaker.update_pipeline(**request)["PipelineArn"]
        return made

    def start(self, sagemaker: Any, **parameters: Plain) -> str:
        """An execution has begun; its ARN."""
        given = [{"Name": name, "Value": text(value)} for name, value in parameters.items()]
        started = sagemaker.start_pipeline_execution(PipelineName=self.name, PipelineParameters=given)
        arn: str = started["PipelineExecutionArn"]
        return arn

    def run_inline(
        self,
        parameters: Mapping[str, Plain] | None = None,
        *,
        stand_ins: "Mapping[str, StandIn] | None" = None,
        files: Mapping[str, str | Path] | None = None,
        directory: str | Path | None = None,
    ) -> "Outcome":
        """The pipeline has run here, one step after the other, in this process. Function steps and conditions mean what
        they mean on a server; for any other step `stand_ins` must hold a function, by the step's name. `files` says
        which file or folder an S3 URI stands for; a parameter may also be a path itself. What a function raises is
        raised here. Raises Refused, Unresolved, NeedsServer."""
        from clary.pipeline.inline import run

        return run(self, parameters or {}, stand_ins or {}, files or {}, directory)

    def nodes(self, role: str | None = None) -> list[Node]:
        """Every step, those in branches too."""
        setting = self._setting(role)
        return [one for node in self._top(setting) for one in _with_branches(node)]

    def _setting(self, role: str | None) -> Setting:
        return Setting(self.name, role or self.role or Parameter("Role", str), self.bucket or Parameter("Bucket", str))

    def _top(self, setting: Setting) -> list[Node]:
        """The steps that stand in no branch, each behind what it reads."""
        within_branches = {one for node in self._reached(setting) for one in _with_branches(node) if one is not node}
        ordered: dict[Node, None] = {}
        open_: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node) -> None:
            if node not in ordered and all(node is not one for one, _ in open_):
                found = [one for each in _with_branches(node) for one in each.needs(setting)]
                open_.append((node, iter(found)))

        for root in self.steps:
            enter(root)
            while open_:
                node, rest = open_[-1]
                for one in rest:
                    if one not in within_branches:
                        before = len(open_)
                        enter(one)
                        if len(open_) > before:
                            break
                else:
                    open_.pop()
                    ordered[node] = None
        return [one for one in ordered if one not in within_branches]

    def _reached(self, setting: Setting) -> list[Node]:
        found = dict.fromkeys(self.steps)
        waiting = list(found)
        for node in waiting:  # grows while it is walked
            for one in (*node.needs(setting), *(one for nodes in node.branches().values() for one in nodes)):
                if one not in found:
                    found[one] = None
                    waiting.append(one)
        return list(found)

    def _declared(self, setting: Setting) -> list[Parameter]:
        """Those that were handed in first, then the others as they are met."""
        found = {id(one): one for one in self.parameters}
        for node in self._top(setting):
            for each in _with_branches(node):
                for value in within(each.arguments(setting)):
                    if isinstance(value, Parameter):
                        found.setdefault(id(value), value)
        return list(found.values())

    def _upload(self, s3: Any, setting: Setting) -> None:
        wanted = {code.key: code for node in self.nodes() if (code := node.code(setting)) is not None}
        if not wanted:
            return
        if s3 is None or self.bucket is None:
            raise ValueError("functions are uploaded: give the pipeline a bucket, and upsert an s3 client")
        for code in wanted.values():
            for name, content in code.files.items():
                body = content if isinstance(content, bytes) else content.read_bytes()
                s3.put_object(Bucket=self.bucket, Key=f"{code.key}/{name}", Body=body)


def text(value: Plain) -> str:
    """A parameter as the wire has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_branches(node: Node) -> Iterator[Node]:
    yield node
    for nodes in node.branches().values():
        for one in nodes:
            yield from _with_branches(one)
