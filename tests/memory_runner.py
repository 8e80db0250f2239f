"""A Runner whose runs are scripted: nothing is executed, everything it knows is in files below one directory.

It keeps the promises of the port (one start for a uid, a truth that survives this object), so a reconciler cannot tell.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clary.engines.runners.base import Run, StartError, Work
from clary.kernel.clock import Clock

Behave = Callable[[str, Work, Path], int | None]
"""What the command does when it starts: (uid, work, what it sees as /opt/ml) -> its exit code; None: it runs on."""


def keeps_running(uid: str, work: Work, root: Path) -> int | None:
    return None


class MemoryRunner:
    def __init__(self, directory: Path, clock: Clock, behave: Behave = keeps_running) -> None:
        self._directory = directory
        self._clock = clock
        self.behave = behave
        self.refuse: str | None = None
        """Set: every start raises StartError with it."""
        self.stubborn = False
        """Set: SIGTERM changes nothing, only SIGKILL does."""
        self._watchers: list[Callable[[str], None]] = []
        directory.mkdir(parents=True, exist_ok=True)

    async def start(self, uid: str, work: Work) -> None:
        home = self._directory / uid
        if (home / "run.json").exists():
            return
        if self.refuse is not None:
            raise StartError(self.refuse)
        shutil.rmtree(home, ignore_errors=True)
        root = home / "ml"
        _lay_out(root, work)
        (home / "log").touch()
        self._write(uid, phase="running", started=self._clock.now(), serves=work.serves)
        with (self._directory / "starts").open("a") as starts:
            starts.write(uid + "\n")
        code = self.behave(uid, work, root)
        if code is not None:
            self.end(uid, code)

    async def observe(self, uid: str) -> Run:
        known = self._read(uid)
        if not known:
            return Run("absent")
        home = self._directory / uid
        return Run(
            known["phase"],
            exit_code=known.get("exit_code"),
            started=known["started"],
            ended=known.get("ended"),
            root=home / "ml",
            log=home / "log",
            address=f"unix:{home}/serve.sock" if known["serves"] and known["phase"] == "running" else None,
            out_of_memory=known.get("out_of_memory", False),
            broken=known.get("broken"),
        )

    async def stop(self, uid: str, grace: float) -> None:
        known = self._read(uid)
        if known.get("phase") != "running":
            return
        asked = known.get("stop_asked")
        if asked is None:
            self._write(uid, stop_asked=self._clock.now())
            asked = self._clock.now()
        if not self.stubborn:
            self.end(uid, 143)
        elif self._clock.now() - asked >= grace:
            self.end(uid, 137)

    async def remove(self, uid: str) -> None:
        shutil.rmtree(self._directory / uid, ignore_errors=True)

    async def uids(self) -> list[str]:
        return sorted(path.name for path in self._directory.iterdir() if path.is_dir())

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watchers.append(changed)

    # What a test does to a run.

    def end(self, uid: str, code: int, *, out_of_memory: bool = False, broken: str | None = None) -> None:
        end = {"ended": self._clock.now(), "out_of_memory": out_of_memory, "broken": broken}
        self._write(uid, phase="ended", exit_code=code, **end)
        for changed in self._watchers:
            changed(uid)

    def lose(self, uid: str) -> None:
        self._write(uid, phase="lost")

    def say(self, uid: str, text: str) -> None:
        with (self._directory / uid / "log").open("a") as log:
            log.write(text)

    def root(self, uid: str) -> Path:
        return self._directory / uid / "ml"

    def starts(self) -> list[str]:
        """Every start that really happened, in order."""
        path = self._directory / "starts"
        return path.read_text().split() if path.exists() else []

    def _read(self, uid: str) -> dict[str, Any]:
        path = self._directory / uid / "run.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _write(self, uid: str, **members: object) -> None:
        path = self._directory / uid / "run.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({**self._read(uid), **members}))
        draft.replace(path)


def _lay_out(root: Path, work: Work) -> None:
    def inside(path: str) -> Path:
        return root / Path(path).relative_to("/opt/ml")

    root.mkdir(parents=True)
    for directory in work.directories:
        inside(directory).mkdir(parents=True, exist_ok=True)
    for path, content in work.files.items():
        inside(path).parent.mkdir(parents=True, exist_ok=True)
        inside(path).write_bytes(content)
    for tree in work.trees:
        for name, file in tree.files:
            target = inside(tree.target) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for archive in work.archives:
        inside(archive.target).mkdir(parents=True, exist_ok=True)
        shutil.unpack_archive(archive.path, inside(archive.target), "gztar", filter="data")
