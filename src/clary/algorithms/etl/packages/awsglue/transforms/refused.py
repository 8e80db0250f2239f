"""Transforms that are AWS's own models: there are none of them here."""

from typing import Any

from .transform import GlueTransform


class _Learned(GlueTransform):
    instead = ""

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} is not offered here: {self.instead}")


class FillMissingValues(_Learned):
    instead = "fill values with Spark's Imputer (pyspark.ml.feature), or with toDF().fillna(...)"


class FindMatches(_Learned):
    instead = "find duplicates with toDF().dropDuplicates(...) or a join on normalized keys"


class FindIncrementalMatches(_Learned):
    instead = FindMatches.instead
