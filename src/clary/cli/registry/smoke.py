"""Smoke tests: requests from a file, or a command that looks for itself."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from clary.cli.registry.wire import Wire
from clary.cli.say import fail

MOST: Final = 1000
"""Requests that are sent of one file."""
SECONDS: Final = 600.0
_TYPES: Final = {".csv": "text/csv", ".jsonl": "application/json", ".json": "application/json"}


def tried(wire: Wire, endpoint: str, what: str) -> str:
    """What passed, in words. Ends the command when it did not."""
    path = Path(what)
    if path.is_file() and not os.access(path, os.X_OK):
        return _requests(wire, endpoint, path)
    return _command(wire, endpoint, what)


def _requests(wire: Wire, endpoint: str, path: Path) -> str:
    """Every line of a CSV or JSON lines file, or a JSON file as a whole, is answered with 200."""
    from botocore.exceptions import ClientError

    kind = _TYPES.get(path.suffix)
    if kind is None:
        fail(f"{path}: what is in it?", f"its name must end with one of {', '.join(_TYPES)}, or it must be a program")
    text = path.read_text(encoding="utf-8")
    bodies = [text] if path.suffix == ".json" else [line for line in text.splitlines() if line.strip()]
    if not bodies:
        fail(f"{path} holds no request, so it says nothing about the version")
    client = wire.client("sagemaker-runtime")
    for number, body in enumerate(bodies[:MOST], 1):
        try:
            client.invoke_endpoint(EndpointName=endpoint, ContentType=kind, Body=body.encode())["Body"].read()
        except ClientError as error:
            words = str(error.response.get("OriginalMessage") or error.response["Error"]["Message"]).replace("[", r"\[")
            fail(f"the smoke test failed: request {number} of {path} was answered with: {words}", "nothing was shifted")
    return f"{min(len(bodies), MOST):,} requests answered"


def _command(wire: Wire, endpoint: str, what: str) -> str:
    """The command, in a shell, with the server's variables and CLARY_ENDPOINT, ends with 0."""
    shell = shutil.which("sh") or "/bin/sh"
    environ = {**os.environ, **wire.variables, "CLARY_ENDPOINT": endpoint}
    try:
        done = subprocess.run([shell, "-c", what], env=environ, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        fail(f"the smoke test did not end within {SECONDS:.0f} s", "nothing was shifted")
    if done.returncode:
        fail(f"the smoke test failed: it ended with {done.returncode}", "nothing was shifted")
    return "the command ended with 0"
