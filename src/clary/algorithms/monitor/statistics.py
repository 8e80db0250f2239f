"""statistics.json of a data quality analysis, in AWS's shape."""

from collections.abc import Iterable
from typing import Any, Final

from clary.algorithms.monitor.columns import Batch, absent, column
from clary.algorithms.monitor.features import Feature
from clary.algorithms.monitor.sketch import C, Distribution, K

Doc = dict[str, Any]

VERSION: Final = 0.0


class Table:
    """The sums of all columns of a data set. `watched` says which values of a column are counted in any case."""

    def __init__(self, watched: dict[str, set[str]]) -> None:
        self.rows = 0
        self.features: dict[str, Feature] = {}
        self._watched = watched

    def read(self, batches: Iterable[Batch]) -> "Table":
        for batch in batches:
            self._add(batch)
        return self

    def _add(self, batch: Batch) -> None:
        rows = max(map(len, batch.values()), default=0)
        for name, cells in batch.items():
            feature = self.features.get(name)
            if feature is None:
                feature = self.features[name] = Feature(name, self._watched.get(name, ()))
                if self.rows:  # it came up only now: the rows before have no value of it
                    feature.add(column(absent(self.rows)))
            feature.add(column(cells))
        for name in self.features.keys() - batch.keys():
            self.features[name].add(column(absent(rows)))
        self.rows += rows


def document(table: Table) -> Doc:
    return {
        "version": VERSION,
        "dataset": {"item_count": table.rows},
        "features": [_feature(one) for one in table.features.values()],
    }


def _feature(feature: Feature) -> Doc:
    kind = feature.inferred_type
    said: Doc = {"name": feature.name, "inferred_type": kind}
    common = {"num_present": feature.present, "num_missing": feature.missing}
    if kind in ("Integral", "Fractional"):
        return {**said, "numerical_statistics": {"common": common, **_numerical(feature)}}
    return {**said, "string_statistics": {"common": common, **_string(feature)}}


def _numerical(feature: Feature) -> Doc:
    levels = feature.sketch.levels()
    kll = {
        "buckets": Distribution.of_levels(levels).buckets(feature.low, feature.high),
        "sketch": {"parameters": {"c": C, "k": K}, "data": levels},
    }
    return {
        "mean": feature.mean,
        "sum": feature.sum,
        "std_dev": feature.deviation,
        "min": feature.low,
        "max": feature.high,
        "distribution": {"kll": kll},
    }


def _string(feature: Feature) -> Doc:
    said: Doc = {"distinct_count": feature.distinct}
    if feature.counted:
        buckets = [{"value": value, "count": times} for value, times in feature.counts.most_common()]
        said["distribution"] = {"categorical": {"buckets": buckets}}
    return said
