"""What the makers of graphs and those who answer with them agree on.

A compiled model is a directory with two files: `graph.onnx`, and `graph.json`, the plan, which says what goes in and
what comes out:

    {"version": 1,
     "stages": ["scikit-learn", "xgboost", "scikit-learn"],   the images it was made of
     "input": "lines" | "strings" | "floats",                 the graph's one input: string[N] (whole CSV rows),
                                                              string[N, C] or float32[N, C] (NaN: missing)
     "columns": [{"name": "safety", "kind": "string" | "float", "allowed": ["low", ...] or null,
                  "unknown": "error" | "pass"}],              in order; "error": a value that is not allowed is a 422
     "output": "labels" | "scores" | ...,                     how the graph's outputs become an answer: see answers
     "outputs": ["label"],                                    names of the graph's outputs, in the order of the renderer
     "accepts": ["text/csv", ...], "default_accept": "text/csv; charset=utf-8", ...}

A compiled answer is, byte for byte, what the native server of the same containers would have sent.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol


class Request(NamedTuple):
    content_type: str
    """As sent, "" when it was not."""
    accept: str
    body: bytes


class Answer(NamedTuple):
    status: int
    """As the native server would have answered: 415, 400, 422 (an unknown category), ..."""
    content_type: str
    body: bytes


class Program(Protocol):
    """One loaded graph. Not thread-safe; lives in one worker process."""

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """An answer for each, in order. One that fails never fails its neighbours: it gets its own status, and the
        others are answered as if it had not been there."""
        ...


class LoadError(Exception):
    """The directory holds no graph that can be loaded; the message says why."""


def load(directory: Path) -> Program:
    """The compiled model that stands in `directory`, warm. Raises LoadError."""
    from clary.algorithms.graphs import program

    return program.load(directory)
