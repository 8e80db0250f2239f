"""`clary console`: a link that signs in to the console, once."""

import time
import webbrowser
from pathlib import Path
from typing import Any

import orjson
import typer

from clary import home as homes
from clary.aws import signin
from clary.cli import environment
from clary.cli.say import err, fail, out
from clary.config import Config, read
from clary.program import program


def show(home: Path | None, user: str | None, browse: bool, json: bool) -> None:
    """A one-time link to the console of the server that runs on this home, for its owner or for one of its users."""
    config = read(home=home)
    server = homes.server(config)
    if server is None:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach")
    link = _of_user(config, home, user, server.url) if user else homes.sign_in_link(config, server.url)
    if json:
        typer.echo(orjson.dumps({"url": link, "seconds": signin.CODE_SECONDS}).decode())
        return
    out.print(link, markup=False, soft_wrap=True, highlight=False)
    err.print(f"It signs in once, within {signin.CODE_SECONDS // 60} minutes.")
    if browse and not webbrowser.open(link):
        err.print("[yellow]clary:[/yellow] there is no browser here to open it in")


def _of_user(config: Config, home: Path | None, name: str, url: str) -> str:
    from botocore.exceptions import ClientError

    _, found, _ = environment.of(home)
    iam: Any = environment.client("iam", found)
    try:
        user = iam.get_user(UserName=name)["User"]
    except ClientError as error:
        fail(error.response["Error"]["Message"], f"the users are: {program()} user list")
    ring = homes.read(config).ring
    return signin.link(url, signin.code(ring, user["Arn"], time.time(), user["UserId"]))
