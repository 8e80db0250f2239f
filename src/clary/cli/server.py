"""`clary up`, `down` and `status`: the life of one server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import typer

from clary import home as homes
from clary.cli import environment
from clary.cli.say import err, fail, out
from clary.config import Config, read
from clary.processes import supervisor
from clary.program import program

START_SECONDS = 30.0
STOP_SECONDS = 45.0


def up(home: Path | None, host: str | None, port: int | None, detach: bool) -> None:
    config = _settings(home, host, port)
    if not detach:
        sys.exit(supervisor.main(["--home", str(config.home), "--host", config.host, "--port", str(config.port)]))
    started = start(config)
    out.print(f"Clary is ready at [bold]{started.url}[/bold] (pid {started.pid}, home {config.home})")
    link = homes.sign_in_link(config, started.url)
    out.print(f"Console, signed in once within 10 minutes: {link}", markup=False, soft_wrap=True, highlight=False)


def _settings(home: Path | None, host: str | None, port: int | None) -> Config:
    try:
        return read(home=home, host=host, port=port)
    except ValueError as error:
        fail(str(error))


def start(config: Config, settings: Mapping[str, str] | None = None) -> homes.Server:
    """A supervisor runs in its own session, and is ready. `settings`: variables that it gets unless they are set."""
    command = [sys.executable, "-m", "clary.processes.supervisor", "--home", str(config.home)]
    command += ["--host", config.host, "--port", str(config.port), "--no-link"]
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (config.home / "up.log").open("wb") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env={**(settings or {}), **os.environ},
        )
    deadline = time.monotonic() + START_SECONDS
    with err.status("starting Clary ..."):
        while time.monotonic() < deadline:
            server = homes.server(config)
            if server is not None and server.pid == process.pid:
                return server
            if process.poll() is not None:
                break
            time.sleep(0.02)
    words = (config.home / "up.log").read_text(errors="replace").strip()
    if process.poll() is None:
        process.terminate()
        fail(f"it was not ready within {START_SECONDS:.0f} s", f"look into {config.server_log}")
    fail(words.removeprefix("clary: ") or "it ended at once", f"more in {config.server_log}")


def down(home: Path | None, jobs: bool) -> None:
    config = _settings(home, None, None)
    server = homes.server(config)
    if server is None:
        fail(f"no Clary runs on {config.home}", "nothing to do", code=0)
    left = _running_jobs(home, stop=jobs)
    stop(config, server)
    out.print("Clary has stopped.")
    if left and not jobs:
        out.print(f"Still running: {', '.join(left)}. The next `clary up` on this home takes them up again.")


def stop(config: Config, server: homes.Server) -> None:
    """The server has finished what it had begun, and is gone."""
    os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    with err.status("stopping Clary, letting requests finish ..."):
        while homes.running(config):
            if time.monotonic() > deadline:
                fail(f"pid {server.pid} has not ended within {STOP_SECONDS:.0f} s", f"kill it: kill -9 {server.pid}")
            time.sleep(0.02)


JOBS = (("training", "TrainingJob"), ("processing", "ProcessingJob"), ("transform", "TransformJob"))


def _client(home: Path | None, service: str) -> Any:
    """A boto3 client of the server on this home, whatever the caller's own AWS settings are."""
    _, found, _ = environment.of(home)
    return environment.client(service, found)


def _running_jobs(home: Path | None, stop: bool) -> list[str]:
    """The names of the jobs that run now; with `stop`, each has been asked to stop."""
    client = _client(home, "sagemaker")
    names = []
    for word, family in JOBS:
        listed = client.get_paginator(f"list_{word}_jobs").paginate(StatusEquals="InProgress")
        for page in listed:
            for one in page[f"{family}Summaries"]:
                name = one[f"{family}Name"]
                names.append(f"{word} job {name}")
                if stop:
                    getattr(client, f"stop_{word}_job")(**{f"{family}Name": name})
    return names


def status(home: Path | None, json: bool) -> None:
    config = _settings(home, None, None)
    server = homes.server(config)
    if server is None:
        if json:
            typer.echo(orjson.dumps({"running": False, "home": str(config.home)}).decode())
        else:
            out.print(f"Not running (home {config.home}). Start it with: {program()} up --detach")
        raise typer.Exit(3)
    client = _client(home, "sagemaker")
    endpoints = [e for page in client.get_paginator("list_endpoints").paginate() for e in page["Endpoints"]]
    found: dict[str, Any] = {
        "running": True,
        "home": str(config.home),
        "url": server.url,
        "pid": server.pid,
        "version": server.version,
        "up_seconds": round(time.time() - server.started, 1),
        "memory_mb": _memory_mb(server.pid),
        "jobs_running": _running_jobs(home, stop=False),
        "endpoints": {one["EndpointName"]: one["EndpointStatus"] for one in endpoints},
    }
    if json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    out.print(f"Clary {server.version} runs at [bold]{server.url}[/bold] (pid {server.pid}, home {config.home})")
    out.print(f"  up {found['up_seconds']:.0f} s, {found['memory_mb']:.0f} MB without jobs and model servers")
    for title, lines in (
        ("jobs running", found["jobs_running"]),
        ("endpoints", [f"{name}: {state}" for name, state in found["endpoints"].items()]),
    ):
        out.print(f"  {title}: {', '.join(lines) if lines else 'none'}", markup=False)


def _memory_mb(pid: int) -> float:
    """Proportional set size of the supervisor and its children, in MB: shared pages are counted once."""
    import psutil

    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    total = 0
    for one in family:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return round(total / 1e6, 1)
