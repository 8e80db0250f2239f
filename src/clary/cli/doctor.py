"""`clary doctor`: what this machine has, what it lacks, and how to mend it."""

import importlib.util
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson
import typer

from clary import home as homes
from clary.cli.say import out
from clary.config import Config, read

Verdict = Literal["ok", "warn", "fail"]
MARKS: dict[Verdict, str] = {"ok": "[green]✓[/green]", "warn": "[yellow]![/yellow]", "fail": "[red]✗[/red]"}
DISK_WARN_BYTES = 5 * 10**9
DISK_FAIL_BYTES = 200 * 10**6


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    found: str
    mend: str = ""


def show(home: Path | None, json: bool) -> None:
    """Every check has run and its finding is printed. Exit code 1: something must be mended before Clary works."""
    config = read(home=home)
    findings = [found for check in CHECKS for found in check(config)]
    if json:
        typer.echo(orjson.dumps([asdict(one) for one in findings], option=orjson.OPT_INDENT_2).decode())
    else:
        for one in findings:
            out.print(f"{MARKS[one.verdict]} [bold]{one.check:<18}[/bold] {one.found}")
            if one.mend:
                out.print(f"  {'':<18} {one.mend}", style="dim", markup=False)
    if any(one.verdict == "fail" for one in findings):
        raise typer.Exit(1)


def _python(config: Config) -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("python", "ok", f"{version} on {platform.system()} {platform.machine()}")
    if sys.platform != "linux":
        yield Finding("system", "warn", sys.platform, "jobs are isolated on Linux only; here they are plain processes")


def _home(config: Config) -> Iterator[Finding]:
    if not config.credentials_file.exists():
        yield Finding("home", "ok", f"{config.home} (made by the first `clary up`)")
        return
    mode = config.credentials_file.stat().st_mode & 0o077
    if mode:
        yield Finding(
            "home", "fail", f"{config.credentials_file} can be read by others", f"chmod 600 {config.credentials_file}"
        )
    else:
        yield Finding("home", "ok", f"{config.home}, account {homes.read(config).account}")


def _disk(config: Config) -> Iterator[Finding]:
    place = next(one for one in (config.home, *config.home.parents) if one.exists())
    free = shutil.disk_usage(place).free
    words = f"{free / 1e9:.1f} GB free under {place}"
    if free < DISK_FAIL_BYTES:
        yield Finding("disk", "fail", words, "free some space, or name another disk with --home")
    elif free < DISK_WARN_BYTES:
        yield Finding("disk", "warn", words, "objects, logs and model archives live there; --home names another disk")
    else:
        yield Finding("disk", "ok", words)


def _port(config: Config) -> Iterator[Finding]:
    running = homes.server(config)
    if running:
        yield Finding("port", "ok", f"Clary answers at {running.url} (pid {running.pid})")
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            yield Finding(
                "port", "fail", f"{config.host}:{config.port}: {error.strerror}", "clary up --port N names another"
            )
            return
    yield Finding("port", "ok", f"{config.host}:{config.port} is free")


def _memory(config: Config) -> Iterator[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    words = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free, {psutil.cpu_count()} CPUs"
    low = memory.available < 10**9
    yield Finding("memory", "warn" if low else "ok", words, "jobs and model servers need more than 1 GB" if low else "")


def _sandbox(config: Config) -> Iterator[Finding]:
    from clary.engines.runners.process import probe

    found = probe()
    if found.sandbox == "bubblewrap":
        yield Finding("sandbox", "ok", found.detail)
    else:
        yield Finding("sandbox", "warn", found.detail, found.mend)


def _containers(config: Config) -> Iterator[Finding]:
    from clary.engines.runners.container.engine import Missing, find

    found = find(config.container_engine)
    if isinstance(found, Missing):
        yield Finding("containers", "warn", f"your own images cannot run: {found.why}", found.mend)
        return
    lacks = [] if found.limits else ["it bounds neither memory nor processors: give it control groups"]
    if not found.ours:
        lacks.append("containers run as your user, not as the image's: an engine without root would be better")
    yield Finding("containers", "warn" if lacks else "ok", found.describe(), "; ".join(lacks))


def _algorithms(config: Config) -> Iterator[Finding]:
    wanted = {"xgboost": "xgboost-cpu", "sklearn": "scikit-learn", "pandas": "pandas", "pyarrow": "pyarrow"}
    lacking = [package for module, package in wanted.items() if importlib.util.find_spec(module) is None]
    if lacking:
        yield Finding("algorithms", "warn", f"not installed: {', '.join(lacking)}", "pip install 'clary[algorithms]'")
    else:
        yield Finding("algorithms", "ok", "xgboost, scikit-learn, pandas and pyarrow are installed")
    if importlib.util.find_spec("torch") is None:
        yield Finding(
            "pytorch", "warn", "optional, not installed: jobs of the PyTorch images fail", "pip install 'clary[torch]'"
        )
    else:
        yield Finding("pytorch", "ok", "optional, installed")


def _spark(config: Config) -> Iterator[Finding]:
    from clary.engines.spark.found import JAVA_MEND, OLDEST, PYSPARK_MEND, java, release

    found = java()
    version = None if found is None else release(found)
    if found is None:
        yield Finding("java", "warn", "optional, not found: Glue's Spark jobs fail", JAVA_MEND)
    elif version is not None and version < OLDEST:
        words = f"optional, {found} is Java {version}, and Spark needs {OLDEST} or newer: Glue's Spark jobs fail"
        yield Finding("java", "warn", words, JAVA_MEND)
    else:
        yield Finding("java", "ok", f"optional, Java {version or 'of an unknown version'} at {found}")
    if importlib.util.find_spec("pyspark") is None:
        yield Finding("spark", "warn", "optional, not installed: Glue's Spark jobs fail", PYSPARK_MEND)
    else:
        yield Finding("spark", "ok", "optional, PySpark is installed")


def _optional(config: Config) -> Iterator[Finding]:
    wanted = (("git", ("git",), "source control will need git: apt-get install git"),)
    for name, programs, mend in wanted:
        found = [path for path in map(shutil.which, programs) if path]
        if found:
            yield Finding(name, "ok", f"optional, found {', '.join(found)}")
        else:
            yield Finding(name, "warn", "optional, not found", mend)


CHECKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    _python,
    _home,
    _disk,
    _port,
    _memory,
    _sandbox,
    _containers,
    _algorithms,
    _spark,
    _optional,
)
