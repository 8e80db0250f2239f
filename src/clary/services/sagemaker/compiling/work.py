"""The compiler's run: the artifacts unpacked, no network, no keys. What it writes is data, and is looked at as such."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from clary.engines.runners.base import Archive, Run, Tree, Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import containers, inputs, roles
from clary.services.sagemaker.compiling import rows
from clary.services.sagemaker.engines import Engines

MODELS: Final = "/opt/ml/model"
ROWS: Final = "/opt/ml/input/rows.csv"
CONFIG: Final = "/opt/ml/input/config/compile.json"
MOST_GRAPH_BYTES: Final = 256 << 20
MOST_PLAN_BYTES: Final = 4 << 20
_PROGRAMS: Final = ("code/inference.py", "inference.py")


class Refusal(Exception):
    """The model is not compiled; the message says why, in words for the model's owner."""


async def work_of(engines: Engines, row: Resource) -> Work:
    """What compiles the model. Raises Refusal, inputs.InputError, roles.NotAssumable, StartError."""
    row = replace(row, arn=row.spec["model"])  # for whom the role is taken on: its trust policy may ask
    several: list[Doc] = row.spec["containers"]
    stages, archives, trees = [], [], []
    for place, container in enumerate(several):
        image = await containers.resolve(engines, row, container["Image"], row.spec["role"])
        if image.container is not None:
            raise Refusal(f"{container['Image']} is a container image of its own")
        target = f"{MODELS}/{place}"
        archive, tree = await _model(engines, row, container, target)
        if archive is not None:
            archives.append(archive)
        if tree is not None:
            trees.append(tree)
        environ = {**(container.get("Environment") or {}), "CLARY_IMAGE": container["Image"]}
        stages.append({"image": image.name, "model": target, "environment": environ})
    # What a model was trained with is what its own container takes; the first of several takes something rawer.
    known = await rows.of(engines, row, several[0]) if len(several) == 1 else None
    config = {"stages": stages, "rows": ROWS if known else None}
    files = {CONFIG: json.dumps(config).encode(), **({ROWS: known} if known else {})}
    return Work(
        command=(sys.executable, "-m", "clary.algorithms.graphs.compile"),
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        files=files,
        directories=(MODELS, "/opt/ml/output"),
        archives=tuple(archives),
        trees=tuple(trees),
        cpus=engines.max_cpus,
        memory_bytes=engines.max_memory_bytes,
        network=False,
    )


async def _model(engines: Engines, row: Resource, container: Doc, target: str) -> tuple[Archive | None, Tree | None]:
    ctx = roles.context(engines, row, row.spec["role"])
    scratch = engines.scratch / row.uid
    source: Doc = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    if source and source["CompressionType"] == "None":
        return None, await inputs.tree(ctx, engines.objects, scratch, target, {"S3Uri": source["S3Uri"]})
    uri = source.get("S3Uri") or container["ModelDataUrl"]
    return Archive(target, await inputs.local_file(ctx, engines.objects, scratch, uri)), None


def outcome(run: Run) -> tuple[Path, Doc]:
    """The directory with the graph that the run has made, and its plan. Raises Refusal, with the compiler's sentence or
    ours."""
    if run.out_of_memory:
        raise Refusal("the compiler ran out of memory")
    if run.exit_code != 0 or run.root is None:
        raise Refusal(f"the compiler ended with exit code {run.exit_code}")
    # Looked for where it was unpacked: to search an archive takes as long as to unpack it.
    program = next((name for name in _PROGRAMS for _ in run.root.glob(f"model/*/{name}")), None)
    if program is not None:
        raise Refusal(f"it brings a program of its own ({program})")
    output = run.root / "output"
    refused = _plain(output / "refused.json", 1 << 16)
    if refused is not None:
        raise Refusal(_sentence(refused))
    plan = _plain(output / "graph" / "graph.json", MOST_PLAN_BYTES)
    graph = output / "graph" / "graph.onnx"
    if plan is None or graph.is_symlink() or not graph.is_file() or graph.stat().st_size > MOST_GRAPH_BYTES:
        raise Refusal("the compiler left no graph")
    try:
        said = json.loads(plan)
        stages, agreed = [str(one) for one in said["stages"]], int(said.get("agreed") or 0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refusal("the compiler left no plan of its graph") from None
    return graph.parent, {"stages": stages[:15], "agreed": agreed}


def _plain(path: Path, most: int) -> bytes | None:
    """The content of a small plain file; None where there is none. A link may lead anywhere, so it is not followed."""
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file() or path.stat().st_size > most:
        return None
    return path.read_bytes()


def _sentence(refused: bytes) -> str:
    try:
        said = str(json.loads(refused)["why"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "the compiler refused it without a word"
    return " ".join(said.split())[:400].rstrip(".")
