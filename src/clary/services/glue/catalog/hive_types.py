"""Types of Hive (as the catalog writes columns) and of Iceberg (as table metadata has them), one from the other."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from clary.services.glue.errors import InvalidInputException

_TO_ICEBERG: Final = {
    "boolean": "boolean",
    "tinyint": "int",
    "smallint": "int",
    "int": "int",
    "integer": "int",
    "bigint": "long",
    "float": "float",
    "double": "double",
    "string": "string",
    "char": "string",
    "varchar": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}
_TO_HIVE: Final = {
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "uuid": "string",
    "time": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
}
_TOKEN: Final = re.compile(r"\s*([<>:,]|[^<>:,()\s]+(?:\s*\([\d\s,]*\))?)")
_DECIMAL: Final = re.compile(r"decimal\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_DEEPEST: Final = 50

Fresh = Callable[[], int]
"""The next field id."""


def to_iceberg(text: str, fresh: Fresh) -> Any:
    """The Iceberg type of a Hive type such as `array<struct<a:int,b:decimal(9,2)>>`. Raises InvalidInputException."""
    reader = _Reader(text)
    found = reader.type(fresh, 0)
    if reader.peek() is not None:
        raise reader.wrong()
    return found


def to_hive(iceberg: Any) -> str:
    """The Hive type of an Iceberg type. Raises InvalidInputException."""
    if isinstance(iceberg, str):
        if iceberg in _TO_HIVE:
            return _TO_HIVE[iceberg]
        if match := _DECIMAL.fullmatch(iceberg):
            return f"decimal({match[1]},{match[2]})"
        if iceberg.startswith("fixed["):
            return "binary"
    elif isinstance(iceberg, dict):
        match iceberg.get("type"):
            case "struct":
                fields: Sequence[Any] = iceberg.get("fields", ())
                inner = [f"{one.get('name')}:{to_hive(one.get('type'))}" for one in fields]
                return f"struct<{','.join(inner)}>"
            case "list":
                return f"array<{to_hive(iceberg.get('element'))}>"
            case "map":
                return f"map<{to_hive(iceberg.get('key'))},{to_hive(iceberg.get('value'))}>"
    raise InvalidInputException(f"{iceberg!r} is not a type of Iceberg that a table here can have")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        self._at = 0
        if "".join(self._tokens).replace(" ", "") != "".join(text.split()):
            raise self.wrong()

    def peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def wrong(self) -> InvalidInputException:
        return InvalidInputException(f"{self._text!r} is not a type: write it as Hive does, for example array<string>")

    def type(self, fresh: Fresh, depth: int) -> Any:
        word = self._take().lower()
        if depth > _DEEPEST:
            raise self.wrong()
        if word == "array":
            self._take("<")
            made: Any = {"type": "list", "element-id": fresh()}
            made |= {"element": self.type(fresh, depth + 1), "element-required": False}
            self._take(">")
        elif word == "map":
            self._take("<")
            made = {"type": "map", "key-id": fresh(), "value-id": fresh()}
            made["key"] = self.type(fresh, depth + 1)
            self._take(",")
            made |= {"value": self.type(fresh, depth + 1), "value-required": False}
            self._take(">")
        elif word == "struct":
            made = {"type": "struct", "fields": self._fields(fresh, depth + 1)}
        elif match := _DECIMAL.fullmatch(word):
            made = f"decimal({match[1]}, {match[2]})"
        elif (plain := word.partition("(")[0].strip()) in _TO_ICEBERG:
            made = _TO_ICEBERG[plain]
        elif word == "decimal":
            made = "decimal(10, 0)"  # what Hive takes it for
        else:
            raise self.wrong()
        return made

    def _fields(self, fresh: Fresh, depth: int) -> list[Any]:
        fields = []
        mark = self._take("<")
        while mark != ">":
            name = self._take()
            self._take(":")
            at = fresh()
            fields.append({"id": at, "name": name, "required": False, "type": self.type(fresh, depth)})
            mark = self._take()
            if mark not in (",", ">"):
                raise self.wrong()
        return fields

    def _take(self, wanted: str | None = None) -> str:
        found = self.peek()
        if found is None or (wanted is not None and found != wanted):
            raise self.wrong()
        self._at += 1
        return found
