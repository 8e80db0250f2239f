"""What of a data set violates a baseline's constraints, and how far its distributions are from the baseline's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor.features import Feature
from clary.algorithms.monitor.sketch import Distribution, robust
from clary.algorithms.monitor.statistics import Table

Doc = dict[str, Any]

MISSING: Final = "Missing columns"
EXTRA: Final = "Extra columns"
_NAMED: Final = 10
_NUMERIC: Final = ("Integral", "Fractional")
_SLACK: Final = 1e-9
"""Shares are quotients: what differs by less is equal."""


@dataclass(frozen=True, slots=True)
class Findings:
    violations: tuple[Doc, ...]
    drifts: Mapping[str, float]
    """By feature: the distance of its distribution from the baseline's, where both are known."""


def compare(table: Table, constraints: Doc, statistics: Doc | None) -> Findings:
    """Raises ClientError when the baseline is no constraints file of this kind."""
    features = constraints.get("features")
    if not isinstance(features, list):
        raise ClientError("baseline_constraints has no list of features: it is no file of data quality constraints.")
    config = constraints.get("monitoring_config") or {}
    known = {one["name"]: one for one in (statistics or {}).get("features") or []}
    found: list[Doc] = []
    drifts: dict[str, float] = {}
    if _enabled(config, "evaluate_constraints"):
        found += _columns(table, [one["name"] for one in features])
    for one in features:
        feature = table.features.get(one["name"])
        here = _overridden(config, one)
        if feature is None or not _enabled(here, "evaluate_constraints"):
            continue
        found += _feature(feature, one, here)
        drift = _drift(feature, known.get(feature.name), here.get("distribution_constraints") or {})
        if drift is not None:
            drifts[feature.name] = drift.distance
            if drift.exceeds:
                found.append(violation(feature.name, "baseline_drift_check", drift.sentence))
    return Findings(tuple(found), drifts)


def violation(feature: str, check: str, description: str) -> Doc:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}


def _overridden(config: Doc, feature: Doc) -> Doc:
    """The monitoring_config with what this feature says of its own over it."""
    own = feature.get("monitoring_config_overrides") or feature.get("monitoringConfigOverrides") or {}
    both = (config.get("distribution_constraints") or {}) | (own.get("distribution_constraints") or {})
    return config | own | {"distribution_constraints": both}


def _enabled(config: Doc, name: str) -> bool:
    return str(config.get(name, "Enabled")).lower() != "disabled"


def _columns(table: Table, names: list[str]) -> list[Doc]:
    found = []
    counted = (
        f"Number of columns in current dataset: {len(table.features)}, "
        f"Number of columns in baseline constraints: {len(names)}"
    )
    missing = [name for name in names if name not in table.features]
    extra = [name for name in table.features if name not in set(names)]
    if missing:
        what = f"There are missing columns in current dataset: {_listed(missing)}. {counted}"
        found.append(violation(MISSING, "missing_column_check", what))
    if extra:
        what = f"There are extra columns in current dataset: {_listed(extra)}. {counted}"
        found.append(violation(EXTRA, "extra_column_check", what))
    return found


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _feature(feature: Feature, constraint: Doc, config: Doc) -> list[Doc]:
    found = []
    for check, sentence in (
        ("data_type_check", _type(feature, constraint, float(config.get("datatype_check_threshold", 1.0)))),
        ("completeness_check", _completeness(feature, constraint)),
        ("is_non_negative_check", _sign(feature, constraint)),
        ("categorical_values_check", _domain(feature, constraint, float(config.get("domain_content_threshold", 1.0)))),
    ):
        if sentence:
            found.append(violation(feature.name, check, sentence))
    return found


def _type(feature: Feature, constraint: Doc, threshold: float) -> str | None:
    expected = constraint.get("inferred_type")
    if not feature.present or expected == "Unknown":
        return None
    if expected == "String":
        # A number is a text, too, and many columns of texts hold some. A domain says better whether it belongs there.
        share = 0.0 if not feature.texts and not _values(constraint) else 1.0
    else:
        # A whole number is a fractional one, too.
        share = (feature.integral if expected == "Integral" else feature.numbers) / feature.present
    if share >= threshold - _SLACK:
        return None
    return (
        f"Data type match requirement is not met. Expected data type: {expected}, Expected match: "
        f"{100 * threshold}%.  Observed: Only {100 * share}% of data is {expected}."
    )


