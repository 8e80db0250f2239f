"""constraints.json that a data set suggests for those that come after it: it satisfies all of them itself."""

from typing import Any, Final

from clary.algorithms.monitor.features import Feature
from clary.algorithms.monitor.statistics import VERSION, Table

Doc = dict[str, Any]

MOST_DOMAIN: Final = 100
"""Values of a domain; a column with more different ones has none."""
REPEATED: Final = 10
"""So often each value of a domain occurs, on average: what is nearly a key is no domain."""


def document(table: Table, categorical_drift: str | None = None) -> Doc:
    return {
        "version": VERSION,
        "features": [_feature(one) for one in table.features.values()],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": categorical_drift or "LInfinity",
            },
        },
    }


def _feature(feature: Feature) -> Doc:
    kind = feature.inferred_type
    said: Doc = {
        "name": feature.name,
        "inferred_type": kind,
        "completeness": feature.present / feature.rows if feature.rows else 0.0,
    }
    if kind in ("Integral", "Fractional"):
        said["num_constraints"] = {"is_non_negative": feature.low >= 0}
    elif kind == "String" and _is_domain(feature):
        said["string_constraints"] = {"domains": sorted(feature.counts)}
    return said


def _is_domain(feature: Feature) -> bool:
    return feature.counted and len(feature.counts) <= MOST_DOMAIN and feature.present >= REPEATED * len(feature.counts)
