"""One run of a user's program: its lines go to the log as they come, and its end becomes the job's."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from clary.algorithms.contract import FAILURE_LIMIT, AlgorithmError, ClientError, Contract, say
from clary.algorithms.toolkit import packages, script
from clary.algorithms.toolkit.framework import Framework

_TAIL_BYTES: Final = 16 * 1024
_LONGEST_COMMAND: Final = 250
_MASTER_PORT: Final = "7777"


def main(framework: Framework, environ: Mapping[str, str]) -> int:
    """The program has run; the exit code of the job. Where it is not 0, output/failure says why."""
    contract = Contract.read(environ)
    try:
        framework.check(environ)
        wanted = script.read(contract, environ, torch=framework.distributed)
        words = wanted.command(contract)
        env = dict(environ) | packages.missing(contract, wanted.requirements, environ)
    except (ClientError, AlgorithmError) as error:
        reason = f"{type(error).__name__}: {error}"
        say(reason, level="ERROR")
        contract.fail(reason)
        return 1
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(wanted.folder), env.get("PYTHONPATH"))))
    if framework.distributed:
        env.setdefault("MASTER_ADDR", min(contract.hosts()))
        env.setdefault("MASTER_PORT", _MASTER_PORT)
        env.setdefault("GLOO_SOCKET_IFNAME", "lo")
    shown = _shown(words)
    say(f"Invoking script with the following command: {shown}")
    code, last = run(words, wanted.folder, env)
    if code == 0:
        say("Reporting training SUCCESS")
        return 0
    say(f"Reporting training FAILURE: exit code {code}", level="ERROR")
    contract.fail(_reason(code, last, shown))
    return code


def run(words: Sequence[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """(exit code, the last of what it wrote to stderr). SIGTERM is handed on to the program, which then has the job's
    grace to end by itself."""
    try:
        child = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        return 127, f"{words[0]}: {error.strerror}"
    assert child.stderr is not None

    def hand_on(signum: int, frame: FrameType | None) -> None:
        child.send_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, hand_on)
    said = bytearray()
    # What is left to a background process of the program may keep the pipe open: the program's own end counts.
    reader = threading.Thread(target=_copy, args=(child.stderr.fileno(), said), daemon=True)
    reader.start()
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    reader.join(2.0)
    return (128 - code if code < 0 else code), bytes(said).decode("utf-8", "replace")


def _copy(descriptor: int, said: bytearray) -> None:
    """All that comes goes to our stderr at once; the last of it is kept."""
    while data := os.read(descriptor, 65536):
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
        said += data
        del said[:-_TAIL_BYTES]


def _reason(code: int, said: str, command: str) -> str:
    """AWS's own form, cut so that the end of the stack is in it."""
    words = command if len(command) <= _LONGEST_COMMAND else f"{command[:_LONGEST_COMMAND]}..."
    form = 'ExecuteUserScriptError:\nExitCode {}\nErrorMessage "{}"\nCommand "{}"'
    room = FAILURE_LIMIT - len(form.format(code, "", words)) - 40
    return form.format(code, _message(said)[-room:], words)


def _message(said: str) -> str:
    """The last stack in what was said, else its last lines."""
    at = said.rfind("Traceback (most recent call last):")
    text = said[at:] if at >= 0 else "\n".join(said.strip().splitlines()[-10:])
    # Progress bars and warnings may follow a stack; a stack ends with the first line behind it that is not indented.
    lines = text.strip().splitlines()
    for number, line in enumerate(lines[1:], 1):
        if at >= 0 and line and not line[0].isspace():
            return "\n".join(lines[: number + 1])
    return "\n".join(lines)


def _shown(words: Sequence[str]) -> str:
    """The command for people: the Python without its place on this machine."""
    first = Path(words[0]).name if words[0] == sys.executable else words[0]
    return shlex.join([first, *words[1:]])
