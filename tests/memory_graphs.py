"""A `Graphs` without workers: whoever is asked to hold a graph holds it at once, or as the test says. What is kept and
asked is in files, as the port promises."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from clary.engines.runners.base import Run, StartError


class MemoryGraphs:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept = directory / "kept"
        self._kept.mkdir(parents=True, exist_ok=True)
        self._file = directory / "asked.json"
        self.loading = False
        """Set: no worker has loaded anything yet."""
        self.broken: str | None = None
        """Set: no worker can load any graph, and why."""

    def directory(self, digest: str) -> Path | None:
        found = self._kept / digest
        return found if found.is_dir() else None

    def keep(self, digest: str, made: Path) -> Path:
        target = self._kept / digest
        if not target.is_dir():
            shutil.copytree(made, target.with_suffix(".new"), dirs_exist_ok=True)
            target.with_suffix(".new").rename(target)
        return target

    def kept(self) -> list[str]:
        """The names of the graphs on disk."""
        return sorted(one.name for one in self._kept.iterdir())

    def forget(self, digests: Sequence[str]) -> None:
        for digest in digests:
            if digest not in self.asked().values():
                shutil.rmtree(self._kept / digest, ignore_errors=True)

    async def start(self, uid: str, digest: str) -> None:
        if self.directory(digest) is None:
            raise StartError("there is no such graph")
        self._write({**self.asked(), uid: digest})

    async def observe(self, uid: str) -> Run:
        if uid not in self.asked():
            return Run("absent")
        if self.broken is not None:
            return Run("ended", exit_code=1, broken=self.broken)
        return Run("running", address=None if self.loading else f"graph:0/{uid}")

    async def stop(self, uid: str) -> None:
        self._write({one: digest for one, digest in self.asked().items() if one != uid})

    async def uids(self) -> list[str]:
        return list(self.asked())

    def asked(self) -> dict[str, str]:
        """Which graph each instance shall be."""
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def _write(self, asked: dict[str, str]) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(asked))
        draft.replace(self._file)
