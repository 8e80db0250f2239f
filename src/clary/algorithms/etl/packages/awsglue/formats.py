"""Glue's format options, and Spark's for them."""

from collections.abc import Mapping
from typing import Any

READ = {
    "csv": {
        "withHeader",
        "separator",
        "quoteChar",
        "escaper",
        "multiLine",
        "multiline",
        "skipFirst",
        "attachFilename",
        "attachTimestamp",
        "strictCheckForQuoting",
        "optimizePerformance",
        "nullValue",
        "encoding",
        "logFormat",
        "writeHeader",
        "skipLines",
    },
    "json": {
        "jsonPath",
        "multiLine",
        "multiline",
        "attachFilename",
        "attachTimestamp",
        "encoding",
        "optimizePerformance",
        "withSchema",
    },
    "parquet": {"useGlueParquetWriter", "compression", "blockSize", "pageSize", "attachFilename", "attachTimestamp"},
    "orc": {"attachFilename", "attachTimestamp", "compression"},
    "xml": {
        "rowTag",
        "encoding",
        "excludeAttribute",
        "treatEmptyValuesAsNulls",
        "attributePrefix",
        "valueTag",
        "ignoreSurroundingSpaces",
        "withSchema",
        "attachFilename",
        "attachTimestamp",
    },
}

_REFUSED = {
    "avro": "Spark's Avro module is not part of its Python package",
    "ion": "there is no reader of Amazon Ion here",
    "grokLog": "there is no reader of grok patterns here: read the lines with spark.read.text and split them",
    "hudi": "there is no Hudi here: use iceberg",
    "delta": "there is no Delta Lake here: use iceberg",
}


class FormatError(ValueError):
    """A format, or an option of one, that is not read or written here."""


def known(format: str | None, options: Mapping[str, Any]) -> str:
    """The plain name of the format. Raises FormatError, which says what there is."""
    name = {"glueparquet": "parquet", "jsonl": "json", "tsv": "csv"}.get(str(format), str(format))
    if name in _REFUSED:
        raise FormatError(f"format {format!r} is not read or written here: {_REFUSED[name]}")
    if name not in READ:
        raise FormatError(f"format {format!r} is not known: use csv, json, parquet, glueparquet, orc, xml or iceberg")
    strange = sorted(set(options) - READ[name])
    if strange:
        raise FormatError(
            f"format {format!r} has no option {strange[0]!r} here; it has {', '.join(sorted(READ[name]))}"
        )
    return name


def truth(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def csv_read(options: Mapping[str, Any]) -> dict[str, str]:
    """Spark's options to read CSV: all columns are strings, as with Glue."""
    skip = int(options.get("skipLines") or 0)
    if skip > 1:
        raise FormatError("skipLines above 1 is not offered: Spark passes over one line of a file at most")
    header = truth(options.get("withHeader")) or truth(options.get("skipFirst")) or skip == 1
    lines = truth(options.get("multiLine")) or truth(options.get("multiline"))
    return {
        "header": str(header).lower(),
        "sep": _char(options.get("separator"), ","),
        "quote": _quote(options.get("quoteChar")),
        "escape": str(options.get("escaper") or _quote(options.get("quoteChar")) or "\\"),
        "multiLine": str(lines).lower(),
        "encoding": str(options.get("encoding") or "UTF-8"),
        "inferSchema": "false",
        **({"nullValue": str(options["nullValue"])} if "nullValue" in options else {}),
    }


def csv_write(options: Mapping[str, Any]) -> dict[str, str]:
    header = options.get("writeHeader", True)
    return {
        "header": str(truth(header)).lower(),
        "sep": _char(options.get("separator"), ","),
        "quote": _quote(options.get("quoteChar")),
        "escape": str(options.get("escaper") or _quote(options.get("quoteChar")) or "\\"),
        "encoding": str(options.get("encoding") or "UTF-8"),
    }


def _char(value: Any, default: str) -> str:
    return {None: default, "\\t": "\t", "": default}.get(value, str(value))


def _quote(value: Any) -> str:
    # -1 turns quoting off, in Glue's words.
    return "" if str(value) == "-1" else str(value or '"')


COMPRESSIONS = {
    "csv": {"gzip", "bzip2", "none"},
    "json": {"gzip", "bzip2", "none"},
    "parquet": {"snappy", "gzip", "zstd", "lz4", "uncompressed", "none"},
    "orc": {"snappy", "zlib", "zstd", "lz4", "none"},
    "xml": {"gzip", "bzip2", "none"},
}


def compression(format: str, connection: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """The codec that is asked for, None for the format's own. Raises FormatError for one that is not there."""
    value = connection.get("compression") or connection.get("compressionType") or options.get("compression")
    if value is None:
        return None
    name = {"bz2": "bzip2", "gz": "gzip"}.get(str(value).lower(), str(value).lower())
    if name not in COMPRESSIONS[format]:
        raise FormatError(
            f"{format} is not compressed with {value!r} here: use {', '.join(sorted(COMPRESSIONS[format]))}"
        )
    return name
