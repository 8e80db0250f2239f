"""One host of a transform job: every object of its share is sent to the model and has its output, or a reason why not.

Inputs    /opt/ml/input/data/<name>
Outputs   /opt/ml/output/data/<name>.out, each there whole or not at all
Log       the job's data-log
Exit code 0 when every object has its output, 1 with the first reason in /opt/ml/output/failure.
"""

import gzip
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from clary.algorithms.contract import AlgorithmError, ClientError, Contract
from clary.algorithms.transformer.faults import Failure
from clary.algorithms.transformer.records import Processing
from clary.algorithms.transformer.spec import Spec, Way
from clary.algorithms.transformer.splitting import Batch, batches
from clary.algorithms.transformer.upstream import NOT_GZIP, Chain

_TASK_SECONDS = 0.005
_TASK_REQUESTS = 64
_TASK_BYTES = 1 << 20
"""A thread gets as many small requests at once as take so long together: to hand over each by itself would cost more
than to send it. It sends them one after the other all the same."""
_FAILED_SHOWN = 20
"""Objects whose failures are told in full in the log; of the others only that they failed."""


@dataclass(slots=True)
class Piece:
    """One object on its way: its output grows in `draft`."""

    name: str
    source: Path
    draft: Path
    out: Path
    failure: Failure | None = None
    file: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        if self.file is None:
            self.file = cast(BinaryIO, self.draft.open("wb"))
        self.file.write(data)

    def close(self) -> None:
        """The output is there, whole, unless the object failed."""
        if self.file is None and self.failure is None and not self.draft.exists():
            self.write(b"")  # an object without records
        if self.file is not None:
            self.file.close()
            self.file = None
        if self.failure is not None:
            self.draft.unlink(missing_ok=True)
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.draft.replace(self.out)


@dataclass(slots=True)
class Pump:
    """Sends what `spec` names. At most `way.concurrent` requests, and as many bodies, are under way at once."""

    spec: Spec
    way: Way
    chain: Chain
    contract: Contract
    processing: Processing | None
    failed: list[tuple[str, Failure]] = field(default_factory=list)
    at_once: int = 1
    """Requests that a thread gets together, by how long the last ones took."""

    def run(self) -> None:
        with ThreadPoolExecutor(self.way.concurrent, "send") as threads:
            window: deque[tuple[Piece, Future[bytes] | None]] = deque()
            try:
                for piece, group in self._work():
                    sent = None if group is None else threads.submit(self._send, piece, group)
                    window.append((piece, sent))
                    while len(window) > self.way.concurrent:
                        self._take(*window.popleft())
                while window:
                    self._take(*window.popleft())
            finally:
                for _, sent in window:
                    if sent is not None:
                        sent.cancel()

    def _work(self) -> "Iterator[tuple[Piece, list[Batch] | None]]":
        """Every request of every object, in order; None ends an object. What comes after a failure is left out."""
        data = self.contract.root / "input" / "data"
        drafts = self.contract.root / "output" / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(self.spec.objects):
            out = self.contract.output_data_dir / f"{name}.out"
            piece = Piece(name, data / name, drafts / str(number), out)
            try:
                if not self.way.payload:
                    yield piece, [Batch(b"", 1)]  # the file itself is streamed
                else:
                    with self._opened(piece) as source:
                        requests = batches(source, self.spec.split, self.way.payload, self.way.single)
                        for group in self._grouped(requests):
                            if piece.failure is not None:
                                break
                            yield piece, group
            except Failure as failure:
                piece.failure = piece.failure or failure
            except NOT_GZIP as error:
                piece.failure = piece.failure or Failure("ClientError", f"The object is not gzip: {error}")
            yield piece, None

    def _opened(self, piece: Piece) -> BinaryIO:
        if self.spec.gzip:
            return cast(BinaryIO, gzip.open(piece.source, "rb"))
        return piece.source.open("rb")

    def _grouped(self, requests: Iterator[Batch]) -> Iterator[list[Batch]]:
        """The requests in the parts that threads get."""
        group: list[Batch] = []
        size = 0
        for batch in requests:
            group.append(batch)
            size += len(batch.body)
            if not self.way.single or len(group) >= self.at_once or size > _TASK_BYTES:
                yield group
                group, size = [], 0
        if group:
            yield group

    def _send(self, piece: Piece, group: list[Batch]) -> bytes:
        """What goes to the output for these requests. Runs in a thread."""
        if piece.failure is not None:
            return b""
        began = time.monotonic()
        try:
            made = b"".join([self._answer(piece, batch) for batch in group])
        except Failure as failure:
            piece.failure = failure  # told here already, so that what stands behind it in the line is not sent
            raise
        each = (time.monotonic() - began) / len(group)
        self.at_once = max(1, min(_TASK_REQUESTS, int(_TASK_SECONDS / max(each, 1e-6))))
        return made

    def _answer(self, piece: Piece, batch: Batch) -> bytes:
        """What goes to the output for one request."""
        spec = self.spec
        if not self.way.payload:
            self.chain.stream(lambda: self._opened(piece), spec.content_type, spec.accept, piece.draft)
            if spec.assemble == "Line":
                _end_line(piece.draft)
            return b""
        if self.processing is None:
            made = self.chain.invoke(batch.body, spec.content_type, spec.accept).body
        else:
            body, records = self.processing.before(batch.body, batch.first)
            reply = self.chain.invoke(body, spec.content_type, spec.accept)
            made = self.processing.after(records, reply, batch.first)
        return made + b"\n" if spec.assemble == "Line" and not made.endswith(b"\n") else made

    def _take(self, piece: Piece, sent: "Future[bytes] | None") -> None:
        if sent is None:
            piece.close()
            if piece.failure is not None:
                self._tell(piece, piece.failure)
            return
        try:
            made = sent.result()
        except Failure as failure:
            piece.failure = piece.failure or failure
            return
        if piece.failure is None and self.way.payload:
            piece.write(made)

    def _tell(self, piece: Piece, failure: Failure) -> None:
        self.failed.append((piece.name, failure))
        if len(self.failed) > _FAILED_SHOWN:
            say(f"{piece.name}: {failure.kind}")
            return
        for line in str(failure).split("\n"):
            say(f"{piece.name}: {line}")


