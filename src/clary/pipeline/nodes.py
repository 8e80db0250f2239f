"""A step of a pipeline that is being written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clary.pipeline.language.definition import Branch, Doc
from clary.pipeline.values import Property, Value, execution, join, rendered, within


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeat a step that ends with one of `exceptions` (`Step.SERVICE_FAULT`, `SageMaker.JOB_INTERNAL_ERROR` ...)."""

    exceptions: Sequence[str]
    attempts: int | None = None
    interval: int = 1
    """Seconds before the first repetition."""
    backoff: float = 2.0
    minutes: int | None = None
    """Until nothing is repeated any more; instead of `attempts`."""

    def document(self) -> Doc:
        bounds = {"MaxAttempts": self.attempts, "ExpireAfterMin": self.minutes}
        return {
            "ExceptionType": list(self.exceptions),
            "IntervalSeconds": self.interval,
            "BackoffRate": self.backoff,
            **{name: value for name, value in bounds.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Options:
    """What any step may have."""

    after: "Sequence[Node]" = ()
    """Steps to wait for of which it reads nothing."""
    cache: str | bool = False
    """True: an equal step that succeeded before is used again; a duration such as "P30D": if it is not older."""
    retries: Sequence[Retry] = ()
    display_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a pipeline gives to all of its steps."""

    pipeline: str
    role: Value | str
    bucket: Value | str


@dataclass(frozen=True, slots=True)
class Code:
    """Files that a step needs in S3: there is one folder of them a content."""

    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    key: str = ""
    """Of the folder, below the bucket: `<pipeline>/code/<digest>`."""


class Node:
    """A step. `arguments` are in wire form, but for the Values in them."""

    def __init__(self, name: str, kind: str, options: Options) -> None:
        self.name = name
        self.kind = kind
        self.options = options
        self.companions: tuple[Node, ...] = ()
        """Steps of its own that stand right before it, wherever it stands."""

    def arguments(self, setting: Setting) -> Doc:
        raise NotImplementedError

    def members(self) -> Doc:
        """Further members of the step in the definition."""
        return {}

    def branches(self) -> "Mapping[Branch, Sequence[Node]]":
        return {}

    def code(self, setting: Setting) -> Code | None:
        """What must be in S3 before it runs."""
        return None

    def get(self, path: str) -> Value:
        """What the step made, by the path in the Describe answer: `train.get("ModelArtifacts.S3ModelArtifacts")`."""
        return Property(self, path)

    def needs(self, setting: Setting) -> "list[Node]":
        """The steps that it reads or waits for, in the order in which they are named."""
        read = [one for value in within(self.arguments(setting)) for one in value.sources() if isinstance(one, Node)]
        return list(dict.fromkeys([*read, *self.options.after]))

    def document(self, setting: Setting) -> Doc:
        """The step as the definition has it."""
        options = self.options
        made: Doc = {"Name": self.name, "Type": self.kind, "Arguments": rendered(self.arguments(setting))}
        for branch, nodes in self.branches().items():
            made["Arguments"][branch] = [node.document(setting) for node in nodes]
        made |= self.members()
        if options.after:
            made["DependsOn"] = [one.name for one in options.after]
        if options.cache:
            expires: Any = {"ExpireAfter": options.cache} if isinstance(options.cache, str) else {}
            made["CacheConfig"] = {"Enabled": True, **expires}
        if options.retries:
            made["RetryPolicies"] = [one.document() for one in options.retries]
        words = {"DisplayName": options.display_name, "Description": options.description}
        return made | {name: value for name, value in words.items() if value is not None}


class Plain(Node):
    """A step whose arguments are written out, but for the role."""

    def __init__(
        self,
        name: str,
        kind: str,
        arguments: Doc,
        options: Options,
        *,
        role: str | None = None,
        folder: str | None = None,
    ) -> None:
        super().__init__(name, kind, options)
        self._arguments = arguments
        self._role = role
        self._folder = folder

    def arguments(self, setting: Setting) -> Doc:
        made = dict(self._arguments)
        if self._role is not None:
            made[self._role] = setting.role
        if self._folder is not None:
            outer, inner = self._folder.split(".")
            made[outer] = {inner: stored(setting, self.name), **made.get(outer, {})}
        return made


def stored(setting: Setting, *below: str) -> Value:
    """A place in the pipeline's bucket that belongs to one execution."""
    return join("s3:/", setting.bucket, setting.pipeline, execution("PipelineExecutionId"), *below, on="/")
