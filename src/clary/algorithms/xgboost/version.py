"""Which version of AWS's container the job or model asked for, since they did not all speak alike."""

import re
from collections.abc import Mapping

Version = tuple[int, int, int]
"""(1, 7, 1) for the tag 1.7-1."""


def read(environ: Mapping[str, str]) -> Version | None:
    """The version in the tag of CLARY_IMAGE, the image's URI; None, which counts as a new one, when it names none. The
    tags 1 and latest are AWS's names for 0.72."""
    tag = environ.get("CLARY_IMAGE", "").rpartition("/")[2].partition("@")[0].partition(":")[2]
    if tag in ("1", "latest"):
        return 0, 72, 0
    match = re.match(r"(\d+)\.(\d+)(?:-(\d+))?", tag)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3] or 0))


def answers_with_commas(version: Version | None) -> bool:
    """0.72, 0.90, 1.0 and 1.2-1 wrote all scores of a text/csv answer on one line; later ones write one row a line."""
    return version is not None and version < (1, 2, 2)


def default_metric(version: Version | None, objective: str) -> str | None:
    """What is measured when eval_metric is silent; None: what XGBoost itself takes now. Up to 1.2 that was the share of
    wrong answers, and the metric definitions of old jobs look for it."""
    if version is None or version >= (1, 3, 0):
        return None
    if objective.startswith("multi:"):
        return "merror"
    return "error" if objective == "binary:logistic" else None
