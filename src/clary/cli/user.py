"""`clary user`: people and programs of their own, each with keys and permissions. A client of IAM, like any other."""

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import orjson
import typer

from clary import home as homes
from clary.cli import environment, sdk
from clary.cli.say import err, fail, out
from clary.config import Config
from clary.program import program

_OF_AWS = "arn:aws:iam::aws:policy/"


def add(home: Path | None, name: str, policies: list[str], groups: list[str], path: str, json: bool) -> None:
    """There is a user of that name with one key, the policies and the groups. What cannot be had whole is not left
    half."""
    config, found, iam = _wire(home)
    documents = {Path(one).stem: _document(Path(one)) for one in policies if _is_file(one)}
    arns = [_arn(one) for one in policies if not _is_file(one)]
    with _said():
        iam.create_user(UserName=name, Path=path)
    try:
        for arn in arns:
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        for title, text in documents.items():
            iam.put_user_policy(UserName=name, PolicyName=title, PolicyDocument=text)
        for group in groups:
            iam.add_user_to_group(UserName=name, GroupName=group)
        key = iam.create_access_key(UserName=name)["AccessKey"]
    except Exception as error:
        _take_back(iam, name)
        _refused(error)
    for arn in arns:
        _warn_of_empty(iam, arn)
    if not policies and not groups:
        err.print(f"[yellow]clary:[/yellow] {name} may do nothing yet; --policy and --group allow something")
    _print_key(config, found, key, json)


def show(home: Path | None, json: bool) -> None:
    """Every user with its groups, policies and keys."""
    _, _, iam = _wire(home)
    with _said():
        told = [_told(iam, user) for user in _all(iam, "list_users", "Users")]
    if json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    if not told:
        err.print(f"there are no users; make one with: {program()} user add NAME --policy AmazonSageMakerFullAccess")
    for one in told:
        out.print(f"[bold]{one['UserName']}[/bold]  {one['Arn']}")
        for label, items in (
            ("groups", one["Groups"]),
            ("policies", [*one["AttachedPolicies"], *one["InlinePolicies"]]),
            ("keys", [f"{key['AccessKeyId']} ({key['Status']})" for key in one["AccessKeys"]]),
        ):
            out.print(f"  {label:<9}{', '.join(items) or '-'}", markup=False)


