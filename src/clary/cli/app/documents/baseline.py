"""A page's document from a version's baseline: what the monitor's image found in the data it was trained on.

statistics.json tells each column's range or words, constraints.json which words are all there are. Which of the columns
is the answer, neither says: --label does.
"""

from collections.abc import Mapping
from typing import Any

from clary.cli.app.documents.order import ordered
from clary.cli.app.documents.rows import MOST_CHOICES, Unusable, titled


def places(package: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """(statistics, constraints) as S3 URIs: of the version itself, else those that it is checked for drift against.
    None: it has neither."""
    for member in ("ModelMetrics", "DriftCheckBaselines"):
        files = package.get(member, {}).get("ModelDataQuality", {})
        statistics = files.get("Statistics", {}).get("S3Uri")
        if statistics:
            return statistics, files.get("Constraints", {}).get("S3Uri")
    return None


def of_files(statistics: Any, constraints: Any, label: str | None) -> dict[str, Any]:
    """The document that the files suggest; `constraints` may be None. Raises Unusable."""
    features = {one["name"]: one for one in _features(statistics)}
    bounds = {one["name"]: one for one in _features(constraints)} if constraints is not None else {}
    if not features:
        raise Unusable("the baseline's statistics name no columns")
    if label is not None and label not in features:
        raise Unusable(f"there is no column {label!r} to be the label; there are {', '.join(features)}")
    answer = features.pop(label) if label is not None else None
    properties = {name: {"title": titled(name), **_schema(one, bounds.get(name, {}))} for name, one in features.items()}
    required = [name for name, one in features.items() if not _common(one).get("num_missing")]
    return {
        "title": "",
        "description": "",
        "contentType": "text/csv",
        "accept": "text/csv",
        "input": {"type": "object", "properties": properties, "required": required},
        "output": _output(answer, bounds.get(label or "", {})),
        "examples": [],
    }


def _schema(feature: Mapping[str, Any], bound: Mapping[str, Any]) -> dict[str, Any]:
    numbers = feature.get("numerical_statistics")
    if numbers:
        whole = feature.get("inferred_type") == "Integral"
        told: dict[str, Any] = {"type": "integer" if whole else "number"}
        for member, keyword in (("min", "minimum"), ("max", "maximum"), ("mean", "default")):
            value = numbers.get(member)
            if isinstance(value, int | float):
                told[keyword] = round(value) if whole else float(f"{value:.6g}") if member == "mean" else value
        if bound.get("num_constraints", {}).get("is_non_negative") and "minimum" not in told:
            told["minimum"] = 0
        return told
    words = _words(feature, bound)
    return {"enum": words} if words else {"type": "string"}


def _words(feature: Mapping[str, Any], bound: Mapping[str, Any]) -> list[str]:
    """All that a column of texts may hold; []: nobody knows."""
    domain = bound.get("string_constraints", {}).get("domains")
    if not domain:
        told = feature.get("string_statistics", {}).get("distribution", {}).get("categorical", {}).get("buckets", [])
        domain = [one["value"] for one in told]
    return ordered(str(one) for one in domain) if len(domain) <= MOST_CHOICES else []


def _output(answer: Mapping[str, Any] | None, bound: Mapping[str, Any]) -> dict[str, Any]:
    if answer is None:
        return {"kind": "raw"}
    words = [] if answer.get("numerical_statistics") else _words(answer, bound)
    if words:
        return {"kind": "classes", "labels": sorted(words)}
    return {"kind": "number", "title": titled(answer["name"])}


def _common(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    told = feature.get("numerical_statistics") or feature.get("string_statistics") or {}
    common: Mapping[str, Any] = told.get("common", {})
    return common


def _features(file: Any) -> list[Any]:
    found = file.get("features") if isinstance(file, dict) else None
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in found
    ):
        raise Unusable("a file of the baseline is none of the monitor's (no features with names)")
    return found
