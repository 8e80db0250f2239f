"""Writes console/public/examples: what the console needs to start an example in the browser, by the public wire alone.

    python tools/examples.py            # after a change of examples/*/native.py, data.py or of clary.pipeline

Each example is asked for its pipeline by its own code (`build`), with stand-ins for the clients. What it would upload
and create becomes a bundle: the definition and the files, with words where bucket, role and name go. Files that are not
short texts stand beside it, packed by gzip.
"""

import gzip
import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PLACE: Final = ROOT / "console/public/examples"
NAME, BUCKET, ROLE = "EXAMPLE-NAME", "EXAMPLE-BUCKET", "EXAMPLE-ROLE"
"""What the console writes its own names over."""


@dataclass(frozen=True)
class Example:
    """One that the console can start."""

    name: str
    key: str
    """Where its pipeline expects the raw data."""
    rows: Callable[[ModuleType], str]
    """The raw data, by its data.py."""


EXAMPLES: Final = (
    Example("car-evaluation", "raw/car.data", lambda data: str(data.csv())),
    Example("abalone", "raw/abalone.csv", lambda data: str(data.snails())),
    # Fewer rows than `clary demo churn` has: they travel with the console.
    Example("churn", "raw/churn.csv", lambda data: str(data.customers(rows=2000))),
)


class Heard:
    """Both clients of a pipeline's `upsert`: what it asks of them is kept."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.pipeline: dict[str, str] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        assert Bucket == BUCKET
        self.objects[Key] = Body

    def create_pipeline(self, **asked: str) -> dict[str, str]:
        self.pipeline = asked
        return {"PipelineArn": ""}

    @property
    def exceptions(self) -> Any:
        return type("exceptions", (), {"ClientError": OSError})


def made(example: Example) -> dict[str, bytes]:
    """The files of one example, by their paths below PLACE."""
    folder = ROOT / "examples" / example.name
    heard = Heard()
    _module(folder / "native.py").build(NAME, BUCKET).upsert(heard, ROLE, s3=heard)
    uploads = {example.key: example.rows(_module(folder / "data.py")).encode(), **heard.objects}
    files: list[dict[str, str | int]] = []
    beside: dict[str, bytes] = {}
    for key, body in uploads.items():
        if key.endswith(".py"):
            files.append({"key": key, "contentType": "text/x-python", "bytes": len(body), "body": body.decode()})
            continue
        name = Path(key).name
        # Clary's own package is the same for all of them.
        path = f"{name}.gz" if name == "clary.zip" else f"{example.name}/{name}.gz"
        beside[path] = gzip.compress(body, 9, mtime=0)
        kind = "application/zip" if name == "clary.zip" else "text/csv"
        files.append({"key": key, "contentType": kind, "bytes": len(body), "url": path})
    bundle = {
        "name": example.name,
        "description": heard.pipeline["PipelineDescription"],
        "definition": json.loads(heard.pipeline["PipelineDefinition"]),
        "files": files,
    }
    return {f"{example.name}/bundle.json": (json.dumps(bundle, indent=1) + "\n").encode(), **beside}


def everything() -> dict[str, bytes]:
    """All files, by their paths below PLACE."""
    return {path: body for example in EXAMPLES for path, body in made(example).items()}


def _module(file: Path) -> ModuleType:
    name = f"{file.parent.name}_{file.stem}".replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    files = everything()
    for path, body in files.items():
        (PLACE / path).parent.mkdir(parents=True, exist_ok=True)
        (PLACE / path).write_bytes(body)
    for stray in {one for one in PLACE.rglob("*") if one.is_file()} - {PLACE / path for path in files}:
        stray.unlink()
    print(f"{len(files)} files, {sum(map(len, files.values())):,} bytes")


if __name__ == "__main__":
    main()