def keys(home: Path | None, name: str, rotate: bool, json: bool) -> None:
    """The user's keys are told; with `rotate` it has one new key, and no other signs any more."""
    config, found, iam = _wire(home)
    with _said():
        held = _all(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)
        if not rotate:
            _print_keys(iam, held, json)
            return
        # A user has two keys at most. Of two the older goes first, so the one in use signs until the new one is there.
        held.sort(key=lambda key: (key["Status"] == "Active", key["CreateDate"]))
        while len(held) > 1:
            iam.delete_access_key(UserName=name, AccessKeyId=held.pop(0)["AccessKeyId"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        for old in held:
            iam.delete_access_key(UserName=name, AccessKeyId=old["AccessKeyId"])
    _print_key(config, found, key, json)


def env(home: Path | None, name: str, json: bool) -> None:
    """The variables that make any AWS client act as the user. The owner of the home can derive the secret of every
    key."""
    config, found, iam = _wire(home)
    with _said():
        held = _all(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)
    active = [key["AccessKeyId"] for key in held if key["Status"] == "Active"]
    if not active:
        fail(f"{name} has no active key", f"make one with: {program()} user keys {shlex.quote(name)} --rotate")
    secret = homes.read(config).user_secret(active[0])
    _print_key(config, found, {"AccessKeyId": active[0], "SecretAccessKey": secret, "UserName": name}, json)


def remove(home: Path | None, name: str) -> None:
    """The user is gone, with its keys, its inline policies and its place in groups."""
    _, _, iam = _wire(home)
    with _said():
        iam.get_user(UserName=name)
        _strip(iam, name)
        iam.delete_user(UserName=name)
    out.print(f"{name} is gone; its keys are refused from now on", markup=False)


def _wire(home: Path | None) -> tuple[Config, dict[str, str], Any]:
    """Settings, the variables of root, and a client of IAM. Ends the command when no server runs."""
    config, found, runs = environment.of(home)
    if not runs:
        fail(f"no Clary runs on {config.home}", f"start it with: {program()} up --detach")
    import boto3
    from botocore.config import Config as Settings

    session = boto3.Session(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], region_name=found["AWS_REGION"])
    settings = Settings(retries={"mode": "standard", "max_attempts": 5}, proxies={})
    return config, found, session.client("iam", endpoint_url=found["AWS_ENDPOINT_URL"], config=settings)


@contextmanager
def _said() -> Iterator[None]:
    """A refusal inside ends the command in its own words."""
    try:
        yield
    except Exception as error:
        _refused(error)


def _refused(error: Exception) -> NoReturn:
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    if isinstance(error, ClientError):
        said = error.response["Error"]
        fail(said["Message"], _next_step(said["Code"], said["Message"]))
    if isinstance(error, ParamValidationError | BotoCoreError):
        fail(str(error))
    raise error


def _next_step(code: str, message: str) -> str:
    if code == "NoSuchEntity" and "group" in message:
        return f"make the group with: {program()} run -- aws iam create-group --group-name NAME"
    if code == "EntityAlreadyExists":
        return f"a new key for it: {program()} user keys NAME --rotate"
    if code == "NoSuchEntity" and "user" in message:
        return f"who there is: {program()} user list"
    return ""


def _all(iam: Any, operation: str, member: str, **given: str) -> list[Any]:
    pages = iam.get_paginator(operation).paginate(**given)
    return [one for page in pages for one in page[member]]


def _told(iam: Any, user: Any) -> dict[str, Any]:
    name = user["UserName"]
    attached = _all(iam, "list_attached_user_policies", "AttachedPolicies", UserName=name)
    held = _all(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)
    return {
        "UserName": name,
        "Arn": user["Arn"],
        "Groups": [one["GroupName"] for one in _all(iam, "list_groups_for_user", "Groups", UserName=name)],
        "AttachedPolicies": [one["PolicyArn"] for one in attached],
        "InlinePolicies": _all(iam, "list_user_policies", "PolicyNames", UserName=name),
        "AccessKeys": [{"AccessKeyId": one["AccessKeyId"], "Status": one["Status"]} for one in held],
    }


def _strip(iam: Any, name: str) -> None:
    """Nothing hangs on the user any more. May be interrupted and repeated."""
    steps: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
        (
            "list_access_keys",
            "AccessKeyMetadata",
            lambda one: iam.delete_access_key(UserName=name, AccessKeyId=one["AccessKeyId"]),
        ),
        (
            "list_groups_for_user",
            "Groups",
            lambda one: iam.remove_user_from_group(UserName=name, GroupName=one["GroupName"]),
        ),
        (
            "list_attached_user_policies",
            "AttachedPolicies",
            lambda one: iam.detach_user_policy(UserName=name, PolicyArn=one["PolicyArn"]),
        ),
        ("list_user_policies", "PolicyNames", lambda one: iam.delete_user_policy(UserName=name, PolicyName=one)),
    )
    for operation, member, undo in steps:
        for one in _all(iam, operation, member, UserName=name):
            undo(one)


def _take_back(iam: Any, name: str) -> None:
    """The user is gone again; what keeps it from going is said, beside the failure that matters."""
    try:
        _strip(iam, name)
        iam.delete_user(UserName=name)
    except Exception as error:
        err.print(f"[yellow]clary:[/yellow] the user {name} is left half made: {error}")


def _is_file(policy: str) -> bool:
    return not policy.startswith("arn:") and (policy.endswith(".json") or Path(policy).is_file())


def _document(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"the policy {path} cannot be read: {error}")


def _arn(policy: str) -> str:
    """A name alone is one of AWS's policies."""
    return policy if policy.startswith("arn:") else _OF_AWS + policy


def _warn_of_empty(iam: Any, arn: str) -> None:
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException:
        err.print(f"[yellow]clary:[/yellow] Clary has no document for {arn}: it is attached, and grants nothing")


def _print_keys(iam: Any, held: list[Any], json: bool) -> None:
    for key in held:
        key["LastUsed"] = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    if json:
        typer.echo(orjson.dumps(held, option=orjson.OPT_INDENT_2).decode())
        return
    for key in held:
        used = key["LastUsed"].get("LastUsedDate")
        when = f"last used {used:%Y-%m-%d %H:%M} for {key['LastUsed']['ServiceName']}" if used else "never used"
        out.print(f"{key['AccessKeyId']}  {key['Status']:<8}  {when}", markup=False)


def _print_key(config: Config, found: dict[str, str], key: Any, json: bool) -> None:
    if json:
        told = {name: key[name] for name in ("UserName", "AccessKeyId", "SecretAccessKey")}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    wanted = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    typer.echo(f"unset {' '.join(environment.unset(os.environ))}")
    for name, value in (found | sdk.direct(config, os.environ) | wanted).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
