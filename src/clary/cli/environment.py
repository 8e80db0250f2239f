"""The environment that makes an AWS client talk to this Clary."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import typer

from clary import home as homes
from clary.cli import sdk
from clary.cli.say import err, fail
from clary.config import Config, read
from clary.processes.trust import LOOPBACK
from clary.program import program

UNSET = (
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
"""Left over from another account, each of these would make a client sign with the wrong keys, or go elsewhere."""


def unset(environ: Mapping[str, str]) -> list[str]:
    """What must go: the names above, and every service's own endpoint, which would win over the one for all."""
    return [*UNSET, *sorted(name for name in environ if name.startswith("AWS_ENDPOINT_URL_"))]


def variables(config: Config, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What has to be set. Raises FileNotFoundError when the home was never made."""
    keys = homes.read(config).keys
    passed = [one for one in environ.get("NO_PROXY", environ.get("no_proxy", "")).split(",") if one]
    host = urlsplit(url).hostname or "127.0.0.1"
    no_proxy = ",".join(dict.fromkeys([*passed, *LOOPBACK, host]))
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_REGION": config.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A few operations (StartLiveTail) would go to `stream-<host>`, which is no name of this machine.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
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
    config, found, runs = of(home)
    found |= sdk.direct(config, os.environ)
    if json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(f"unset {' '.join(unset(os.environ))}")
        for name, value in found.items():
            typer.echo(f"export {name}={shlex.quote(value)}")
    if not runs:
        err.print(f"[yellow]clary:[/yellow] nothing runs on this home yet; start it with: {program()} up --detach")


def run(home: Path | None, command: list[str], role: str | None, proxy: bool) -> None:
    """Becomes the command: same process, same terminal, same exit code. Its proxy ends with it."""
    config, found, runs = of(home)
    if not runs:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach")
    if command and command[0] == "--":
        command = command[1:]
    if not command:
        fail("nothing to run", "name a program: clary run -- aws sagemaker list-training-jobs")
    if role is not None:
        found |= _keys_of(role, found)
    environ = dict(os.environ)
    if proxy:
        from clary.cli import intercept

        listener = intercept.listen()
        found |= intercept.variables(config, environ, listener.getsockname()[1]) | sdk.intercepted(config, environ)
        intercept.start(config, found["AWS_ENDPOINT_URL"], listener)
    else:
        found |= sdk.direct(config, os.environ)
    gone = set(unset(environ)) - found.keys()
    wanted = {name: value for name, value in environ.items() if name not in gone} | found
    try:
        os.execvpe(command[0], command, wanted)
    except FileNotFoundError:
        fail(f"there is no program called {command[0]!r} on the PATH", code=127)
    except PermissionError:
        fail(f"{command[0]!r} may not be run", code=126)


def _keys_of(role: str, found: Mapping[str, str]) -> dict[str, str]:
    """Keys of a session of the role, for as long as the role allows. Ends the command when there is no such role."""
    from botocore.exceptions import ClientError

    try:
        described = client("iam", found).get_role(RoleName=role)["Role"]
        session = client("sts", found).assume_role(
            RoleArn=described["Arn"],
            RoleSessionName="clary-run",
            DurationSeconds=described.get("MaxSessionDuration", 3600),
        )
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] == "NoSuchEntity":
            fail(f"there is no role {role}", f"look: {program()} run -- aws iam list-roles")
        fail(f"the role {role} cannot be assumed: {said['Message']}", "its trust policy must allow it to the root")
    keys = session["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def client(service: str, found: Mapping[str, str]) -> Any:
    """A boto3 client of the server that `found` names, whatever the caller's own AWS settings are."""
    import boto3
    from botocore.config import Config as Options

    return boto3.client(
        service,
        endpoint_url=found["AWS_ENDPOINT_URL"],
        region_name=found["AWS_REGION"],
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        config=Options(proxies={}, retries={"max_attempts": 1}, read_timeout=10, connect_timeout=5),
    )
