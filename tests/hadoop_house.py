"""A client of the Hadoop door that is no Java: what WebHDFS says on the wire, against a gateway in process."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from clary.algorithms.etl.files import token
from clary.aws.credentials import Keys
from tests.inprocess import ROOT_KEYS, InProcess


class Raised(Exception):
    """What Hadoop's client would raise."""

    def __init__(self, status: int, said: dict[str, Any]) -> None:
        super().__init__(said["message"])
        self.status = status
        self.name = said["exception"]
        self.java_class = said["javaClassName"]


@dataclass
class Hadoop:
    house: InProcess
    keys: Keys = ROOT_KEYS
    until: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        keys = self.keys
        made = token(keys.access_key_id, keys.secret_access_key, keys.session_token or "", self.until)
        return {f"X-Clary-Token-{made}": '""', "Host": "127.0.0.1:4810"}

    def send(self, method: str, operation: str, path: str, body: bytes = b"", **more: Any) -> tuple[int, Any, bytes]:
        target = f"/webhdfs/v1{quote(path)}?{urlencode({'op': operation, 'user.name': 'someone', **more})}"
        return self.house.request(method, target, self.headers, body)

    def ask(self, method: str, operation: str, path: str, **more: Any) -> Any:
        """The answer's document. Raises Raised."""
        status, _, body = self.send(method, operation, path, **more)
        if status != 200:
            raise Raised(status, orjson.loads(body)["RemoteException"])
        return orjson.loads(body) if body else None

    def create(self, path: str, body: bytes, **more: Any) -> None:
        status, headers, said = self.send("PUT", "CREATE", path, **more)
        if status == 307:
            where = urlsplit(headers["location"])
            status, _, said = self.house.request("PUT", f"{where.path}?{where.query}", self.headers, body)
        if status != 201:
            raise Raised(status, orjson.loads(said)["RemoteException"])

    def open(self, path: str, **more: Any) -> bytes:
        status, headers, body = self.send("GET", "OPEN", path, **more)
        if status != 200:
            raise Raised(status, orjson.loads(body)["RemoteException"])
        assert int(headers["content-length"]) == len(body)
        return body

    def kind(self, path: str) -> str | None:
        try:
            found: str = self.ask("GET", "GETFILESTATUS", path)["FileStatus"]["type"]
        except Raised as raised:
            if raised.name != "FileNotFoundException":
                raise
            return None
        return found

    def names(self, path: str) -> list[str]:
        found = self.ask("GET", "LISTSTATUS", path)["FileStatuses"]["FileStatus"]
        return [one["pathSuffix"] + ("/" if one["type"] == "DIRECTORY" else "") for one in found]

    def mkdirs(self, path: str) -> bool:
        return bool(self.ask("PUT", "MKDIRS", path)["boolean"])

    def rename(self, old: str, new: str, **more: Any) -> bool:
        found = self.ask("PUT", "RENAME", old, destination=new, **more)
        return True if found is None else bool(found["boolean"])

    def delete(self, path: str, *, recursive: bool = False) -> bool:
        return bool(self.ask("DELETE", "DELETE", path, recursive=str(recursive).lower())["boolean"])


def keys_in(s3: Any, bucket: str = "data") -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
