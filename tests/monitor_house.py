"""The monitor's image in a private /opt/ml, in this process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clary.algorithms.contract import Contract
from clary.algorithms.monitor import run

Doc = dict[str, Any]


@dataclass
class Monitor:
    """A job's places: `put` a data set, `analyze` it, look at what it left."""

    root: Path

    def put(self, name: str, content: str | bytes, folder: str = "data") -> Path:
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def empty(self) -> None:
        for path in sorted((self.root / "data").rglob("*"), reverse=True):
            path.unlink()

    def analyze(self, form: Mapping[str, Any] | None = None, **environ: str) -> "Monitor":
        run.run(Contract(self.root), self.environ(form, **environ))
        return self

    def environ(self, form: Mapping[str, Any] | None = None, **environ: str) -> dict[str, str]:
        return {
            "dataset_source": str(self.root / "data"),
            "dataset_format": json.dumps({"csv": {"header": True}} if form is None else form),
            "output_path": str(self.root / "out"),
            "publish_cloudwatch_metrics": "Disabled",
            **environ,
        }

    def baseline(self) -> dict[str, str]:
        """What was left becomes the baseline of the next analysis: its variables."""
        for name in ("statistics", "constraints"):
            self.put(f"{name}.json", (self.root / f"out/{name}.json").read_bytes(), "baseline")
        return {f"baseline_{name}": str(self.root / f"baseline/{name}.json") for name in ("statistics", "constraints")}

    def left(self, name: str) -> Doc:
        found: Doc = json.loads((self.root / "out" / f"{name}.json").read_bytes())
        return found

    def feature(self, name: str, file: str = "statistics") -> Doc:
        (found,) = (one for one in self.left(file)["features"] if one["name"] == name)
        return dict(found)

    @property
    def violations(self) -> list[Doc]:
        found: list[Doc] = self.left("constraint_violations")["violations"]
        return found

    @property
    def message(self) -> str:
        return (self.root / "output/message").read_text()

    def metrics(self) -> list[Doc]:
        path = self.root / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]
