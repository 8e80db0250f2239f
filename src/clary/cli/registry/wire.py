"""The server that the commands speak to, and as whom."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clary import home as homes
from clary.cli import environment
from clary.cli.say import fail
from clary.config import read
from clary.program import program


@dataclass(frozen=True)
class Wire:
    variables: Mapping[str, str]
    """As `clary env` says them: where, and with which keys."""
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client, made once."""
        if service not in self._clients:
            import boto3
            from botocore.config import Config

            keys = self.variables
            session = boto3.Session(
                keys["AWS_ACCESS_KEY_ID"],
                keys["AWS_SECRET_ACCESS_KEY"],
                keys.get("AWS_SESSION_TOKEN"),
                region_name=keys["AWS_REGION"],
            )
            options = Config(retries={"mode": "standard", "max_attempts": 5}, proxies={})
            self._clients[service] = session.client(service, endpoint_url=keys["AWS_ENDPOINT_URL"], config=options)
        return self._clients[service]


def connect(home: Path | None) -> Wire:
    """The home's server; the keys are those of this shell where it was set up for that server (`clary user env`), so
    that two persons are two; else root's. Ends the command when no server runs."""
    config = read(home=home)
    server = homes.server(config)
    theirs = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
    given = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    mine = {name: os.environ[name] for name in given if os.environ.get(name)}
    if len(mine) >= 2 and theirs and (server.url == theirs if server else home is None):
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or config.region
        return Wire({**mine, "AWS_ENDPOINT_URL": theirs, "AWS_REGION": region, "AWS_DEFAULT_REGION": region})
    if server is None:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach")
    _, found, _ = environment.of(home)
    return Wire(found)


@contextmanager
def refusals() -> Iterator[None]:
    """What the server refuses inside ends the command in the server's words."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        fail(error.response["Error"]["Message"].replace("[", r"\["))
    except BotoCoreError as error:
        fail(str(error).replace("[", r"\["))
