"""The environment that makes an AWS client talk to this Clary."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import orjson
import typer

from clary import home as homes
from clary.cli.say import err, fail
from clary.config import Config, read
from clary.program import program

UNSET = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Left over from another account, each of these would make a client sign with the wrong keys."""


def variables(config: Config, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What has to be set. Raises FileNotFoundError when the home was never made."""
    keys = homes.read(config).keys
    passed = [one for one in environ.get("NO_PROXY", environ.get("no_proxy", "")).split(",") if one]
    no_proxy = ",".join(dict.fromkeys([*passed, "127.0.0.1", "localhost"]))
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_REGION": config.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def of(home: Path | None) -> tuple[Config, dict[str, str], bool]:
    """(settings, variables, whether a server runs). Ends the command when there is no home."""
    config = read(home=home)
    server = homes.server(config)
    try:
        return config, variables(config, server.url if server else config.endpoint_url, os.environ), server is not None
    except FileNotFoundError:
        fail(f"there is no Clary in {config.home}", f"make one with: {program()} up --detach")


def show(home: Path | None, json: bool) -> None:
    _, found, runs = of(home)
    if json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(f"unset {' '.join(UNSET)}")
        for name, value in found.items():
            typer.echo(f"export {name}={shlex.quote(value)}")
    if not runs:
        err.print(f"[yellow]clary:[/yellow] nothing runs on this home yet; start it with: {program()} up --detach")


def run(home: Path | None, command: list[str]) -> None:
    """Becomes the command: same process, same terminal, same exit code."""
    config, found, runs = of(home)
    if not runs:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach")
    wanted = {name: value for name, value in os.environ.items() if name not in UNSET} | found
    if command and command[0] == "--":
        command = command[1:]
    if not command:
        fail("nothing to run", "name a program: clary run -- aws sagemaker list-training-jobs")
    try:
        os.execvpe(command[0], command, wanted)
    except FileNotFoundError:
        fail(f"there is no program called {command[0]!r} on the PATH", code=127)
    except PermissionError:
        fail(f"{command[0]!r} may not be run", code=126)
