"""The endpoint under load, as a client sees it: where it is, with whose keys it is asked."""

from dataclasses import dataclass
from typing import Any

from clary.stress.plan import Keys


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint of one server."""

    url: str
    region: str
    keys: Keys
    endpoint: str

    def client(self, service: str, read_timeout: float = 10.0, attempts: int = 3) -> Any:
        """A boto3 client that acts with these keys; `attempts` 1: nothing is sent twice."""
        import boto3
        from botocore.config import Config

        options = Config(
            proxies={}, retries={"total_max_attempts": attempts}, connect_timeout=5, read_timeout=read_timeout
        )
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            aws_session_token=self.keys.token,
            config=options,
        )
