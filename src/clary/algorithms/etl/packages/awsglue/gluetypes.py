"""Glue's data types: what `DynamicFrame.schema()` answers, and how they stand to Spark's."""

from typing import Any, ClassVar

from pyspark.sql import types as spark

CHOICE = "glue.choice"
"""Metadata of a DataFrame's column: it holds values of several types, one member of the struct for each."""


class DataType:
    """A type; `jsonValue` is Glue's JSON of it."""

    name: ClassVar[str] = "unknown"

    def __init__(self, properties: dict[str, Any] | None = None) -> None:
        self.properties = properties or {}

    @classmethod
    def typeName(cls) -> str:
        return cls.name

    def jsonValue(self) -> dict[str, Any]:
        return {"dataType": self.name, "properties": self.properties} if self.properties else {"dataType": self.name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash(str(self.jsonValue()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.jsonValue()})"


class AtomicType(DataType):
    """A type without parts."""


class BinaryType(AtomicType):
    name = "binary"


class BooleanType(AtomicType):
    name = "boolean"


class ByteType(AtomicType):
    name = "byte"


class DateType(AtomicType):
    name = "date"


class DoubleType(AtomicType):
    name = "double"


class FloatType(AtomicType):
    name = "float"


class IntegerType(AtomicType):
    name = "int"


class LongType(AtomicType):
    name = "long"


class NullType(AtomicType):
    name = "null"


class ShortType(AtomicType):
    name = "short"


class StringType(AtomicType):
    name = "string"


class TimestampType(AtomicType):
    name = "timestamp"


class UnknownType(AtomicType):
    name = "unknown"


class DecimalType(AtomicType):
    name = "decimal"

    def __init__(self, precision: int = 10, scale: int = 2, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.precision, self.scale = precision, scale

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "precision": self.precision, "scale": self.scale}


class Field:
    """One field of a struct."""

    def __init__(self, name: str, dataType: DataType, properties: dict[str, Any] | None = None) -> None:
        self.name, self.dataType, self.properties = name, dataType, properties or {}

    def jsonValue(self) -> dict[str, Any]:
        return {"name": self.name, "container": self.dataType.jsonValue(), "properties": self.properties}


class StructType(DataType):
    name = "struct"

    def __init__(self, fields: list[Field] | None = None, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.fields = fields or []

    @property
    def field_map(self) -> dict[str, Field]:
        return {one.name: one for one in self.fields}

    def __iter__(self) -> Any:
        return iter(self.fields)

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "fields": [one.jsonValue() for one in self.fields]}


class ArrayType(DataType):
    name = "array"

    def __init__(self, elementType: DataType, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.elementType = elementType

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "elementType": self.elementType.jsonValue()}


class MapType(DataType):
    name = "map"

    def __init__(
        self,
        keyType: DataType,
        valueType: DataType,
        properties: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(properties)
        self.keyType, self.valueType = keyType, valueType

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "keyType": self.keyType.jsonValue(), "valueType": self.valueType.jsonValue()}


class ChoiceType(DataType):
    name = "choice"

    def __init__(self, choices: list[DataType] | None = None, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.choices = {one.name: one for one in choices or []}

    def jsonValue(self) -> dict[str, Any]:
        return {**super().jsonValue(), "choices": [one.jsonValue() for one in self.choices.values()]}


ATOMS: dict[type[spark.DataType], type[DataType]] = {
    spark.BinaryType: BinaryType,
    spark.BooleanType: BooleanType,
    spark.ByteType: ByteType,
    spark.DateType: DateType,
    spark.DoubleType: DoubleType,
    spark.FloatType: FloatType,
    spark.IntegerType: IntegerType,
    spark.LongType: LongType,
    spark.NullType: NullType,
    spark.ShortType: ShortType,
    spark.StringType: StringType,
    spark.TimestampType: TimestampType,
    spark.TimestampNTZType: TimestampType,
}


def glue_type(of: spark.DataType) -> DataType:
    """Glue's type for a Spark type; a struct's marked members are choices."""
    if isinstance(of, spark.StructType):
        return StructType([Field(one.name, field_type(one)) for one in of.fields])
    if isinstance(of, spark.ArrayType):
        return ArrayType(glue_type(of.elementType))
    if isinstance(of, spark.MapType):
        return MapType(glue_type(of.keyType), glue_type(of.valueType))
    if isinstance(of, spark.DecimalType):
        return DecimalType(of.precision, of.scale)
    return ATOMS.get(type(of), UnknownType)()


def field_type(field: spark.StructField) -> DataType:
    """Glue's type of a column, which is a choice if it is marked as one."""
    if is_choice(field) and isinstance(field.dataType, spark.StructType):
        return ChoiceType([glue_type(one.dataType) for one in field.dataType.fields])
    return glue_type(field.dataType)


def is_choice(field: spark.StructField) -> bool:
    return bool((field.metadata or {}).get(CHOICE)) and isinstance(field.dataType, spark.StructType)


def member(of: spark.DataType) -> str:
    """What the member of a choice is called: its type's name in Glue."""
    return glue_type(of).name
