"""What DuckDB complains of, in Athena's words, with the objects' names instead of the files'."""

import re
from collections.abc import Mapping
from typing import Final

from clary.engines.queries import words
from clary.engines.queries.base import QueryError

_CODES: Final = (
    ("Division by zero", "DIVISION_BY_ZERO"),
    ("out of range", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("Overflow", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("Could not convert", "INVALID_CAST_ARGUMENT"),
    ("invalid date", "INVALID_CAST_ARGUMENT"),
    ("invalid timestamp", "INVALID_CAST_ARGUMENT"),
)
_COLUMN: Final = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')
_FUNCTION: Final = re.compile(r"Function with name ([^ ]+) does not exist")
_TYPE: Final = re.compile(r"No function matches the given name and argument types '([^']*)'")
_CUT: Final = (
    "\nLINE ",
    "\n\nLINE",
    "\nCandidate",
    "\nDid you mean",
    "\nTry setting",
    "\n  Original Line",
    "\n Column ",
    "\n\nPossible",
    "\nPossible",
    "\n\tCandidate",
)


def told(error: Exception, files: Mapping[str, str], sql: str = "") -> QueryError:
    """`files`: the s3:// name of each local file. `sql`: the statement as it was asked, for the places of names."""
    said = str(error)
    named = [uri for path, uri in files.items() if path in said]
    for path, uri in files.items():
        said = said.replace(path, uri)
    short = said
    for cut in _CUT:
        short = short.split(cut, 1)[0]
    short = " ".join(short.split()).removeprefix("Error: ")
    short = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", short)
    name = type(error).__name__
    if named or "Parquet" in said:
        where = "" if any(uri in short for uri in named) else f" ({', '.join(named[:3])})"
        return QueryError(f"{short}{where}", code="HIVE_BAD_DATA", kind=1101)
    column = _COLUMN.search(said)
    if column is not None:
        return QueryError(f"{_place(sql, column[1])}: Column '{column[1]}' cannot be resolved", code="COLUMN_NOT_FOUND")
    function = _FUNCTION.search(said)
    if function is not None:
        return QueryError(
            f"{_place(sql, function[1])}: Function '{function[1]}' not registered", code="FUNCTION_NOT_FOUND"
        )
    if _TYPE.search(said) is not None:
        return QueryError(f"line 1:1: Unexpected parameters: {short}", code="FUNCTION_NOT_FOUND")
    for part, code in _CODES:
        if part in said:
            return QueryError(short.split(". Use TRY")[0], code=code)
    if name == "OutOfMemoryException":
        told_ = "Query exhausted resources at this scale factor: it needs more memory than CLARY_QUERY_MEMORY_BYTES"
        return QueryError(told_, code="EXCEEDED_MEMORY_LIMIT", category=2, kind=1000)
    if name == "PermissionException":
        return QueryError("the query may only read the tables of the catalog", code="PERMISSION_DENIED")
    if name in ("BinderException", "ParserException", "CatalogException"):
        return QueryError(f"line 1:1: {short}", code="SYNTAX_ERROR")
    if name in ("ConversionException", "InvalidInputException", "OutOfRangeException"):
        return QueryError(short, code="INVALID_FUNCTION_ARGUMENT")
    return QueryError(short, code="GENERIC_INTERNAL_ERROR", category=1, kind=100)


def _place(sql: str, name: str) -> str:
    """Where the statement says that name. DuckDB knows places of the translated statement only, so a name that is said
    nowhere or more than once has the place of the statement."""
    said = [one for one in words.tokens(sql) if one.kind in ("word", "name") and one.text.lower() == name.lower()]
    return words.place(sql, said[0].start if len(said) == 1 else 0)
