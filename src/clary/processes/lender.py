"""Keys for programs that may outlive any key: what an AWS SDK in a model server asks the proxy beside it for.

`GET /credentials` with a warrant in `Authorization` is how SDKs get keys in a container on AWS, and they ask again
before these lapse. Whether the resource is there and its role may still be assumed is read from the home's state file
each time.
"""

import asyncio
from datetime import UTC, datetime

import orjson

from clary.config import Config

PATH = b"/credentials"


class Lender:
    """Answers what the proxy is asked as a server."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def answer(self, head: bytes) -> tuple[int, bytes] | None:
        """(status, JSON); None: it is not this that is asked for."""
        line, *fields = head.split(b"\r\n")
        if line.split(b" ")[:2] != [b"GET", PATH]:
            return None
        warrant = ""
        for one in fields:
            name, _, value = one.partition(b":")
            if name.strip().lower() == b"authorization":
                warrant = value.strip().decode("ascii", "replace")
        return await asyncio.to_thread(self._lend, warrant)

    def _lend(self, warrant: str) -> tuple[int, bytes]:
        # Loaded when somebody asks: the proxy of most runs never lends.
        from clary import home
        from clary.aws.credentials import BadSessionToken
        from clary.kernel.clock import SystemClock
        from clary.kernel.errors import Missing
        from clary.kernel.sqlite import SqliteStore
        from clary.services.iam.effective import StoredIdentities
        from clary.services.sagemaker import roles

        owner = home.read(self._config)
        clock = SystemClock()
        store = SqliteStore(self._config.state_file, clock, read_only=True)
        try:
            identities = StoredIdentities(store, owner.account)
            role, keys = roles.redeem(owner.ring, store, identities, warrant, clock.now())
        except BadSessionToken:
            return _refusal("This is no warrant of this Clary: send AWS_CONTAINER_AUTHORIZATION_TOKEN as it was given.")
        except Missing:
            return _refusal("What the warrant was given to is gone.")
        except roles.NotAssumable as error:
            return _refusal(error.message)
        finally:
            store.close()
        assert keys.expires is not None
        said = {
            "RoleArn": role,
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "Token": keys.session_token,
            "Expiration": datetime.fromtimestamp(keys.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return 200, orjson.dumps(said)


def _refusal(sentence: str) -> tuple[int, bytes]:
    return 403, orjson.dumps({"code": "AccessDenied", "message": sentence})
