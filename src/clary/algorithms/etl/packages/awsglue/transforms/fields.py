"""Transforms of columns."""

from typing import Any

from .transform import GlueTransform


class ApplyMapping(GlueTransform):
    def __call__(
        self, frame: Any, mappings: Any, case_sensitive: bool = False, transformation_ctx: str = "", **rest: Any
    ) -> Any:
        return frame.apply_mapping(mappings, case_sensitive, transformation_ctx, **rest)


class SelectFields(GlueTransform):
    def __call__(self, frame: Any, paths: Any, transformation_ctx: str = "", **rest: Any) -> Any:
        return frame.select_fields(paths, transformation_ctx, **rest)


class DropFields(GlueTransform):
    def __call__(self, frame: Any, paths: Any, transformation_ctx: str = "", **rest: Any) -> Any:
        return frame.drop_fields(paths, transformation_ctx, **rest)


class RenameField(GlueTransform):
    def __call__(self, frame: Any, old_name: str, new_name: str, transformation_ctx: str = "", **rest: Any) -> Any:
        return frame.rename_field(old_name, new_name, transformation_ctx, **rest)


class DropNullFields(GlueTransform):
    def __call__(self, frame: Any, transformation_ctx: str = "", **_: Any) -> Any:
        return frame.drop_nulls(transformation_ctx)


class ResolveChoice(GlueTransform):
    def __call__(
        self,
        frame: Any,
        specs: Any = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        **rest: Any,
    ) -> Any:
        return frame.resolveChoice(specs, choice, database, table_name, transformation_ctx, **rest)


class SplitFields(GlueTransform):
    def __call__(
        self,
        frame: Any,
        paths: Any,
        name1: str | None = None,
        name2: str | None = None,
        transformation_ctx: str = "",
        **rest: Any,
    ) -> Any:
        name = frame.name or "frame"
        return frame.split_fields(paths, name1 or f"{name}1", name2 or f"{name}2", transformation_ctx, **rest)


class Unbox(GlueTransform):
    def __call__(self, frame: Any, path: str, format: str, transformation_ctx: str = "", **options: Any) -> Any:
        return frame.unbox(path, format, transformation_ctx, **options)


class UnnestFrame(GlueTransform):
    def __call__(self, frame: Any, transformation_ctx: str = "", **rest: Any) -> Any:
        return frame.unnest(transformation_ctx, **rest)
