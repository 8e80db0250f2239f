"""What an analysis leaves: the files below output_path, the job's exit message, and metrics for CloudWatch."""

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from clary.algorithms.contract import ClientError, Contract, say

Doc = dict[str, Any]

STATISTICS: Final = "statistics.json"
CONSTRAINTS: Final = "constraints.json"
VIOLATIONS: Final = "constraint_violations.json"
METRICS: Final = "output/metrics/cloudwatch/cloudwatch_metrics.jsonl"
MESSAGE: Final = "output/message"


def write(folder: Path, name: str, document: Doc) -> None:
    """The file is there, whole. What is no number is written as the text "NaN", as AWS does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(_json(document), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path | None) -> Doc | None:
    """A baseline's file. Raises ClientError for a file that is no JSON object."""
    if path is None:
        return None
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise ClientError(f"The baseline file {path.name} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ClientError(f"The baseline file {path.name} holds no JSON object.")
    return found


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN"
    return value


def conclude(contract: Contract, violations: Iterable[Doc]) -> None:
    """The job's ExitMessage says how the analysis ended, in AWS's words; each violation is in the log."""
    found = list(violations)
    for one in found:
        say(f"Violation of {one['constraint_check_type']}, {one.get('feature_name') or one.get('metric_name')}: "
            f"{one['description']}", level="WARNING")  # fmt: skip
    message = (
        f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
        if found
        else "Completed: Job completed successfully with no violations."
    )
    path = contract.root / MESSAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(message, encoding="utf-8")
    say(message)


def publish(contract: Contract, dimensions: Mapping[str, str], metrics: Iterable[Doc]) -> None:
    """The metrics stand where SageMaker takes them to CloudWatch from: a line each, with MetricName and either Value or
    StatisticValues."""
    shared = {
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    path = contract.root / METRICS
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for one in metrics:
            file.write(json.dumps({**one, **shared}) + "\n")
