"""The life of one asynchronous invocation, and what is kept of it.

A row is a request that was accepted: it stands before the caller is answered, and goes when its result and its
notification are out. Its own files are below `<scratch>/<uid>`, which goes with it:

    in    the body, where the request carried it
    out   the model's good answer, whole and on the disk before the row says Completed

So the outcome is decided once, by the write of the row: whatever dies afterwards, the same object is stored. What is
sent to the model may be sent again after a crash: at least once.

    spec    the request's members, and OutputLocation, FailureLocation; _endpoint (its uid) and _arn, _role, _variant,
            _notify (NotificationConfig)
    status  of one that has ended: Ended, ContentType or FailureReason; _deaths of models over it
"""

from pathlib import Path
from typing import Final

from clary.kernel.resource import Resource, StateMachine
from clary.services.sagemaker.engines import Engines

KIND: Final = "async-invocation"
INVOCATION: Final = StateMachine(
    "InvocationStatus",
    "Queued",
    {"Queued": {"Completed", "Failed"}, "Completed": {"Failed"}, "Failed": set()},
)
TTL_SECONDS: Final = 21_600
"""How long a request may wait, where it does not say."""
TIMEOUT_SECONDS: Final = 900
"""How long a model may work on a request that does not say."""
LONGEST_SECONDS: Final = 3600
INLINE_BYTES: Final = 128_000
LARGEST_BYTES: Final = 1 << 30
"""AWS's bound for inputs and outputs."""


def directory(engines: Engines, uid: str) -> Path:
    return engines.scratch / uid


def input_file(engines: Engines, uid: str) -> Path:
    """Where the body stands that the request carried itself."""
    return directory(engines, uid) / "in"


def output_file(engines: Engines, uid: str) -> Path:
    """Where the model's answer stands until it is stored."""
    return directory(engines, uid) / "out"


def key_of(invocation: Resource) -> tuple[str, str, str]:
    """(account, region, endpoint)."""
    return invocation.account, invocation.region, invocation.spec["EndpointName"]
