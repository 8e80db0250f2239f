"""The home of one Clary: its directories, its account and the keys that its owner signs with."""

import base64
import fcntl
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from clary.aws import signin
from clary.aws.credentials import HomeKeyRing, Keys, UserKeys, user_secret
from clary.config import Config
from clary.kernel import ids


@dataclass(frozen=True, slots=True)
class Home:
    """What the first start wrote down, and every later start reads."""

    account: str
    keys: Keys
    master: bytes
    made: float
    """When the account began: epoch seconds."""

    @property
    def ring(self) -> HomeKeyRing:
        return HomeKeyRing(self.keys, self.account, self.master)

    def ring_with(self, users: UserKeys) -> HomeKeyRing:
        """The ring that also knows the keys of users."""
        return HomeKeyRing(self.keys, self.account, self.master, users)

    def user_secret(self, access_key_id: str) -> str:
        """The secret of a user's access key."""
        return user_secret(self.master, access_key_id)


def sign_in_link(config: Config, url: str) -> str:
    """A link that signs the owner of this home in to its console, once. `url`: the server's."""
    owner = read(config)
    return signin.link(url, signin.code(owner.ring, f"arn:aws:iam::{owner.account}:root", time.time()))


def make(config: Config) -> Home:
    """The home exists, readable by its owner only; made now unless it was there. May be interrupted
    and repeated."""
    for directory in (
        config.home,
        config.state_file.parent,
        config.objects_dir,
        config.runs_dir,
        config.logs_dir,
        config.serving_dir,
    ):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not config.credentials_file.exists():
        _write_credentials(config.credentials_file)
    return read(config)


def read(config: Config) -> Home:
    """Raises FileNotFoundError when `clary up` never made this home."""
    said = orjson.loads(config.credentials_file.read_bytes())
    keys = Keys(said["AccessKeyId"], said["SecretAccessKey"])
    # Written once and never again, so its time is the home's.
    made = config.credentials_file.stat().st_mtime
    return Home(said["AccountId"], keys, base64.b64decode(said["MasterKey"]), made)


def _write_credentials(path: Path) -> None:
    text = orjson.dumps(
        {
            "AccountId": ids.account(),
            "AccessKeyId": "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(),
            "SecretAccessKey": base64.b64encode(secrets.token_bytes(30)).decode(),
            "MasterKey": base64.b64encode(secrets.token_bytes(32)).decode(),
        },
        option=orjson.OPT_INDENT_2,
    )
    write_private(path, text)


def write_private(path: Path, text: bytes) -> None:
    """The file holds `text`, whole, after any crash, and only its owner reads it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    scratch.rename(path)


class HomeInUse(Exception):
    """Another Clary runs on this home."""


def lock(config: Config) -> int:
    """This process owns the home until it ends, however it ends. Answers the descriptor that carries the lock
    (closed on exec, so no child can hold it on). Raises HomeInUse."""
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(config.home / "clary.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise HomeInUse(str(config.home)) from None
    return descriptor


def running(config: Config) -> bool:
    """True: a supervisor holds the lock of this home now (observed, not read from a pid file)."""
    path = config.home / "clary.lock"
    if not path.exists():
        return False
    try:
        os.close(lock(config))
    except HomeInUse:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Server:
    """What the running supervisor wrote of itself."""

    pid: int
    url: str
    started: float
    version: str


def server(config: Config) -> Server | None:
    """The Clary that runs on this home; None when none does."""
    if not running(config):
        return None
    try:
        return Server(**orjson.loads(config.server_file.read_bytes()))
    except FileNotFoundError:
        return None  # it is starting, or ending
