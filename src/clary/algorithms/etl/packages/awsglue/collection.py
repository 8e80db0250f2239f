"""Several frames under names."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import GlueContext
    from .dynamicframe import DynamicFrame


class DynamicFrameCollection:
    """Frames by name, in their order."""

    def __init__(self, dynamic_frames: "Mapping[str, DynamicFrame]", glue_ctx: "GlueContext") -> None:
        self._frames, self._glue_ctx = dict(dynamic_frames), glue_ctx

    def __getitem__(self, key: str) -> "DynamicFrame":
        return self.select(key)

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def keys(self) -> Any:
        return self._frames.keys()

    def values(self) -> Any:
        return self._frames.values()

    def items(self) -> Any:
        return self._frames.items()

    def select(self, key: str, transformation_ctx: str = "") -> "DynamicFrame":
        if key not in self._frames:
            raise KeyError(f"{key!r} is not in the collection; it has {', '.join(self._frames)}")
        return self._frames[key]

    def map(self, callable: "Callable[..., DynamicFrame]", transformation_ctx: str = "") -> "DynamicFrameCollection":
        """Every frame as `callable(frame, transformation_ctx)` makes it."""
        made = {name: callable(one, f"{transformation_ctx}{name}") for name, one in self._frames.items()}
        return DynamicFrameCollection(made, self._glue_ctx)

    def flatmap(
        self, f: "Callable[..., DynamicFrameCollection]", transformation_ctx: str = ""
    ) -> "DynamicFrameCollection":
        """All frames of the collections that `f(frame, transformation_ctx)` makes of each."""
        found: dict[str, DynamicFrame] = {}
        for name, one in self._frames.items():
            for inner, frame in f(one, f"{transformation_ctx}{name}").items():
                found[f"{name}.{inner}" if inner in found else inner] = frame
        return DynamicFrameCollection(found, self._glue_ctx)
