"""JSON objects as rows. Lines that hold one record each are read by Spark alone; files of any other form by Python."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from . import variants
from .documents import documents, steps
from .errors import Fault, Faults
from .formats import truth

PATH = "__clary_path"


def file_path() -> Column:
    """The path of the row's file as it was listed (Spark's own is encoded as a URI, but for a plus)."""
    decoded = F.url_decode(F.replace(F.col("_metadata.file_path"), F.lit("+"), F.lit("%2B")))
    return F.regexp_replace(decoded, "^file:/+", "/")


def frame(session: SparkSession, paths: Sequence[str], options: Mapping[str, Any], faults: Faults) -> DataFrame:
    """The records in the files, with the column PATH. What is no record is counted, file by file."""
    where = steps(str(options["jsonPath"])) if options.get("jsonPath") else []
    encoding = str(options.get("encoding") or "UTF-8")
    if where or truth(options.get("multiLine")) or truth(options.get("multiline")):
        return _shaped(_records(session, paths, where, encoding, faults, whole=True), PATH)
    lines = _lines(session, paths, encoding)
    row = lines.agg(F.schema_of_variant_agg("v"), F.count_if("bad")).first()
    assert row is not None
    if not row[1]:
        return _shaped(lines, PATH, row[0])
    return _shaped(_sorted_out(session, lines, encoding, faults), PATH)


def _lines(session: SparkSession, paths: Sequence[str], encoding: str) -> DataFrame:
    read = session.read.option("encoding", encoding).text(list(paths))
    parsed = read.select(file_path().alias(PATH), "value", F.try_parse_json("value").alias("v"))
    # Spark reads a line's first value and says nothing of what follows it.
    alone = F.trim("value").endswith("}") & ~F.col("value").rlike(r"\}\s*\{")
    record = F.coalesce(F.schema_of_variant("v").startswith("OBJECT") & alone, F.lit(False))
    return parsed.select(
        PATH, "value", F.when(record, F.col("v")).alias("v"), (~record & (F.trim("value") != "")).alias("bad")
    )


def _sorted_out(session: SparkSession, lines: DataFrame, encoding: str, faults: Faults) -> DataFrame:
    """Lines that are no records: in files that mostly are such, as parts of longer ones; elsewhere as several in
    one."""
    counts = (
        lines.groupBy(PATH).agg(F.count_if("bad").alias("bad"), F.count("v").alias("good")).where("bad > 0").collect()
    )
    whole = [row[PATH] for row in counts if row["bad"] > row["good"]]
    some = [row[PATH] for row in counts if row["bad"] <= row["good"]]
    good = lines.where("v is not null").where(~F.col(PATH).isin(whole)).select(PATH, "v")
    found = [good]
    if whole:
        found.append(_records(session, whole, [], encoding, faults, whole=True))
    if some:
        found.append(_records(session, some, [], encoding, faults, whole=False))
    together = found[0]
    for one in found[1:]:
        together = together.unionByName(one)
    return together


def _records(
    session: SparkSession, paths: Sequence[str], where: Sequence[Any], encoding: str, faults: Faults, *, whole: bool
) -> DataFrame:
    """The records that Python finds: in whole files, or in the lines that Spark cannot read."""
    if whole:
        read = session.read.option("encoding", encoding).text(list(paths), wholetext=True)
        texts = read.select(file_path().alias(PATH), "value")
    else:
        texts = _lines(session, paths, encoding).where("bad").select(PATH, "value")
    found = texts.rdd.flatMap(lambda row: [(row[0], why, text) for why, text in documents(row[1], where)])
    kept = session.createDataFrame(found, f"{PATH} string, why string, value string").persist(
        StorageLevel.MEMORY_AND_DISK
    )
    for row in kept.where("why is not null").groupBy(PATH).agg(F.min("why"), F.count("*")).sort(PATH).collect():
        faults.add(Fault(row[0], f"could not be read in part: a line {row[1]}", row[2]))
    return kept.where("why is null").select(PATH, F.try_parse_json("value").alias("v"))


def _shaped(rows: DataFrame, path: str, schema: str | None = None) -> DataFrame:
    good = rows.where("v is not null")
    shape = variants.shape(good, "v", schema)
    return good.select(path, *variants.columns_of(F.col("v"), shape))
