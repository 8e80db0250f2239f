"""Why a script failed, in one paragraph: the error, and the line of the script it came from."""

import linecache
import re
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clary.algorithms.contract import FAILURE_LIMIT

_OUT_OF_HEAP = (3, 52)
"""Exit codes of a Java process that ran out of memory: by -XX:+ExitOnOutOfMemoryError, and by Spark itself."""
_LAST = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?([A-Za-z_]\w*(?:Error|Exception|Warning|Exit|Interrupt)?)\b(?::.*)?$")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')


def explained(error: BaseException, paths: Sequence[str], java_code: int | None, memory: str) -> str:
    """`paths`: where the job's own code lies; `java_code`: how Spark's Java process ended, None: it runs; `memory`:
    of its heap."""
    what, worker = _what(error, java_code, memory)
    where = worker or _where(error, paths)
    text = f"{what}, {where}" if where else what
    return text if len(text) <= FAILURE_LIMIT else text[: FAILURE_LIMIT - 3] + "..."


def _what(error: BaseException, java_code: int | None, memory: str) -> tuple[str, str]:
    """(the error in one sentence, where it was when that is known from elsewhere than its traceback)."""
    if java_code is not None and lost_java(error):
        if java_code in _OUT_OF_HEAP:
            return _heap(memory), ""
        return f"Spark's Java process ended with exit code {java_code}", ""
    for words in (_files(error), _java(error, memory)):
        if words is not None:
            return words, ""
    kind, message = type(error).__name__, _one_line(str(error))
    if isinstance(error, SyntaxError):
        message = _one_line(error.msg)
    elif _of_pyspark(error):
        message, where = _captured(str(error))
        if where or "OutOfMemoryError" in message:
            return (_heap(memory) if "OutOfMemoryError" in message else message), where
        kind = kind.removeprefix("Captured")
    return f"{kind}: {message}" if message else kind, ""


def _where(error: BaseException, paths: Sequence[str]) -> str:
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _place(error.filename, error.lineno, error.text)
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if _own(one.filename, paths)]
    if not own:
        return ""
    return _place(own[-1].filename, own[-1].lineno or 0, own[-1].line)


def _place(file: str, number: int, text: str | None) -> str:
    line = (text or linecache.getline(file, number)).strip()
    return f"line {number} of {Path(file).name}" + (f": {line}" if line else "")


def _own(file: str, paths: Sequence[str]) -> bool:
    return any(file == one or file.startswith(one.rstrip("/") + "/") for one in paths)


def _files(error: BaseException) -> str | None:
    """What the file systems know to say of it."""
    from clary.algorithms.etl import files

    return files.explained(error)


def _java(error: BaseException, memory: str) -> str | None:
    """A Java error's root, in a sentence; None: it is none."""
    thrown = getattr(error, "java_exception", None)
    if thrown is None:
        return None
    root, seen = thrown, 0
    while (cause := root.getCause()) is not None and seen < 50:
        root, seen = cause, seen + 1
    kind = str(root.getClass().getName())
    if kind.endswith("OutOfMemoryError"):
        return _heap(memory)
    message = _root_in_words(str(root.getMessage() or ""))
    kind = kind.rpartition(".")[2]
    return f"{kind}: {message}" if message else kind


def _root_in_words(message: str) -> str:
    """Of a failed stage Spark keeps only the text of what failed in it: "... most recent failure: Lost task 0.0 in
    stage 1.0 (TID 1) (host executor driver): class: message"."""
    lost = re.search(r"most recent failure: Lost task [^:]*: (.*)", message)
    return _one_line((lost[1] if lost else _first_line(message)).strip())


def _captured(message: str) -> tuple[str, str]:
    """Of an error that PySpark has read from Java: (its sentence, the line of Python that a worker failed at)."""
    frames, last = [], ""
    if "Traceback (most recent call last)" in message:
        for line in message.splitlines():
            frame = _FRAME.match(line)
            if frame and not re.search(r"/pyspark(\.zip)?/", frame["file"]):
                frames.append((frame["file"], int(frame["line"])))
            elif line and not line[0].isspace() and _LAST.match(line) and frames and not last:
                last = line
        if last and frames:
            return _one_line(last), _place(*frames[-1], None)
    return _one_line(_first_line(message)), ""


def _first_line(message: str) -> str:
    lines = [line for line in message.strip().splitlines() if line.strip()]
    kept: list[str] = []
    for line in lines:
        if line.lstrip().startswith(("at ", "JVM stacktrace", "== ", "'", "+-")) or line.startswith("\t"):
            break
        kept.append(line.strip())
        if "SQLSTATE" in line or line.rstrip().endswith((".", ";")):
            break
    return re.sub(r";?\s*line \d+ pos \d+;?$", "", " ".join(kept or lines[:1])).strip().rstrip(";")


def _of_pyspark(error: BaseException) -> bool:
    return any(one.__module__.startswith("pyspark.errors") for one in type(error).__mro__)


def lost_java(error: BaseException) -> bool:
    """PySpark could not talk to Java: whatever it says, that is why."""
    chain: Any = error
    while chain is not None:
        if type(chain).__module__.startswith("py4j") or isinstance(chain, (ConnectionError, EOFError)):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def _heap(memory: str) -> str:
    return (
        f"OutOfMemoryError: Spark's Java heap of {memory} is full. Let the job hold less at a time, or give Spark more:"
        " the setting CLARY_SPARK_MEMORY, or --conf spark.driver.memory=..."
    )


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
