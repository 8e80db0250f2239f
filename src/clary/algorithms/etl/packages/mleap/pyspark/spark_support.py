"""`SimpleSparkSerializer`, and `serializeToBundle` and `deserializeFromBundle` of every transformer."""

from typing import Any

from pyspark.ml import Transformer

__all__ = ["SimpleSparkSerializer"]


class SimpleSparkSerializer:
    def serializeToBundle(self, transformer: Any, path: str, dataset: Any = None) -> None:
        """The fitted transformer's bundle stands at `path`: "jar:file:/tmp/model.zip" or "file:/tmp/model". With a
        data set, transformed or not, its first 1,000 rows were answered by the bundle as by Spark. Raises ValueError
        for another kind of path, CannotSave that names a stage which a bundle cannot hold."""
        # Writers of graphs and their runtime take a second to load, which a job that saves nothing need not wait.
        from clary.algorithms.etl.bundles import saving

        saving.save(transformer, path, dataset)

    def deserializeFromBundle(self, path: str) -> Any:
        """The transformer that the bundle at `path` was made of. Raises ValueError, AlgorithmError."""
        from clary.algorithms.etl.bundles import transformer

        return transformer.load(path)


def _serialize(self: Any, path: str, dataset: Any = None) -> None:
    SimpleSparkSerializer().serializeToBundle(self, path, dataset)


def _deserialize(path: str) -> Any:
    return SimpleSparkSerializer().deserializeFromBundle(path)


Transformer.serializeToBundle = _serialize  # type: ignore[attr-defined]
Transformer.deserializeFromBundle = staticmethod(_deserialize)  # type: ignore[attr-defined]
