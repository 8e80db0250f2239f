"""The script, run as `python script.py` would run it, and how that ended."""

import atexit
import linecache
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType, ModuleType

from clary.algorithms.etl import places
from clary.algorithms.etl.told import Told, workplace


class Stopped(BaseException):
    """SIGTERM: the script's `finally` blocks run, and nothing else of it."""


def run(told: Told) -> BaseException | None:
    """The script has run to its end: None, or what it ended with (SystemExit, Stopped, an error)."""
    os.chdir(workplace())
    places.lay(told.extra_files, workplace())
    sys.argv[:] = [str(told.script), *told.argv]
    sys.path[:0] = [one for one in told.paths if one not in sys.path]
    module = ModuleType("__main__")
    module.__file__ = str(told.script)
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    try:
        code = compile(told.script.read_bytes(), str(told.script), "exec")
        exec(code, module.__dict__)
        for one in threading.enumerate():
            if one is not threading.main_thread() and one is not threading.current_thread() and not one.daemon:
                one.join()
    except BaseException as error:
        return error
    return None


def listen(stopping: Callable[[], None]) -> None:
    """SIGTERM ends the script from now on; `stopping` is called first. Asked again, nothing more happens."""

    def heard(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stopping()
        raise Stopped

    signal.signal(signal.SIGTERM, heard)


def finish() -> None:
    """What the script had asked to be done at its exit is done, and what it printed is written."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed by the script, or its reader is gone: nobody is left to tell
            stream.flush()


def show(error: BaseException, told: Told) -> None:
    """The traceback on stderr, as Python prints it, without our own frames."""
    linecache.checkcache()
    here = str(Path(__file__).parent)
    packages = str(Path(__file__).parent / "packages")
    found = error.__traceback__
    while found is not None:
        file = found.tb_frame.f_code.co_filename
        if not file.startswith(here) or file.startswith(packages):
            break
        found = found.tb_next
    traceback.print_exception(type(error), error, found)
    sys.stderr.flush()
