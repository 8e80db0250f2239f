"""A Python of its own that answers one line with one line, and is there only while somebody asks: what its libraries
take of memory and of the interpreter's time, the server does not pay."""

import os
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock


class Answering:
    """One question at a time; others wait for their turn in threads. Started by the first question, and again by one
    that finds it gone: `module` gets `idle_seconds` as its argument and ends after so long without a question."""

    def __init__(self, module: str, idle_seconds: float, answer_seconds: float, env: Mapping[str, str]) -> None:
        """`answer_seconds`: a process that takes longer for one question is given up; `env`: beside our own."""
        self._command = [sys.executable, "-m", module, str(idle_seconds)]
        self._answer_seconds = answer_seconds
        self._env = env
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def ask(self, line: bytes) -> bytes:
        """The answer; b"": the process ended without one. Blocks."""
        with self._lock:
            # It may have ended for want of questions just as this one came, so a second one is tried.
            return self._ask(line) or self._ask(line)

    def close(self) -> None:
        """The process is gone; a later question would start another."""
        with self._lock:
            self._end()

    def _ask(self, line: bytes) -> bytes:
        """The answer; b"": the process is gone."""
        child = self._child if self._child is not None and self._child.poll() is None else self._start()
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(line + b"\n")
            child.stdin.flush()
            heard = select.select([child.stdout], [], [], self._answer_seconds)[0]
            said = child.stdout.readline() if heard else b""
        except BrokenPipeError:
            said = b""
        if not said.endswith(b"\n"):
            self._end()
            return b""
        return said

    def _start(self) -> "subprocess.Popen[bytes]":
        self._end()
        env = {**os.environ, **self._env}
        self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        child.wait()
