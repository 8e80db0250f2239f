"""Signed requests as they go over the wire: Signature Version 4, in the form that a client of AWS signs.

A pool of them is made before the clock starts. No two carry the same signature: each has an `amz-sdk-invocation-id` of
its own, as every request of an SDK has. A server accepts a signature for 15 minutes; one that is older than 5 is made
anew when its turn comes.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256

from clary.stress.plan import Keys, Plan

ALGORITHM = "AWS4-HMAC-SHA256"
GOOD_SECONDS = 300.0
_SHORT = 4096

Wire = tuple[bytes, ...]
"""A request: whole, or its head and a body that many requests share."""


class Signer:
    """Signs requests for one endpoint. The key of a day is made once."""

    def __init__(self, plan: Plan) -> None:
        self._keys: Keys = plan.keys
        self._region = plan.region
        self._path = plan.path
        headers = {"content-type": plan.content_type, "host": plan.host}
        if plan.accept is not None:
            headers["accept"] = plan.accept
        if plan.keys.token is not None:
            headers["x-amz-security-token"] = plan.keys.token
        if plan.target_variant is not None:
            headers["x-amzn-sagemaker-target-variant"] = plan.target_variant
        self._fixed = headers
        names = sorted([*headers, "amz-sdk-invocation-id", "x-amz-date"])
        self._names = ";".join(names)
        lines = "".join(f"{name}:{headers.get(name, f'{{{name}}}')}\n" for name in names)
        before, _, rest = lines.partition("{amz-sdk-invocation-id}")
        between, _, after = rest.partition("{x-amz-date}")
        # Sorted, the invocation id always stands before the date; everything around the two is the same in all.
        self._around = (f"POST\n{self._path}\n\n{before}", between, f"{after}\n{self._names}\n")
        self._day = ""
        self._key = b""
        self._second = 0
        self._date = ""

    def head(self, body_sha256: str, length: int, invocation: str, now: float) -> bytes:
        """The request line and headers of a request with this body, signed now (epoch seconds)."""
        if int(now) != self._second:
            self._second = int(now)
            self._date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            if self._date[:8] != self._day:
                self._day = self._date[:8]
                self._key = _derived(self._keys.secret_access_key, self._day, self._region)
        date = self._date
        before, between, after = self._around
        canonical = f"{before}{invocation}{between}{date}{after}{body_sha256}"
        scope = f"{self._day}/{self._region}/sagemaker/aws4_request"
        text = f"{ALGORITHM}\n{date}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        fixed = "".join(f"{name}: {value}\r\n" for name, value in self._fixed.items())
        return (
            f"POST {self._path} HTTP/1.1\r\n{fixed}content-length: {length}\r\n"
            f"amz-sdk-invocation-id: {invocation}\r\nx-amz-date: {date}\r\n"
            f"authorization: {ALGORITHM} Credential={self._keys.access_key_id}/{scope}, "
            f"SignedHeaders={self._names}, Signature={signature}\r\n\r\n"
        ).encode("latin-1")


def _derived(secret: str, day: str, region: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (day, region, "sagemaker", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class Pool:
    """The requests of one process, in turn and for ever."""

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._signer = Signer(plan)
        self._lifetime = 0.0 if plan.sign_each else GOOD_SECONDS
        self._bodies = [row.encode("latin-1") for row in plan.rows]
        self._digests = [sha256(body).hexdigest() for body in self._bodies]
        self._labels = [label.encode("latin-1") for label in plan.labels]
        self._rows = [number % len(self._bodies) for number in range(plan.part, plan.signatures, plan.parts)]
        self._name = secrets.token_hex(8)
        self._made = 0
        self._cursor = -1
        now = clock()
        self._wires = [self._signed(row, now) for row in self._rows]
        self._until = [now + self._lifetime] * len(self._rows)

    def __len__(self) -> int:
        return len(self._wires)

    @property
    def made(self) -> int:
        """Signatures so far: more than the pool holds once requests were signed anew."""
        return self._made

    def take(self) -> tuple[Wire, bytes | None]:
        """The next request, and what the model should answer to it."""
        self._cursor = cursor = self._cursor + 1 if self._cursor + 1 < len(self._wires) else 0
        row = self._rows[cursor]
        now = self._clock()
        if now >= self._until[cursor]:
            self._wires[cursor] = self._signed(row, now)
            self._until[cursor] = now + self._lifetime
        return self._wires[cursor], self._labels[row] if self._labels else None

    def _signed(self, row: int, now: float) -> Wire:
        self._made += 1
        body = self._bodies[row]
        head = self._signer.head(self._digests[row], len(body), f"{self._name}-{self._made}", now)
        return (head + body,) if len(body) <= _SHORT else (head, body)
