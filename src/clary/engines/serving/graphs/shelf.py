"""Graphs on disk, and the durable file that says which worker shall hold which for whom.

    <directory>/<digest>/graph.onnx, graph.json
    <directory>/asked.json     {"instances": {uid: {"digest": ..., "worker": n}}}

The control process writes the file; workers and the supervisor read it, and look at it again when it has changed.
"""

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

ASKED = "asked.json"
GRAPH, PLAN = "graph.onnx", "graph.json"


@dataclass(frozen=True, slots=True)
class Asked:
    digest: str
    worker: int


def read_asked(path: Path) -> dict[str, Asked]:
    """What is asked, by instance; nothing before the first write. Raises ValueError when the file does not parse."""
    try:
        said: Mapping[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    try:
        return {uid: Asked(str(one["digest"]), int(one["worker"])) for uid, one in said["instances"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} does not say what is asked: {error!r}") from error


def write_asked(path: Path, asked: Mapping[str, Asked]) -> None:
    """Durable and whole on return: readers see the old or the new file."""
    instances = {uid: {"digest": one.digest, "worker": one.worker} for uid, one in asked.items()}
    scratch = path.with_name(f".{path.name}.new")
    with scratch.open("wb") as file:
        file.write(orjson.dumps({"instances": instances}))
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    _sync(path.parent)


def keep(directory: Path, digest: str, made: Path) -> Path:
    """The files of `made` are the graph of that name, durably and whole; one that is there stays."""
    target = directory / digest
    if target.is_dir():
        return target
    scratch = directory / f".{digest}.new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700, parents=True)
    for name in (GRAPH, PLAN):
        shutil.copyfile(made / name, scratch / name, follow_symlinks=False)
        with (scratch / name).open("rb") as file:
            os.fsync(file.fileno())
    _sync(scratch)
    try:
        scratch.rename(target)  # a directory appears under its name only when everything in it is on disk
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        shutil.rmtree(scratch, ignore_errors=True)  # somebody was faster, with the same
    _sync(directory)
    return target


def forget(directory: Path, digests: Sequence[str], wanted: set[str]) -> None:
    """Those graphs are gone, but for the wanted ones."""
    for digest in digests:
        if digest not in wanted:
            shutil.rmtree(directory / digest, ignore_errors=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
