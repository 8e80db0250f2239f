"""Transforms of rows."""

from typing import Any

from .transform import GlueTransform


class Filter(GlueTransform):
    def __call__(self, frame: Any, f: Any, transformation_ctx: str = "", **rest: Any) -> Any:
        return frame.filter(f, transformation_ctx, **rest)


class Map(GlueTransform):
    def __call__(self, frame: Any, f: Any, transformation_ctx: str = "", **rest: Any) -> Any:
        return frame.map(f, transformation_ctx=transformation_ctx, **rest)


class Join(GlueTransform):
    def __call__(
        self, frame1: Any, frame2: Any, keys1: Any, keys2: Any, transformation_ctx: str = "", **rest: Any
    ) -> Any:
        return frame1.join(keys1, keys2, frame2, transformation_ctx, **rest)


class SplitRows(GlueTransform):
    def __call__(
        self,
        frame: Any,
        comparison_dict: Any,
        name1: str = "frame1",
        name2: str = "frame2",
        transformation_ctx: str = "",
        **rest: Any,
    ) -> Any:
        return frame.split_rows(comparison_dict, name1, name2, transformation_ctx, **rest)


class Spigot(GlueTransform):
    def __call__(self, frame: Any, path: str, options: Any = None, transformation_ctx: str = "", **_: Any) -> Any:
        return frame.spigot(path, options, transformation_ctx)


class Relationalize(GlueTransform):
    def __call__(
        self,
        frame: Any,
        staging_path: str | None = None,
        name: str = "roottable",
        options: Any = None,
        transformation_ctx: str = "",
        **rest: Any,
    ) -> Any:
        return frame.relationalize(name, staging_path, options, transformation_ctx, **rest)
