"""Transforms of collections of frames."""

from typing import Any

from awsglue.collection import DynamicFrameCollection

from .transform import GlueTransform


class SelectFromCollection(GlueTransform):
    def __call__(self, dfc: Any, key: str, transformation_ctx: str = "", **_: Any) -> Any:
        return dfc.select(key, transformation_ctx)


class MapToCollection(GlueTransform):
    """Every frame as the transform `callable` (or a function) makes it."""

    def __call__(self, dfc: Any, callable: Any, transformation_ctx: str = "", **rest: Any) -> Any:
        change = callable() if isinstance(callable, type) and issubclass(callable, GlueTransform) else callable
        made = {
            name: change(frame, transformation_ctx=f"{transformation_ctx}{name}", **rest) for name, frame in dfc.items()
        }
        return DynamicFrameCollection(made, dfc._glue_ctx)


class FlatMap(GlueTransform):
    """Every frame of a collection through `BaseTransform`, whose argument `frame_name` it is; collections that come of
    it are put together."""

    def __call__(
        self, dfc: Any, BaseTransform: Any, frame_name: str, transformation_ctx: str = "", **base_kwargs: Any
    ) -> Any:
        found: dict[str, Any] = {}
        for name, frame in dfc.items():
            made = BaseTransform.apply(
                **{frame_name: frame, "transformation_ctx": f"{transformation_ctx}{name}"}, **base_kwargs
            )
            if isinstance(made, DynamicFrameCollection):
                found.update({f"{name}_{inner}" if inner in found else inner: one for inner, one in made.items()})
            else:
                found[name] = made
        return DynamicFrameCollection(found, dfc._glue_ctx)
