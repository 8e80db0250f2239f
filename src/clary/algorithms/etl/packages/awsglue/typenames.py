"""Type names as scripts, the catalog and Hive write them, and Spark's types for them."""

from pyspark.sql import types as spark

_NAMES = {
    "long": "bigint",
    "integer": "int",
    "short": "smallint",
    "byte": "tinyint",
    "bool": "boolean",
    "null": "void",
    "text": "string",
    "number": "double",
}

_WHOLE = {"struct", "array", "map", "choice", "union"}
"""Bare names of nested types: they say what is there and ask for no cast."""


def spark_type(name: str) -> spark.DataType | None:
    """Spark's type for `name` (`long`, `decimal(10,2)`, `array<struct<a:int>>`, `varchar(3)`); None for a bare nested
    name such as `struct`. Raises ValueError for a name that is no type."""
    text = name.strip()
    lower = text.lower()
    if lower in _WHOLE:
        return None
    if lower.split("(")[0].strip() in {"varchar", "char"}:
        return spark.StringType()
    try:
        return spark.DataType.fromDDL(_NAMES.get(lower, _spelt(text)))
    except Exception as error:
        raise ValueError(f"{name!r} is no type that Glue and Spark know: say string, int, long, double, ...") from error


def catalog_name(of: spark.DataType) -> str:
    """The type as the catalog writes it (Hive's names)."""
    if isinstance(of, spark.StructType):
        return "struct<" + ",".join(f"{one.name}:{catalog_name(one.dataType)}" for one in of.fields) + ">"
    if isinstance(of, spark.ArrayType):
        return f"array<{catalog_name(of.elementType)}>"
    if isinstance(of, spark.MapType):
        return f"map<{catalog_name(of.keyType)},{catalog_name(of.valueType)}>"
    if isinstance(of, spark.TimestampNTZType):
        return "timestamp"
    if isinstance(of, (spark.NullType, spark.VariantType)):
        return "string"
    return of.simpleString()


def _spelt(text: str) -> str:
    """A nested type with Glue's own names inside, in Spark's names."""
    if "<" not in text:
        return text
    words: list[str] = []
    word = ""
    for char in text:
        if char in "<>,: ":
            words += [_NAMES.get(word.lower(), word) if char in ">," else word, char]
            word = ""
        else:
            word += char
    return "".join([*words, word])
