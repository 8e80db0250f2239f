"""The process of a query: a JSON line in, a JSON line out.

    python -m clary.engines.queries.worker THREADS MEMORY_BYTES

Questions: "read" (what a statement says), "prune" (which partitions it can see), "run" (do it over these files). It
ends when its input does, that is when the server is gone, whatever it is doing then."""

import json
import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from clary.engines.queries.base import Doc, QueryError


def _read(question: Doc, need: Callable[[Doc], Doc], threads: int, memory: int) -> Doc:
    from clary.engines.queries import language

    return language.read(question["sql"], question["database"], question.get("parameters"))


def _prune(question: Doc, need: Callable[[Doc], Doc], threads: int, memory: int) -> Doc:
    from clary.engines.queries import pruning

    return pruning.pruned(question["statements"], question["tables"])


def _run(question: Doc, need: Callable[[Doc], Doc], threads: int, memory: int) -> Doc:
    from clary.engines.queries import running

    return running.run(question, need, threads, memory)


ANSWERS = {"read": _read, "prune": _prune, "run": _run}


def answer(question: Doc, need: Callable[[Doc], Doc], threads: int, memory: int) -> Doc:
    try:
        return ANSWERS[question["ask"]](question, need, threads, memory)
    except QueryError as error:
        message = str(error).removeprefix(f"{error.code}: ") if error.code else str(error)
        return {"error": {"message": message, "code": error.code, "category": error.category, "kind": error.kind}}
    except RecursionError:
        told = "the statement is nested too deeply"
        return {"error": {"message": told, "code": "SYNTAX_ERROR", "category": 2, "kind": 1006}}
    except Exception as error:
        import traceback

        traceback.print_exc()  # into the server's log
        told = f"{type(error).__name__}: {error}"
        return {"error": {"message": told, "code": "GENERIC_INTERNAL_ERROR", "category": 1, "kind": 100}}


def main(threads: int, memory: int) -> None:
    lines: SimpleQueue[bytes] = SimpleQueue()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer

    def listen() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        os._exit(0)

    def say(doc: Doc) -> None:
        out.write(json.dumps(doc, separators=(",", ":")).encode() + b"\n")
        out.flush()

    def need(what: Doc) -> Doc:
        say({"need": what})
        told: Doc = json.loads(lines.get())
        if "error" in told:
            raise QueryError(told["error"])
        return told

    threading.Thread(target=listen, daemon=True).start()
    while True:
        question: dict[str, Any] = json.loads(lines.get())
        say(answer(question, need, threads, memory))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
