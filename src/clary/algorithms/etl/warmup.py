"""What a Spark that was started ahead does while it waits: the ways that most jobs take, once, so that Java has loaded
and compiled them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROWS = 200


def steps(spark: Any, place: Path) -> list[Callable[[], object]]:
    """What there is to do, each a second or less once the classes are loaded; files are below `place`."""
    csv, parquet, json = place / "in.csv", place / "out.parquet", place / "out.json"

    def write() -> None:
        place.mkdir(exist_ok=True)
        lines = (f"{number},name{number % 7},{number / 3}" for number in range(_ROWS))
        csv.write_text("\n".join(["a,b,c", *lines, ""]))

    def read() -> Any:
        return spark.read.csv(csv.as_uri(), header=True, inferSchema=True)

    def joined() -> None:
        from pyspark.sql import functions

        frame = read()
        sums = frame.groupBy("b").agg(functions.sum("a").alias("total"), functions.avg("c").alias("mean"))
        sums.join(frame, "b").filter("a > 3").orderBy("a").limit(5).collect()

    return [
        write,
        lambda: spark.sql("select 1 as one").collect(),
        lambda: read().count(),
        joined,
        lambda: read().write.mode("overwrite").parquet(parquet.as_uri()),
        lambda: spark.read.parquet(parquet.as_uri()).selectExpr("a + 1", "upper(b)").collect(),
        lambda: read().coalesce(1).write.mode("overwrite").json(json.as_uri()),
        lambda: spark.createDataFrame([("x", 1)], "s string, n int").collect(),
        lambda: read().rdd.map(tuple).count(),
    ]


def warm(spark: Any, place: Path, wanted: Callable[[], bool] = lambda: True) -> None:
    """Done as far as it is `wanted`; nothing of it is left."""
    for step in steps(spark, place):
        if not wanted():
            break
        step()
    spark.catalog.clearCache()
    shutil.rmtree(place, ignore_errors=True)
