"""The artifact `model_algo-1`: a zip of plain arrays (numpy's npz) and one JSON text. Loading it runs no code."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError

NAME = "model_algo-1"
FORMAT = 1


def save(folder: Path, algorithm: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """The model stands in `folder` as a whole or not at all: it appears by one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{NAME}.part"
    text = json.dumps({"algorithm": algorithm, "format": FORMAT, **about})
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, about=np.array(text), **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / NAME)


def load(folder: Path, algorithm: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What was saved. Raises AlgorithmError that says what stands there and why it does not load."""
    path = folder / NAME
    if not path.is_file():
        names = ", ".join(sorted(one.name for one in folder.iterdir())[:5]) if folder.is_dir() else ""
        raise AlgorithmError(f"{folder} must hold a file {NAME}; it holds {names or 'nothing'}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        about = json.loads(str(arrays.pop("about")))
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise AlgorithmError(f"{path} is no model that this algorithm saved: {error}") from None
    if about.get("algorithm") != algorithm or about.get("format") != FORMAT:
        raise AlgorithmError(
            f"{path} is a model of {about.get('algorithm')}, format {about.get('format')}; this server reads models of "
            f"{algorithm}, format {FORMAT}"
        )
    return about, arrays
