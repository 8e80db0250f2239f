"""The workers of a model server: processes that each hold the model. There is one at first; as long as requests have to
wait for each other another is started, up to the number that is asked."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

from clary.algorithms.contract import say
from clary.algorithms.serve import Answer, Refused
from clary.algorithms.toolkit import frames

_GONE_SECONDS: Final = 5.0
"""How long a worker whose socket is closed may take to end."""


class NotLoaded(Exception):
    """The model does not load; the message says why."""


class Worker:
    """One process. Not safe in threads: the pool lends it to one request at a time."""

    def __init__(self, defaults: str, environ: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            words = [sys.executable, "-m", "clary.algorithms.toolkit.worker", str(theirs.fileno()), defaults]
            self._process = subprocess.Popen(words, env=dict(environ), pass_fds=[theirs.fileno()])

    def wait(self) -> None:
        """The model is loaded. Raises NotLoaded."""
        said = frames.receive(self._socket)
        if said is None:
            raise NotLoaded(f"the worker ended with exit code {self.end()} before the model was loaded")
        if "failed" in said[0]:
            self.end()
            raise NotLoaded(str(said[0]["failed"]))

    def ask(self, body: bytes, content_type: str | None, accept: str | None, seconds: float) -> Answer:
        """The model's answer. Raises Refused for what the model refuses, TimeoutError, and EOFError when the process
        died of the request."""
        self._socket.settimeout(seconds)
        try:
            frames.send(self._socket, {"type": content_type, "accept": accept}, body)
        except ConnectionError:
            raise EOFError from None
        said = frames.receive(self._socket)
        if said is None:
            raise EOFError
        head, answer = said
        if head["status"] != 200:
            raise Refused(head["status"], answer.decode("utf-8", "replace"))
        return Answer(answer, head["type"])

    def end(self, *, kill: bool = False) -> int:
        """The process is gone; its exit code, as a shell tells it."""
        self._socket.close()
        if kill:
            self._process.kill()
        try:
            code = self._process.wait(_GONE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return 128 - code if code < 0 else code


class Pool:
    """A `serve.Model` whose predictions are made by its workers."""

    repeatable = False  # what users' code does besides answering, nobody knows

    def __init__(self, defaults: str, environ: Mapping[str, str], *, most: int, seconds: float) -> None:
        """`most`: workers at most; `seconds`: how long one request may take, waiting included."""
        self._defaults = defaults
        self._environ = environ
        self._most = most
        self._seconds = seconds
        self._free = threading.Condition()
        self._idle: list[Worker] = []
        self._count = 0
        self._starting = 0
        self._closed = False
        first = Worker(defaults, environ)
        first.wait()
        self._idle.append(first)
        self._count = 1

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        deadline = time.monotonic() + self._seconds
        worker = self._take(deadline)
        try:
            answer = worker.ask(body, content_type, accept, max(0.001, deadline - time.monotonic()))
        except TimeoutError:
            self._lost(worker)
            raise Refused(500, f"The model did not answer within {self._seconds:g} s; its worker was ended.") from None
        except EOFError:
            code = self._lost(worker)
            raise Refused(500, f"The worker that held the model died of this request: exit code {code}.") from None
        except BaseException:
            self._give(worker)
            raise
        self._give(worker)
        return answer

    def close(self) -> None:
        """Every worker is gone, or goes as soon as its request is answered."""
        with self._free:
            self._closed = True
            idle, self._idle = self._idle, []
            self._free.wait_for(lambda: self._starting == 0, self._seconds)
        for worker in idle:
            worker.end()

    def _take(self, deadline: float) -> Worker:
        with self._free:
            while not self._idle:
                if self._count < self._most:
                    self._grow()
                if not self._free.wait(max(0.0, deadline - time.monotonic())):
                    raise Refused(503, f"All {self._most} workers of the model were busy for {self._seconds:g} s.")
            return self._idle.pop()

    def _give(self, worker: Worker) -> None:
        with self._free:
            if not self._closed:
                self._idle.append(worker)
                self._free.notify()
                return
        worker.end()

    def _lost(self, worker: Worker) -> int:
        code = worker.end(kill=True)
        say(f"A worker is gone (exit code {code}); another is started.", level="WARNING")
        with self._free:
            self._count -= 1
            if not self._closed:
                self._grow()
        return code

    def _grow(self) -> None:
        """Another worker is on its way. To be called with the lock."""
        self._count += 1
        self._starting += 1
        threading.Thread(target=self._start, name="another worker", daemon=True).start()

    def _start(self) -> None:
        try:
            worker = Worker(self._defaults, self._environ)
            worker.wait()
        except (NotLoaded, OSError) as error:
            say(f"A further worker could not load the model: {error}", level="ERROR")
            with self._free:
                self._starting -= 1
                self._count -= 1
                alone = self._count == 0 and not self._closed
                self._free.notify_all()
            if alone:
                # Nobody can answer any more: the end of the server is what its keepers notice.
                sys.stdout.flush()
                os._exit(1)
            return
        self._give(worker)
        with self._free:
            self._starting -= 1
            self._free.notify_all()
