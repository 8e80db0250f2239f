"""`DynamicFrame`: a DataFrame whose columns may be choices, with a count of what went wrong on the way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from . import choices, columns, mapping, nested, records
from .collection import DynamicFrameCollection
from .errors import Fault, Faults
from .gluetypes import StructType, glue_type, is_choice
from .readwrite import DynamicFrameReader, DynamicFrameWriter
from .rows import compared, joined, merged_by, sampled
from .shown import tree
from .utils import told

if TYPE_CHECKING:
    from .context import GlueContext

__all__ = ["DynamicFrame", "DynamicFrameCollection", "DynamicFrameReader", "DynamicFrameWriter", "ResolveOption"]


class ResolveOption:
    """How `toDF` resolves the choice at `path`: the action `cast`, `project`, ... to the type `target`."""

    def __init__(self, path: str, action: str, target: str | None = None) -> None:
        self.path, self.action, self.target = path, action, target

    def spec(self) -> tuple[str, str]:
        return self.path, f"{self.action}:{self.target}" if self.target else self.action


class DynamicFrame:
    """Rows with Glue's transforms. `toDF` is the DataFrame; choices are structs there, as with Glue."""

    def __init__(self, df: DataFrame, glue_ctx: "GlueContext", name: str = "", faults: Faults | None = None) -> None:
        self._df, self.glue_ctx, self.name = df, glue_ctx, name
        self.faults = faults or Faults()

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: "GlueContext", name: str = "") -> "DynamicFrame":
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Sequence[ResolveOption] | None = None) -> DataFrame:
        if options:
            return self.resolveChoice(specs=[one.spec() for one in options]).toDF()
        if not any(is_choice(one) for one in self._df.schema.fields):
            return self._df
        return self._df.select([columns.unmarked(columns.plain(one), one.name) for one in self._df.schema.fields])

    # What is there

    def count(self) -> int:
        return self._df.count()

    def schema(self) -> StructType:
        found = glue_type(self._df.schema)
        assert isinstance(found, StructType)
        return found

    def printSchema(self) -> None:
        print(tree(self.schema()))

    def show(self, num_rows: int = 20) -> None:
        """The first rows as JSON lines, as Glue shows them."""
        for row in self._df.select(F.to_json(F.struct("*"))).head(num_rows) if self._df.columns else []:
            print(row[0])

    def getNumPartitions(self) -> int:
        return self._df.rdd.getNumPartitions()

    # Errors

    def errorsCount(self) -> int:
        return sum(one.count for one in self.faults.all())

    def stageErrorsCount(self) -> int:
        return sum(one.count for one in self.faults.stage())

    def errorsAsDynamicFrame(self) -> "DynamicFrame":
        rows = [(one.where, one.why, one.count) for one in self.faults.all()]
        frame = self._df.sparkSession.createDataFrame(rows, "source string, error string, count bigint")
        return DynamicFrame(frame, self.glue_ctx, self.name)

    def assertErrorThreshold(self) -> None:
        """Raises if there are errors at all."""
        self._bounded(0)

    def _bounded(self, most: int) -> None:
        total = self.errorsCount()
        if total > most:
            first = self.faults.all()[0]
            raise ValueError(f"{total} errors where at most {most} are allowed; the first: {first.where}: {first.why}")

    # Columns

    def _with(
        self, frame: DataFrame, name: str = "", *others: "DynamicFrame", own: Iterable[Fault] = ()
    ) -> "DynamicFrame":
        faults = Faults([self.faults, *(one.faults for one in others)])
        for one in own:
            faults.add(one)
        return DynamicFrame(frame, self.glue_ctx, name or self.name, faults)

    def select_fields(self, paths: Sequence[str], transformation_ctx: str = "", *_: Any, **__: Any) -> "DynamicFrame":
        return self._with(mapping.selected(self._df, [paths] if isinstance(paths, str) else paths), transformation_ctx)

    def drop_fields(self, paths: Sequence[str], transformation_ctx: str = "", *_: Any, **__: Any) -> "DynamicFrame":
        return self._with(mapping.dropped(self._df, [paths] if isinstance(paths, str) else paths), transformation_ctx)

    def rename_field(
        self, oldName: str, newName: str, transformation_ctx: str = "", *_: Any, **__: Any
    ) -> "DynamicFrame":
        return self._with(mapping.renamed(self._df, oldName, newName), transformation_ctx)

    def apply_mapping(
        self, mappings: Sequence[Any], case_sensitive: bool = False, transformation_ctx: str = "", *_: Any, **__: Any
    ) -> "DynamicFrame":
        return self._with(mapping.mapped(self._df, mappings, case_sensitive=case_sensitive), transformation_ctx)

    def drop_nulls(self, transformation_ctx: str = "") -> "DynamicFrame":
        """Without the columns that have no value in any record (their type is null)."""
        return self._with(mapping.without_nulls(self._df), transformation_ctx)

    def resolveChoice(
        self,
        specs: Sequence[tuple[str, str]] | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> "DynamicFrame":
        """With each choice of `specs` (path, action) resolved, or with `choice` every one. `match_catalog` casts each
        to the type that the table has. A path that is not there changes nothing."""
        if specs and choice:
            raise ValueError(
                "specs and choice cannot be used together: name single paths with specs, or all with choice"
            )
        frame = self._df
        if choice.lower() == "match_catalog":
            if not (database and table_name):
                raise ValueError("match_catalog needs database and table_name")
            wanted = self.glue_ctx.catalog.table(database, table_name, catalog_id).types()
            for field in self._df.schema.fields:
                if field.name.lower() in wanted:
                    frame = choices.resolved(frame, [field.name], f"cast:{wanted[field.name.lower()]}")
        elif choice:
            # Inner choices first: resolving an outer one takes its place away.
            for parts in reversed(columns.choices(self._df.schema)):
                frame = choices.resolved(frame, parts, choice)
        for path, action in specs or []:
            frame = choices.resolved(frame, columns.segments(path, frame.schema), action)
        return self._with(frame, transformation_ctx)

    def unbox(
        self, path: str, format: str, transformation_ctx: str = "", info: str = "", **options: Any
    ) -> "DynamicFrame":
        return self._with(nested.unboxed(self._df, path, format, options), transformation_ctx)

    def unnest(self, transformation_ctx: str = "", *_: Any, **__: Any) -> "DynamicFrame":
        return self._with(nested.unnested(self._df), transformation_ctx)

    def relationalize(
        self,
        root_table_name: str,
        staging_path: str | None = None,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        *_: Any,
        **__: Any,
    ) -> DynamicFrameCollection:
        """The root and one frame for each array. Nothing is staged: Spark keeps the rows itself."""
        found = nested.relationalized(self._df, root_table_name)
        return DynamicFrameCollection({name: self._with(one, name) for name, one in found.items()}, self.glue_ctx)

    # Rows

    def filter(
        self,
        f: Callable[[Any], Any],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        frame, count = records.filtered(self._df, f, transformation_ctx or info or "filter")
        made = self._with(frame, transformation_ctx)
        made.faults.counted = count
        if stageThreshold or totalThreshold:
            made._held(stageThreshold, totalThreshold)
        return made

    def map(
        self,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        flat: bool = False,
    ) -> "DynamicFrame":
        frame, faults = records.mapped(self._df, f, transformation_ctx or info or "map", flat=flat)
        made = self._with(frame, transformation_ctx, own=faults)
        made._held(stageThreshold, totalThreshold)
        return made

    def mapPartitions(self, f: Callable[[Iterable[Any]], Iterable[Any]], *args: Any, **kwargs: Any) -> "DynamicFrame":
        raise NotImplementedError("mapPartitions is not offered here: use map, or toDF().rdd.mapPartitions")

    def _held(self, stage: int, total: int) -> None:
        if stage and self.stageErrorsCount() > stage:
            raise ValueError(
                f"{self.name or 'a stage'}: {self.stageErrorsCount()} errors, and stageThreshold is {stage}"
            )
        if total:
            self._bounded(total)

    def join(
        self,
        paths1: Sequence[str],
        paths2: Sequence[str],
        frame2: "DynamicFrame",
        transformation_ctx: str = "",
        *_: Any,
        **__: Any,
    ) -> "DynamicFrame":
        return self._with(joined(self._df, frame2._df, paths1, paths2), transformation_ctx, frame2)

    def union(self, other_frame: "DynamicFrame", transformation_ctx: str = "", *_: Any, **__: Any) -> "DynamicFrame":
        return self._with(choices.united(self._df, other_frame._df), transformation_ctx, other_frame)

    def mergeDynamicFrame(
        self,
        stage_dynamic_frame: "DynamicFrame",
        primary_keys: Sequence[str],
        transformation_ctx: str = "",
        options: Mapping[str, Any] | None = None,
        *_: Any,
        **__: Any,
    ) -> "DynamicFrame":
        """The staged rows (all of them, those with the same key too), and those of this frame whose keys are not among
        them."""
        rows = merged_by(self._df, stage_dynamic_frame._df, primary_keys)
        return self._with(rows, transformation_ctx, stage_dynamic_frame)

    def split_fields(
        self, paths: Sequence[str], name1: str, name2: str, transformation_ctx: str = "", *_: Any, **__: Any
    ) -> DynamicFrameCollection:
        first, second = self.select_fields(paths, name1), self.drop_fields(paths, name2)
        return DynamicFrameCollection({name1: first, name2: second}, self.glue_ctx)

    def split_rows(
        self,
        comparison_dict: Mapping[str, Mapping[str, Any]],
        name1: str,
        name2: str,
        transformation_ctx: str = "",
        *_: Any,
        **__: Any,
    ) -> DynamicFrameCollection:
        """`name1` has the rows that pass all comparisons, `name2` the others."""
        rule = F.coalesce(compared(self._df, comparison_dict), F.lit(False))
        first, second = self._df.where(rule), self._df.where(~rule)
        return DynamicFrameCollection(
            {name1: self._with(first, name1), name2: self._with(second, name2)}, self.glue_ctx
        )

    def spigot(
        self, path: str, options: Mapping[str, Any] | None = None, transformation_ctx: str = "", *_: Any, **__: Any
    ) -> "DynamicFrame":
        """A sample of the rows stands at `path` as JSON lines; all rows go on."""
        sampled(self._df, options or {}).write.mode("append").json(path)
        return self

    def coalesce(self, numPartitions: int, transformation_ctx: str = "", *_: Any, **__: Any) -> "DynamicFrame":
        return self._with(self._df.coalesce(numPartitions), transformation_ctx)

    def repartition(self, numPartitions: int, transformation_ctx: str = "", *_: Any, **__: Any) -> "DynamicFrame":
        return self._with(self._df.repartition(numPartitions), transformation_ctx)

    def write(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any],
        format: str,
        format_options: Mapping[str, Any] | None = None,
        accumulator_size: int = 0,
    ) -> "DynamicFrame":
        if accumulator_size:
            told("accumulator_size has no meaning here and is not used")
        self.glue_ctx.write_dynamic_frame.from_options(
            self, connection_type, connection_options, format, format_options
        )
        return self
