"""What every Glue script begins with: the arguments of its run."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Never

_RESERVED = (
    "job-bookmark-option",
    "job-bookmark-from",
    "job-bookmark-to",
    "JOB_ID",
    "JOB_RUN_ID",
    "SECURITY_CONFIGURATION",
    "encryption-type",
    "enable-data-lineage",
    "RedshiftTempDir",
)
"""Glue sets these itself: they are in every answer, and may not be asked for."""

_BOOKMARKS = ("job-bookmark-enable", "job-bookmark-disable", "job-bookmark-pause")


class GlueArgumentError(Exception):
    """The run's arguments are not what the script asks for."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """The values of `options` among `args` (`--name value` or `--name=value`; the last one counts), with the reserved
    ones and TempDir where they were given. As with AWS a hyphen of a name is an underscore in the answer; the name as
    it
    was asked for works too. Raises GlueArgumentError if one is missing, RuntimeError if a reserved one is asked for."""
    asked = [one for one in options if one in _RESERVED or one.replace("-", "_") in _underscored()]
    if asked:
        raise RuntimeError(
            f"Using reserved arguments {', '.join(asked)}: Glue sets them itself, and they are in the answer"
        )
    parser = _Parser(allow_abbrev=False, add_help=False)
    parser.add_argument("--job-bookmark-option", choices=_BOOKMARKS, default="job-bookmark-disable")
    for name in _RESERVED[1:]:
        parser.add_argument(f"--{name}")
    if "TempDir" not in options:
        parser.add_argument("--TempDir")
    for name in dict.fromkeys(options):
        parser.add_argument(f"--{name}", required=True)
    found, _ = parser.parse_known_args(list(args)[1:])
    values: dict[str, Any] = {key: value for key, value in vars(found).items() if value is not None}
    for name in options:
        values[name] = values[name.replace("-", "_")]
    return values


def _underscored() -> set[str]:
    return {one.replace("-", "_") for one in _RESERVED}


def told(message: str) -> None:
    """`message` stands in the error log of the run (standard error), as a warning."""
    print(f"WARN awsglue: {message}", file=sys.stderr, flush=True)
