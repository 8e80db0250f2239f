"""The input channels of a training job: what a request may say of them, and what they become on each host."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.engines.runners.base import Tree
from clary.jobs import locations
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc
from clary.services.sagemaker import inputs
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.inputs import parts

DATA: Final = "/opt/ml/input/data"
_EPOCH: Final = re.compile(r"(.+)_[0-9]+")


@dataclass(frozen=True, slots=True)
class Laid:
    """The inputs of one host."""

    trees: tuple[Tree, ...]
    pipes: tuple[str, ...]
    companions: tuple[tuple[str, ...], ...]


def mode_of(spec: Doc, channel: Doc) -> str:
    """File, FastFile or Pipe: the channel's own word, or else the job's."""
    said: str = channel.get("InputMode") or spec["AlgorithmSpecification"]["TrainingInputMode"]
    return said


async def laid(ctx: Context, objects: ObjectStore, spec: Doc, scratch: Path, hosts: int) -> tuple[Laid, ...]:
    """For each host, its channels: linked trees, and pipes with what feeds them. Raises inputs.InputError."""
    trees: list[Sequence[Tree]] = []
    feeds: list[Sequence[inputs.Feed]] = []
    for channel in spec.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        target, seed = f"{DATA}/{channel['ChannelName']}", parts.seed_of(channel)
        if mode_of(spec, channel) == "Pipe":
            stream = inputs.Stream(
                target,
                gzip=channel.get("CompressionType") == "Gzip",
                recordio=channel.get("RecordWrapperType") == "RecordIO",
                seed=seed,
            )
            feeds.append(await inputs.feeds(ctx, objects, scratch, stream, source, hosts))
        else:
            trees.append(await inputs.trees(ctx, objects, scratch, target, source, hosts, seed))
    return tuple(
        Laid(tuple(one[host] for one in trees), *inputs.fed([one[host] for one in feeds])) for host in range(hosts)
    )


def config(spec: Doc) -> Doc:
    """inputdataconfig.json, member for member as AWS writes it."""
    found: Doc = {}
    for channel in spec.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        about = {
            "TrainingInputMode": mode_of(spec, channel),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            about["ContentType"] = channel["ContentType"]
        found[channel["ChannelName"]] = about
    return found


def check(req: Doc) -> None:
    """Raises ValidationException for channels that AWS would refuse, NotImplementedHere for what is not served."""
    names: set[Any] = set()
    for channel in req.get("InputDataConfig") or []:
        name = channel["ChannelName"]
        require(name not in names, f"Two input channels are called {name!r}: channel names must be unique")
        names.add(name)
        require(name.strip(".") != "", f"The input channel {name!r} cannot be a directory: give it a name")
        _check_channel(f"InputDataConfig channel {name!r}", mode_of(req, channel), channel)
    for channel in req.get("InputDataConfig") or []:
        match = _EPOCH.fullmatch(channel["ChannelName"])
        for other in req["InputDataConfig"] if match else []:
            require(
                match is None or other["ChannelName"] != match[1] or mode_of(req, other) != "Pipe",
                f"The input channel {channel['ChannelName']!r} is called as a pipe of the channel "
                f"{other['ChannelName']!r} is: give it another name",
            )


def _check_channel(where: str, mode: str, channel: Doc) -> None:
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise NotImplementedHere(f"{where}: only S3DataSource is served yet.")
    kind = source["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile", "AugmentedManifestFile"):
        raise NotImplementedHere(f"{where}: S3DataType {kind} is not served yet; use S3Prefix.")
    for member in ("CompressionType", "RecordWrapperType"):
        given = channel.get(member, "None")
        require(
            given == "None" or mode == "Pipe",
            f"{where}: {member} {given} needs the input mode Pipe; leave it out in the mode {mode}",
        )
    if kind == "AugmentedManifestFile":
        require(mode == "Pipe", f"{where}: S3DataType AugmentedManifestFile needs the input mode Pipe, not {mode}")
        require(bool(source.get("AttributeNames")), f"{where}: AugmentedManifestFile needs the member AttributeNames")
        if channel.get("CompressionType", "None") != "None":
            raise NotImplementedHere(
                f"{where}: CompressionType with AugmentedManifestFile is not served: leave it out, and let the program "
                "decompress what the manifest names."
            )
    else:
        require(
            not source.get("AttributeNames"),
            f"{where}: AttributeNames needs S3DataType AugmentedManifestFile, not {kind}",
        )
    locations.parse(source["S3Uri"])
