"""Resources for the tests of the kernel."""

from typing import Any

from clary.kernel import ids
from clary.kernel.resource import Resource

ACCOUNT, REGION = "123456789012", "us-east-1"


def job(name: str = "a", **given: Any) -> Resource:
    fields: dict[str, Any] = {
        "kind": "job",
        "account": ACCOUNT,
        "region": REGION,
        "uid": ids.new(),
        "phase": "InProgress",
        "spec": {"JobName": name},
        **given,
    }
    return Resource(name=name, **fields)