def _end_line(path: Path) -> None:
    """The file ends with a newline."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        if file.read(1) != b"\n":
            file.write(b"\n")


def say(text: str) -> None:
    """One line of the data-log, in the form that AWS gives it."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    print(f"{stamp}.{int(now * 1000) % 1000:03}:[sagemaker logs]: {text}", flush=True)


def main(environ: Mapping[str, str]) -> int:
    """The exit code of the run."""
    contract = Contract.read(environ)
    try:
        failed = _transform(contract, environ)
    except ClientError as error:
        return _failed(contract, f"ClientError: {error}")
    except AlgorithmError as error:
        return _failed(contract, f"AlgorithmError: {error}")
    except OSError as error:
        return _failed(contract, f"ClientError: the objects could not be read or written: {error.strerror or error}")
    if not failed:
        return 0
    name, failure = failed[0]
    more = f" ({len(failed) - 1} more objects failed: see the data-log)" if len(failed) > 1 else ""
    contract.fail(f"{failure.kind}: {name}: {failure}{more}")
    return 1


def _transform(contract: Contract, environ: Mapping[str, str]) -> list[tuple[str, Failure]]:
    spec = Spec.read(contract.root / "input" / "config" / "transform.json")
    processing = Processing(spec) if spec.processes else None
    addresses = [environ[name] for name in spec.upstreams]
    chain = Chain(addresses, seconds=spec.timeout, retries=spec.retries, pause=spec.pause)
    way = Way.of(spec, chain.preferred())
    say(str(way))
    pump = Pump(spec, way, chain, contract, processing)
    pump.run()
    with suppress(OSError):
        (contract.root / "output" / "drafts").rmdir()
    return pump.failed


def _failed(contract: Contract, reason: str) -> int:
    say(reason)
    contract.fail(reason)
    return 1
