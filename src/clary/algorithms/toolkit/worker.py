"""One process that holds the user's model and answers one request at a time, over the socket that it was started with.

`python -m clary.algorithms.toolkit.worker <descriptor> <module of the default functions>`"""

import os
import socket
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import clary
from clary.algorithms.contract import AlgorithmError, ClientError, Contract
from clary.algorithms.refused import Refused
from clary.algorithms.toolkit import frames, handlers

_ABOVE: Final = (str(Path(clary.__file__).parent), "<frozen importlib")
"""Where frames come from that stand above the user's program."""


def main(arguments: Sequence[str]) -> int:
    """Says first whether the model is there; then answers until the server is gone."""
    descriptor, defaults = int(arguments[0]), arguments[1]
    with socket.socket(fileno=descriptor) as server:
        try:
            loaded = handlers.load(Contract.read(os.environ), os.environ, defaults)
        except (AlgorithmError, ClientError) as error:
            frames.send(server, {"failed": str(error)})
            return 1
        except BaseException as error:
            # The stack is for the owner of the program, and belongs into the endpoint's log.
            _print(error)
            frames.send(server, {"failed": f"{type(error).__name__}: {error}"})
            return 1
        frames.send(server, {"ready": True})
        while (asked := frames.receive(server)) is not None:
            frames.send(server, *_answer(loaded, *asked))
    return 0


def _answer(loaded: handlers.Handlers, head: dict[str, str | None], body: bytes) -> tuple[dict[str, object], bytes]:
    try:
        answer = loaded.invoke(body, head["type"], head["accept"])
    except Refused as error:
        return {"status": error.status}, str(error).encode()
    except Exception as error:
        _print(error)
        status = getattr(error, "status_code", None)
        # An error of the user's code that names a status of its own keeps it, as in AWS's toolkits.
        code = status if isinstance(status, int) and 400 <= status < 600 else 500
        return {"status": code}, f"{type(error).__name__}: {error}".encode()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return {"status": 200, "type": answer.content_type}, answer.body


def _print(error: BaseException) -> None:
    """The stack is in the log, from the first line of the user's program on: what leads there is none of theirs. A
    program that is no Python has no such line; where the error is Clary's own, the whole stack is shown."""
    stack = error.__traceback__
    while stack is not None and stack.tb_frame.f_code.co_filename.startswith(_ABOVE):
        stack = stack.tb_next
    if stack is None and not isinstance(error, SyntaxError):
        stack = error.__traceback__
    traceback.print_exception(type(error), error, stack)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
