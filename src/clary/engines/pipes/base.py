"""What is streamed into a named pipe of a run, and the companion that streams it (Work.companions)."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clary.engines.pipes.feeder import shuffled

__all__ = ["Channel", "Part", "command", "shuffled", "write_channel", "write_items"]


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes to stream: of a file of this machine, or as they are."""

    of: str
    """What they are called when something is wrong with them, for example the S3 URI."""
    file: str | None = None
    """Below `Channel.folder`."""
    data: str = ""
    """Without a file: the text itself."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A pipe `<pipe>_<epoch>` for each epoch, from 0 on, for as long as the run reads."""

    pipe: str
    """Absolute path inside the run, without the epoch."""
    items: Path
    """What `write_items` wrote: every epoch streams all of it, or this host's part."""
    folder: Path
    """The directory of the files on this machine. They are never changed."""
    gzip: bool = False
    """The files are decompressed on the way."""
    recordio: bool = False
    """Each part becomes one record."""
    seed: int | None = None
    """Every epoch streams the items in an order of its own."""
    host: int = 0
    hosts: int = 1
    """The host with this number, of so many, gets every `hosts`-th item from its own on, counted after the shuffle."""

    def first_pipe(self) -> str:
        return f"{self.pipe}_0"


def write_items(to: Path, items: Iterable[Sequence[Part]]) -> int:
    """The file holds the items, a line each; returns how many. An item's parts stay together."""
    count = 0
    with to.open("w", encoding="utf-8") as file:
        for item in items:
            parts = [
                {"of": part.of, "file": part.file} if part.file is not None else {"of": part.of, "data": part.data}
                for part in item
            ]
            file.write(json.dumps(parts) + "\n")
            count += 1
    return count


def write_channel(to: Path, channel: Channel) -> None:
    """The file tells `feeder.py` of the channel."""
    said = {name: getattr(channel, name) for name in ("pipe", "gzip", "recordio", "seed", "host", "hosts")}
    to.write_text(json.dumps({**said, "items": str(channel.items), "folder": str(channel.folder)}))


def command(channels: Sequence[Path]) -> tuple[str, ...]:
    """The companion that feeds these channels. It needs no package, and starts in tens of milliseconds."""
    return (sys.executable, "-I", "-S", str(Path(__file__).with_name("feeder.py")), *map(str, channels))
