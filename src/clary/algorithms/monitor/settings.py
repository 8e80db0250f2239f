"""What the container is asked for: the environment variables of AWS's analyzer, read once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from clary.algorithms.contract import ClientError

Analysis = Literal["DATA_QUALITY", "MODEL_QUALITY"]
Problem = Literal["BinaryClassification", "MulticlassClassification", "Regression"]
Kind = Literal["csv", "json", "parquet", "capture"]

PROBLEMS: Final = ("BinaryClassification", "MulticlassClassification", "Regression")
_ELSEWHERE: Final = {
    "MODEL_BIAS": "the bias of models comes from the Clarify image",
    "MODEL_EXPLAINABILITY": "explanations of models come from the Clarify image",
}
_CAPTURES: Final = ("sagemakercapturejson", "sagemakermergejson")
_SIDES: Final = ("endpointInput", "endpointOutput")


@dataclass(frozen=True, slots=True)
class Format:
    """dataset_format: how the files are to be read."""

    kind: Kind
    header: bool = True
    """csv: the first line of each file names the columns."""
    lines: bool = True
    """json: an object a line; else each file is one array of objects."""
    sides: tuple[str, ...] = _SIDES
    """capture: which sides of an inference are columns."""
    outputs_first: bool = True
    """capture: output_columns_position START; the output's columns come ahead of the input's."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a model quality analysis reads of each row, as names or positions of columns, or JSON paths."""

    problem: Problem
    inference: str | None
    probability: str | None
    truth: str | None
    threshold: float = 0.5
    """From this probability on a row counts as positive."""


@dataclass(frozen=True, slots=True)
class Settings:
    source: Path
    output: Path
    format: Format
    quality: Quality | None
    """None: data quality."""
    constraints: Path | None
    statistics: Path | None
    """The baseline's files; None: there is nothing to compare with."""
    categorical_drift: str | None
    """categorical_drift_method of the constraints that are suggested; None: the usual one."""
    metrics: bool
    """Metrics are wanted in CloudWatch."""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """Of the metrics: Endpoint, MonitoringSchedule."""
    preprocessor: Path | None = None
    postprocessor: Path | None = None
    start: datetime | None = None
    end: datetime | None = None
    """Captured inferences outside of [start, end) are passed over."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ClientError that names the variable, what it holds and what it may hold."""
        analysis = environ.get("analysis_type") or "DATA_QUALITY"
        if analysis in _ELSEWHERE:
            raise ClientError(f"analysis_type {analysis} is not served by this image: {_ELSEWHERE[analysis]}.")
        if analysis not in ("DATA_QUALITY", "MODEL_QUALITY"):
            raise ClientError(f"analysis_type is {analysis!r}; it must be DATA_QUALITY or MODEL_QUALITY.")
        named = {
            "Endpoint": environ.get("sagemaker_endpoint_name"),
            "MonitoringSchedule": environ.get("sagemaker_monitoring_schedule_name"),
        }
        return cls(
            source=_path(environ, "dataset_source"),
            output=_path(environ, "output_path"),
            format=_format(environ.get("dataset_format")),
            quality=_quality(environ) if analysis == "MODEL_QUALITY" else None,
            constraints=_baseline(environ, "baseline_constraints"),
            statistics=_baseline(environ, "baseline_statistics"),
            categorical_drift=_categorical(environ.get("categorical_drift_method")),
            metrics=environ.get("publish_cloudwatch_metrics") == "Enabled",
            dimensions={name: value for name, value in named.items() if value},
            preprocessor=_file(environ, "record_preprocessor_script"),
            postprocessor=_file(environ, "post_analytics_processor_script"),
            start=_time(environ, "start_time"),
            end=_time(environ, "end_time"),
        )


def _path(environ: Mapping[str, str], name: str) -> Path:
    value = environ.get(name)
    if not value:
        raise ClientError(
            f"The environment variable {name} is missing: it says where the data stands in the container."
        )
    return Path(value)


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    if not value:
        return None
    if not Path(value).is_file():
        raise ClientError(f"{name} is {value}, where there is no file: name it in an input of the job.")
    return Path(value)


def _baseline(environ: Mapping[str, str], name: str) -> Path | None:
    """The file; where a directory is named, the one JSON file in it."""
    value = environ.get(name)
    if not value:
        return None
    path = Path(value)
    if path.is_dir():
        found = sorted(path.glob("*.json"))
        if len(found) != 1:
            raise ClientError(f"{name} is {value}, a directory with {len(found)} JSON files; name one file.")
        return found[0]
    return _file(environ, name)


def _format(text: str | None) -> Format:
    try:
        given = json.loads(text or "null")
    except ValueError as error:
        raise ClientError(f"dataset_format is not JSON ({error}): {text}") from None
    if not isinstance(given, dict) or len(given) != 1:
        raise ClientError(
            f"dataset_format is {text}; it must be one of "
            '{"csv": {"header": true}}, {"json": {"lines": true}}, {"parquet": {}}, {"sagemakerCaptureJson": {}}.'
        )
    ((name, about),) = given.items()
    options = {key.lower(): value for key, value in about.items()} if isinstance(about, dict) else {}
    kind = str(name).lower()
    if kind == "csv":
        return Format("csv", header=_flag(options.get("header", True)))
    if kind == "json":
        return Format("json", lines=_flag(options.get("lines", options.get("line", True))))
    if kind == "parquet":
        return Format("parquet")
    if kind in _CAPTURES:
        sides = tuple(options.get("captureindexnames") or _SIDES)
        if any(side not in _SIDES for side in sides):
            raise ClientError(f"dataset_format: captureIndexNames holds {sides}; allowed are {', '.join(_SIDES)}.")
        position = str(options.get("output_columns_position") or "START").upper()
        return Format("capture", header=False, sides=sides, outputs_first=position != "END")
    raise ClientError(f"dataset_format {name!r} is unknown; it must be csv, json, parquet or sagemakerCaptureJson.")


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() not in ("false", "0", "none", "")


def _quality(environ: Mapping[str, str]) -> Quality:
    problem = environ.get("problem_type") or ""
    if problem not in PROBLEMS:
        raise ClientError(f"problem_type is {problem!r}; it must be one of {', '.join(PROBLEMS)}.")
    inference, probability = environ.get("inference_attribute"), environ.get("probability_attribute")
    if not inference and (not probability or problem != "BinaryClassification"):
        either = " or probability_attribute" if problem == "BinaryClassification" else ""
        raise ClientError(
            f"inference_attribute{either} is missing: it says which column holds what the model answered."
        )
    threshold = environ.get("probability_threshold_attribute")
    try:
        number = float(threshold) if threshold else 0.5
    except ValueError:
        raise ClientError(f"probability_threshold_attribute is {threshold!r}; it must be a number.") from None
    truth = environ.get("ground_truth_attribute") or None
    return Quality(problem, inference or None, probability or None, truth, number)  # type: ignore[arg-type]


def _categorical(method: str | None) -> str | None:
    if method and method not in ("LInfinity", "ChiSquared"):
        raise ClientError(f"categorical_drift_method is {method!r}; it must be LInfinity or ChiSquared.")
    return method or None


def _time(environ: Mapping[str, str], name: str) -> datetime | None:
    value = environ.get(name)
    if not value:
        return None
    found = moment(value)
    if found is None:
        raise ClientError(f"{name} is {value!r}; it must be a time such as 2026-01-31T16:20:00Z.")
    return found


def moment(text: str) -> datetime | None:
    """The time that the text names, in UTC where it names no zone; None: it is no time."""
    try:
        found = datetime.fromisoformat(text.replace(" ", ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