def _completeness(feature: Feature, constraint: Doc) -> str | None:
    wanted = constraint.get("completeness")
    if wanted is None or not feature.rows:
        return None
    share = feature.present / feature.rows
    if share >= float(wanted) - _SLACK:
        return None
    return f"Completeness: {share} is less than the constraint: {wanted}; {feature.missing} values are missing"


def _sign(feature: Feature, constraint: Doc) -> str | None:
    wanted = (constraint.get("num_constraints") or {}).get("is_non_negative")
    if not wanted or not feature.numbers or feature.low >= 0:
        return None
    return f"Values must not be negative. Observed minimum: {feature.low}"


def _values(constraint: Doc) -> list[str]:
    return [str(one) for one in (constraint.get("string_constraints") or {}).get("domains") or []]


def _domain(feature: Feature, constraint: Doc, threshold: float) -> str | None:
    values = _values(constraint)
    if not values or not feature.present:
        return None
    share = sum(feature.counts[one] for one in values) / feature.present
    if share >= threshold - _SLACK:
        return None
    new = [one for one, _ in feature.counts.most_common() if one not in set(values)]
    unknown = f" Unknown values: {_listed(new)}" if new and feature.counted else ""
    return (
        f"Value: {share} does not meet the constraint requirement: at least {100 * threshold}% of the values must be "
        f"among the {len(values)} of the baseline.{unknown}"
    )


@dataclass(frozen=True, slots=True)
class _Drift:
    distance: float
    exceeds: bool
    sentence: str


def _drift(feature: Feature, baseline: Doc | None, config: Doc) -> _Drift | None:
    """None: it cannot be said, or is not wanted."""
    if baseline is None or not feature.present or not _enabled(config, "perform_comparison"):
        return None
    correct = str(config.get("comparison_method") or config.get("comparion_method") or "Robust") == "Robust"
    numerical = (baseline.get("numerical_statistics") or {}).get("distribution") or {}
    if numerical and feature.inferred_type in _NUMERIC:
        before = Distribution.of_document(numerical.get("kll") or {})
        if before is None or not before.count:
            return None
        now = Distribution.of_levels(feature.sketch.levels())
        distance = before.distance(now)
        distance = robust(distance, before.count, now.count) if correct else distance
        return _told(distance, float(config.get("comparison_threshold", 0.1)))
    categorical = ((baseline.get("string_statistics") or {}).get("distribution") or {}).get("categorical") or {}
    buckets = {str(one["value"]): float(one["count"]) for one in categorical.get("buckets") or []}
    if not buckets:
        return None
    threshold = float(config.get("categorical_comparison_threshold") or config.get("comparison_threshold") or 0.1)
    if str(config.get("categorical_drift_method") or "LInfinity") == "ChiSquared":
        return _chance(buckets, feature, threshold)
    total = sum(buckets.values())
    values = buckets.keys() | feature.counts.keys()
    distance = max(abs(buckets.get(one, 0.0) / total - feature.counts[one] / feature.present) for one in values)
    return _told(robust(distance, total, feature.present) if correct else distance, threshold)


def _told(distance: float, threshold: float) -> _Drift:
    return _Drift(distance, distance > threshold, f"Baseline drift distance: {distance} exceeds threshold: {threshold}")


def _chance(buckets: dict[str, float], feature: Feature, threshold: float) -> _Drift:
    """By the chi-squared test: how likely such a difference, or a larger one, is between samples of one population."""
    from scipy.stats import chi2_contingency  # for who asks for it: it takes half a second to load

    now = {one: float(times) for one, times in feature.counts.items()}
    other = feature.present - sum(now.values())
    values = sorted(buckets.keys() | now.keys())
    table = np.array(
        [[buckets.get(one, 0.0) for one in values] + [0.0], [now.get(one, 0.0) for one in values] + [other]]
    )
    table = table[:, table.sum(axis=0) > 0]
    chance = float(chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0
    what = f"Baseline drift: the chi-squared test gives a probability of {chance}, below the threshold: {threshold}"
    return _Drift(1.0 - chance, chance < threshold, what)
