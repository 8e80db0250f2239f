"""Spark's filters in PyIceberg's words."""

from typing import Any


def expression(filters: list[Any]) -> Any:
    """All of `filters` that PyIceberg has a word for, together; None if there is none."""
    from pyiceberg.expressions import And

    found: Any = None
    for one in filters:
        try:
            made = _one(one)
        except (TypeError, ValueError):
            # A value that Iceberg has no literal for: Spark applies the filter alone.
            made = None
        if made is not None:
            found = made if found is None else And(found, made)
    return found


def _one(given: Any) -> Any:
    from pyiceberg import expressions
    from pyspark.sql import datasource as spark

    # Their constructors are typed as those of another library's models.
    iceberg: Any = expressions

    if isinstance(given, spark.Not):
        inner = _one(given.child)
        return None if inner is None else iceberg.Not(inner)
    path: tuple[str, ...] = getattr(given, "attribute", ())
    if len(path) != 1:
        return None
    column = path[0]
    if isinstance(given, spark.IsNull):
        return iceberg.IsNull(column)
    if isinstance(given, spark.IsNotNull):
        return iceberg.NotNull(column)
    if isinstance(given, spark.In):
        return iceberg.In(column, given.value)
    if isinstance(given, spark.StringStartsWith):
        return iceberg.StartsWith(column, given.value)
    words = {
        spark.EqualTo: iceberg.EqualTo,
        spark.GreaterThan: iceberg.GreaterThan,
        spark.GreaterThanOrEqual: iceberg.GreaterThanOrEqual,
        spark.LessThan: iceberg.LessThan,
        spark.LessThanOrEqual: iceberg.LessThanOrEqual,
    }
    word: Any = words.get(type(given))
    return None if word is None else word(column, given.value)
