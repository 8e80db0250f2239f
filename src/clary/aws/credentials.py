"""Who may call: the root key of the home, and session keys that are proven by arithmetic, not by a look-up.

A session's secret and claims are derived from the home's master key, so any process that holds the master key can
verify a request, and nothing has to be stored, replicated or revoked on expiry.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Literal, Protocol

import orjson


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling."""

    account: str
    arn: str
    user_id: str
    kind: Literal["root", "user", "assumed-role", "federated-user", "service", "anonymous"]
    issued: float | None = None
    """When the session began (epoch seconds); None for long-lived keys."""
    tags: tuple[tuple[str, str], ...] = ()
    """Session tags: (key, value)."""
    policies: tuple[str, ...] | None = None
    """Session policies: documents (JSON) that bound what the session may do; None: nothing bounds it."""
    policy_arns: tuple[str, ...] = ()
    """Session policies by the ARN of a managed policy; bound the session together with `policies`."""
    issuer: str = ""
    """Of a federated user: the ARN of the user (or root) whose permissions the session shares."""
    transitive: tuple[str, ...] = ()
    """Keys of those tags that go on to the sessions that this one opens."""
    via: Literal["", "signin"] = ""
    """How a session of a root or user began: "signin" may all that its owner may, as in AWS's own console."""


ANONYMOUS = Principal("", "", "anonymous", "anonymous")
"""Who sent an unsigned request. Only policies that resources carry can allow it anything."""


def service_principal(account: str, name: str) -> Principal:
    """An AWS service of this account, for example "events.amazonaws.com", that acts by itself: only policies that
    resources carry can allow it anything."""
    return Principal(account, name, name, "service")


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client signs with. `expires` is epoch seconds; None never."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the verifier needs of an access key."""

    secret_access_key: str
    principal: Principal
    expires: float | None = None


_MOST_PROVEN = 1024


class BadSessionToken(Exception):
    """The token was not made by this home, or belongs to another key."""


class UserKeys(Protocol):
    """The port of long-lived keys other than root's."""

    def find(self, access_key_id: str) -> Known | None:
        """The user behind an active access key; None: no such key, or it is inactive, or its user is gone."""
        ...


class KeyUses(Protocol):
    """The port that remembers when keys of users, and roles, were last used."""

    def used(self, principal: Principal, access_key_id: str, service: str, region: str) -> None:
        """A request that was proven to come from that key is let in. `service` is its signing name."""
        ...


class KeyRing(Protocol):
    """The port of identity: who stands behind an access key."""

    def find(self, access_key_id: str, session_token: str | None) -> Known | None:
        """None: no such key. Raises BadSessionToken when the key is a session's and the token does not prove it."""
        ...

    def issue(self, principal: Principal, expires: float) -> Keys:
        """Short-lived keys that act as `principal` until `expires`."""
        ...

    def warrant(self, claims: dict[str, str]) -> str:
        """A text that proves these claims to this home for good: whether they still hold must be looked up then."""
        ...

    def claims(self, warrant: str) -> dict[str, str]:
        """What the warrant was made for. Raises BadSessionToken when this home did not make it."""
        ...

    def user_secret(self, access_key_id: str) -> str:
        """The secret of a user's long-lived key. It is derived from the home's master key, so no secret of a user is
        ever stored: who reads the state file, or a copy of it, can sign nothing."""
        ...


class HomeKeyRing:
    """The root key of a home, the keys of its users, and the sessions made under its master key."""

    def __init__(self, root: Keys, account: str, master: bytes, users: UserKeys | None = None) -> None:
        self._root = root
        self._users = users
        self._proven: dict[tuple[str, str], Known] = {}
        """Tokens that were proven: what is made of arithmetic alone never ceases to be true."""
        principal = Principal(account, f"arn:aws:iam::{account}:root", account, "root")
        self._known_root = Known(root.secret_access_key, principal)
        self._master = master

    def find(self, access_key_id: str, session_token: str | None) -> Known | None:
        if access_key_id == self._root.access_key_id:
            return self._known_root
        if session_token is None:
            return None if self._users is None else self._users.find(access_key_id)
        proven = self._proven.get((access_key_id, session_token))
        if proven is None:
            proven = self._prove(access_key_id, session_token)
            if len(self._proven) >= _MOST_PROVEN:
                self._proven.clear()
            self._proven[access_key_id, session_token] = proven
        return proven

    def _prove(self, access_key_id: str, session_token: str) -> Known:
        try:
            token = base64.urlsafe_b64decode(session_token.encode())
        except ValueError:
            raise BadSessionToken from None
        claims, mac = token[:-32], token[-32:]
        if not hmac.compare_digest(self._mac(b"token", access_key_id.encode() + b"\0" + claims), mac):
            raise BadSessionToken
        said = orjson.loads(claims)
        return Known(self._secret(access_key_id, mac), unpacked(said["p"]), said["e"])

    def issue(self, principal: Principal, expires: float) -> Keys:
        access_key_id = "ASIA" + base64.b32encode(secrets.token_bytes(10)).decode()
        claims = orjson.dumps({"p": packed(principal), "e": expires})
        mac = self._mac(b"token", access_key_id.encode() + b"\0" + claims)
        token = base64.urlsafe_b64encode(claims + mac).decode()
        return Keys(access_key_id, self._secret(access_key_id, mac), token, expires)

    def warrant(self, claims: dict[str, str]) -> str:
        packed = orjson.dumps(claims)
        return base64.urlsafe_b64encode(packed + self._mac(b"warrant", packed)).decode()

    def claims(self, warrant: str) -> dict[str, str]:
        try:
            packed = base64.urlsafe_b64decode(warrant.encode())
        except ValueError:
            raise BadSessionToken from None
        claims, mac = packed[:-32], packed[-32:]
        if not hmac.compare_digest(self._mac(b"warrant", claims), mac):
            raise BadSessionToken
        found: dict[str, str] = orjson.loads(claims)
        return found

    def user_secret(self, access_key_id: str) -> str:
        return user_secret(self._master, access_key_id)

    def _secret(self, access_key_id: str, mac: bytes) -> str:
        return base64.b64encode(self._mac(b"secret", access_key_id.encode() + b"\0" + mac)[:30]).decode()

    def _mac(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._master, purpose + b"\0" + data, sha256)


def user_secret(master: bytes, access_key_id: str) -> str:
    """The secret of a user's key in the home of that master key."""
    return base64.b64encode(hmac.digest(master, b"user\0" + access_key_id.encode(), sha256)[:30]).decode()


def packed(principal: Principal) -> dict[str, Any]:
    """The principal as JSON can hold it, for who acts as it later. Only what is not as it is by default: session tokens
    travel with every request."""
    said = {one.name: getattr(principal, one.name) for one in fields(principal)}
    return {name: value for name, value in said.items() if value not in (None, (), "")}


def unpacked(said: dict[str, Any]) -> Principal:
    """The principal that `packed` was given."""
    said = dict(said)
    if "tags" in said:
        said["tags"] = tuple((key, value) for key, value in said["tags"])
    for name in ("policies", "policy_arns", "transitive"):
        if name in said:
            said[name] = tuple(said[name])
    return Principal(**said)
