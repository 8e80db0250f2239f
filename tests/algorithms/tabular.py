"""One job of a table algorithm below a directory: its channels written, trained in this process, asked."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import Contract, Stop
from clary.algorithms.recordio import batches

CSV, RECORDIO = "text/csv", "application/x-recordio-protobuf"


@dataclass
class Job:
    """`train` is the algorithm's own function; `load` gives its predictor."""

    root: Path
    algorithm: Any
    model: Any
    hyperparameters: Mapping[str, object]
    kinds: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        return Contract(self.root)

    def put(self, channel: str, features: Any, labels: Any = None, kind: str = RECORDIO, file: str = "a") -> "Job":
        """One file of the channel; several make one channel."""
        out = io.BytesIO()
        if kind.startswith(CSV):
            table = features if labels is None else np.column_stack([labels, features])
            np.savetxt(out, table, delimiter=",", fmt="%.9g")
        else:
            batches.write(out, features, labels)
        return self.raw(channel, out.getvalue(), kind, file)

    def raw(self, channel: str, data: bytes, kind: str, file: str = "a") -> "Job":
        place = self.root / "input" / "data" / channel
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(data)
        self.kinds[channel] = {"ContentType": kind}
        return self

    def write(self, hosts: tuple[str, ...] = ("algo-1",), current: str = "algo-1") -> "Job":
        config = self.root / "input" / "config"
        config.mkdir(parents=True, exist_ok=True)
        documents = {
            "hyperparameters": {name: str(value) for name, value in self.hyperparameters.items()},
            "inputdataconfig": self.kinds,
            "resourceconfig": {"hosts": list(hosts), "current_host": current},
        }
        for name, document in documents.items():
            (config / f"{name}.json").write_text(json.dumps(document))
        return self

    def train(self, stop: Stop | None = None) -> Any:
        """The predictor of the trained model. Raises what training raises."""
        self.write()
        self.algorithm.train(self.contract, Stop() if stop is None else stop)
        return self.model.load(self.contract)


class Later(Stop):
    """Asked to stop once it was looked at so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def __bool__(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def scores(predictor: Any, features: Any, name: str = "score") -> NDArray[Any]:
    return np.array([row[name] for row in predictor.answer(features)])
