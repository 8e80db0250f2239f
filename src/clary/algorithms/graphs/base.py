"""What the makers of graphs and those who answer with them agree on.

A compiled model is a directory with two files: `graph.onnx`, and `graph.json`, the plan, which says what goes in and
what comes out:

    {"version": 1,
     "stages": ["scikit-learn", "xgboost", "scikit-learn"],   the images it was made of
     "agreed": 1728,                                          real and made rows that the gate saw answered alike
     "reader": "xgboost" | "tables" | "arrays" | "spark",     the native server of the first stage: whose formats are
                                                              read, and in whose words is refused
     "input": "lines" | "strings" | "floats" | "doubles",     the graph's one input: string[N] (whole CSV rows, cells as
                                                              they were sent), string[N, C], float32[N, C] (NaN:
                                                              missing), or float64[N, C] where the first stage
                                                              calculates: scalers do so in 64 bits
     "columns": [{"name": "safety", "kind": "string" | "float", "allowed": ["low", ...] or null,
                  "unknown": "error" | "pass" | "skip",
                  "missing": "error" or absent}],             in order; "error": a value that is not allowed is a 422
                                                              (of "spark" a 400); "skip": its row is left out.
                                                              Of "floats" and "doubles" all are {"kind": "float"}. A
                                                              cell of kind float among strings is a number when the
                                                              graph sees it ("nan": missing)
     "output": "scores" | "rows" | "array" | "spark",         whose answers: of xgboost, of the tables (linear-learner,
                                                              k-means), of scikit-learn, of sparkml-serving
     "outputs": ["label"],                                    names of the graph's outputs, in the renderer's order:
                                                              one, or for "rows" as many as there are
     "names": ["score", "predicted_label"],                   of "rows": each output's name in the answer. An output is
                                                              [N] (a number) or [N, K] (a list); int64 is written as int
     "one_line": false,                                       of "scores": see xgboost.version.answers_with_commas
     "default_accept": "text/csv"}                            what is answered where the request leaves it open

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
