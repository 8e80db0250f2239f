"""Signature Version 4: who signed this request, proven. Knows no gateway and no protocol.

`Verifier.verify` takes the request line, the headers and the digest of the body, and answers a `Signed` or raises
`Refused`. What a refusal is called differs by protocol: `refusals.refusal` turns it into the right ServiceError.
"""

import calendar
import hmac
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from clary.aws import headers
from clary.aws.credentials import BadSessionToken, KeyRing, Known, Principal
from clary.kernel.clock import Clock

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
EMPTY: Final = sha256(b"").hexdigest()
WINDOW_SECONDS: Final = 15 * 60
MAX_PRESIGNED_SECONDS: Final = 7 * 24 * 3600
_UNRESERVED: Final = "-_.~"
_MAX_KEYS: Final = 4096
_LONGEST_KEPT: Final = 1024

Given = Mapping[str, str]
Kind = Literal[
    "missing",
    "malformed",
    "unknown-key",
    "bad-token",
    "expired-token",
    "mismatch",
    "skewed",
    "lapsed",
    "unsigned-header",
]


class Refused(Exception):
    """The request is not proven to come from a known key."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Signed(NamedTuple):
    """What the signature proves."""

    principal: Principal
    access_key_id: str
    region: str
    service: str
    """The signing name in the credential scope; several services may share one."""
    payload: str
    """What was signed for the body: a hex digest, or one of S3's markers (UNSIGNED-PAYLOAD, STREAMING-...)."""
    signature: str
    date: str
    """The request's time, YYYYMMDDTHHMMSSZ."""
    scope: str
    key: bytes
    """The signing key, for the chunks that follow."""


class Claim(NamedTuple):
    """What an Authorization header, or a presigned query string, says of itself."""

    access_key_id: str
    day: str
    region: str
    service: str
    signed_headers: str
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


class Verifier:
    """Verifies requests against a key ring. Holds no state but a bounded cache of signing keys."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self.clock = clock
        self._keys: dict[tuple[str, str, str, str], bytes] = {}

    def verify(
        self, method: str, raw_path: bytes, query: bytes, raw: headers.Raw, body_sha256: str | None = None
    ) -> Signed:
        """As `verify_read`, with the headers as they came off the wire."""
        return self.verify_read(method, raw_path, query, headers.read(raw), body_sha256)

    def verify_read(
        self, method: str, raw_path: bytes, query: bytes, given: Given, body_sha256: str | None = None
    ) -> Signed:
        """The caller, or Refused. `raw_path` and `query` are as they stood on the request line, `given` is what
        `headers.read` made. `body_sha256` is the hex digest of the real body; None when it has not been read yet: then
        the header x-amz-content-sha256 must say what was signed, and the reader of the body must hold it against
        `Signed.payload`."""
        authorization = given.get("authorization")
        if authorization is not None:
            return self._by_header(method, raw_path, query, given, authorization, body_sha256)
        if b"X-Amz-Signature=" in query:
            return self._by_query(method, raw_path, query, given, body_sha256)
        raise Refused("missing", "Missing Authentication Token")

    def _by_header(
        self, method: str, path: bytes, query: bytes, given: Given, authorization: str, body: str | None
    ) -> Signed:
        claim, signed = claim_of(authorization)
        date = given.get("x-amz-date") or ""
        self.in_window(date)
        same_day(claim, date)
        if "host" not in signed or "x-amz-date" not in signed:
            raise Refused("malformed", "'Host' and 'X-Amz-Date' must be among the SignedHeaders of the request.")
        for name in given:
            # An unsigned x-amz-target or x-amz-security-token could be exchanged on the way without notice.
            if name.startswith("x-amz-") and name not in signed:
                raise Refused(
                    "unsigned-header", f"There were headers present in the request which were not signed: {name}"
                )
        payload = _payload(claim.service, given.get("x-amz-content-sha256"), body)
        known = self.known(claim.access_key_id, given.get("x-amz-security-token"))
        return self._prove(claim, known, date, payload, method, path, query, given)

    def _by_query(self, method: str, path: bytes, query: bytes, given: Given, body: str | None) -> Signed:
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in _pairs(query)}
        claim = _parse_fields(
            found.get("X-Amz-Algorithm"),
            found.get("X-Amz-Credential"),
            found.get("X-Amz-SignedHeaders"),
            found.get("X-Amz-Signature"),
        )
        date, expires = found.get("X-Amz-Date", ""), found.get("X-Amz-Expires", "")
        same_day(claim, date)
        if not expires.isdecimal() or int(expires) > MAX_PRESIGNED_SECONDS:
            raise Refused("malformed", "X-Amz-Expires must be a number of seconds, and less than a week (604800).")
        now, made = self.clock.now(), epoch(date)
        if now > made + int(expires):
            raise Refused("lapsed", "Request has expired")
        if now < made - WINDOW_SECONDS:
            raise Refused("lapsed", "Request is not yet valid")
        names = claim.signed_headers.split(";")
        if "host" not in names:
            raise Refused("malformed", "'host' must be in X-Amz-SignedHeaders.")
        for name in given:
            # x-amz-content-sha256 is the client's note on its body; the presigned payload below does not rest on it.
            if name.startswith("x-amz-") and name not in names and name != "x-amz-content-sha256":
                raise Refused(
                    "unsigned-header", f"There were headers present in the request which were not signed: {name}"
                )
        if claim.service == "s3":
            payload = given.get("x-amz-content-sha256", UNSIGNED) if "x-amz-content-sha256" in names else UNSIGNED
        else:
            payload = body if body is not None else EMPTY
        known = self.known(claim.access_key_id, found.get("X-Amz-Security-Token"))
        kept = b"&".join(pair for pair in query.split(b"&") if not pair.startswith(b"X-Amz-Signature="))
        return self._prove(claim, known, date, payload, method, path, kept, given)

    def _prove(
        self,
        claim: Claim,
        known: Known,
        date: str,
        payload: str,
        method: str,
        path: bytes,
        query: bytes,
        given: Given,
    ) -> Signed:
        key = self.signing_key(known.secret_access_key, claim)
        before = f"{method}\n{canonical_path(claim.service, path)}\n"
        lines = "".join([f"{name}:{trimmed(given.get(name, ''))}\n" for name in claim.signed_headers.split(";")])
        after = f"\n{lines}\n{claim.signed_headers}\n{payload}"
        signature = claim.signature.encode()
        for text in _canonical_queries(query):
            if hmac.compare_digest(sign(key, date, claim.scope, f"{before}{text}{after}").encode(), signature):
                return Signed(
                    known.principal,
                    claim.access_key_id,
                    claim.region,
                    claim.service,
                    payload,
                    claim.signature,
                    date,
                    claim.scope,
                    key,
                )
        raise _mismatch()

    def in_window(self, date: str) -> None:
        """The request was made now, give or take. Raises Refused."""
        now, made = self.clock.now(), epoch(date)
        if made < now - WINDOW_SECONDS:
            raise Refused(
                "skewed",
                f"Signature expired: {date} is now earlier than {_stamp(now - WINDOW_SECONDS)} "
                f"({_stamp(now)} - 15 min.)",
            )
        if made > now + WINDOW_SECONDS:
            raise Refused(
                "skewed",
                f"Signature not yet current: {date} is still later than {_stamp(now + WINDOW_SECONDS)} "
                f"({_stamp(now)} + 15 min.)",
            )

    def known(self, access_key_id: str, token: str | None) -> Known:
        """What the ring knows of a key that is still good. Raises Refused."""
        try:
            known = self._ring.find(access_key_id, token)
        except BadSessionToken:
            raise Refused("bad-token", "The security token included in the request is invalid.") from None
        if known is None:
            raise Refused("unknown-key", "The security token included in the request is invalid.")
        if known.expires is not None and known.expires <= self.clock.now():
            raise Refused("expired-token", "The security token included in the request is expired")
        return known

    def signing_key(self, secret: str, claim: Claim) -> bytes:
        """The key that signs what the claim says it has signed."""
        name = (secret, claim.day, claim.region, claim.service)
        key = self._keys.get(name)
        if key is None:
            key = derive(secret, claim.day, claim.region, claim.service)
            if len(self._keys) >= _MAX_KEYS:
                self._keys.clear()
            self._keys[name] = key
        return key


def derive(secret: str, day: str, region: str, service: str) -> bytes:
    """The signing key of one secret, day, region and service."""
    key = hmac.digest(b"AWS4" + secret.encode(), day.encode(), "sha256")
    for part in (region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(key: bytes, date: str, scope: str, canonical_request: str) -> str:
    """The hex signature of a canonical request."""
    # Every part came off the wire as latin-1, so this gives back the very bytes that were sent.
    digest = sha256(canonical_request.encode("latin-1")).hexdigest()
    return hmac.digest(key, f"{ALGORITHM}\n{date}\n{scope}\n{digest}".encode(), "sha256").hex()


def _mismatch() -> Refused:
    return Refused(
        "mismatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    )


def _unsigned(name: str) -> Refused:
    return Refused("unsigned-header", f"There were headers present in the request which were not signed: {name}")


def claim_of(authorization: str) -> tuple[Claim, frozenset[str]]:
    """The claim and the names of its signed headers."""
    head, mark, signature = authorization.rpartition(", Signature=")
    signature = signature.strip()
    if not mark or not signature or "," in signature or len(head) > _LONGEST_KEPT:
        return _parse_all(authorization)
    claim, signed = _unsigned_claim(head)
    return Claim(*claim[:-1], signature), signed


@lru_cache(maxsize=1024)
def _unsigned_claim(head: str) -> tuple[Claim, frozenset[str]]:
    """All but the signature: the same in all requests that a client signs on one day."""
    return _parse_all(f"{head}, Signature=-")


def _parse_all(authorization: str) -> tuple[Claim, frozenset[str]]:
    algorithm, _, rest = authorization.partition(" ")
    fields = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        fields[name] = value
    claim = _parse_fields(algorithm, fields.get("Credential"), fields.get("SignedHeaders"), fields.get("Signature"))
    return claim, frozenset(claim.signed_headers.split(";"))


def _parse_fields(algorithm: str | None, credential: str | None, headers: str | None, signature: str | None) -> Claim:
    if algorithm != ALGORITHM:
        raise Refused("malformed", f"Unsupported algorithm '{algorithm}': sign the request with {ALGORITHM}.")
    for name, value in (("Credential", credential), ("SignedHeaders", headers), ("Signature", signature)):
        if not value:
            raise Refused("malformed", f"Authorization header requires '{name}' parameter.")
    assert credential and headers and signature
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        raise Refused("malformed", "Credential must be of the form <key>/<YYYYMMDD>/<region>/<service>/aws4_request.")
    return Claim(parts[0], parts[1], parts[2], parts[3], headers, signature)


def _payload(service: str, header: str | None, body: str | None) -> str:
    if header is None:
        if body is None:
            raise Refused("malformed", "Missing required header for this request: x-amz-content-sha256")
        return body
    if body is not None and header != body and (service != "s3" or not header.startswith(("UNSIGNED-", "STREAMING-"))):
        raise _mismatch()
    return header


def trimmed(value: str) -> str:
    """A header's value as it is signed: without blanks around it, and with single ones within."""
    return " ".join(value.split()) if "  " in value or "\t" in value else value.strip()


def canonical_path(service: str, path: bytes) -> str:
    """S3 signs the path as it is sent; all others normalise it and encode it once more."""
    if service == "s3" or path == b"/":
        return path.decode("latin-1") or "/"
    return _quoted_path(path) if len(path) <= _LONGEST_KEPT else _quoted_path.__wrapped__(path)


@lru_cache(maxsize=1024)
def _quoted_path(path: bytes) -> str:
    """Kept: an endpoint is invoked many times."""
    if b"/." in path or b"//" in path:
        path = _without_dots(path)
    return quote(path, safe="/~") or "/"


def _without_dots(path: bytes) -> bytes:
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            if kept:
                kept.pop()
        elif part and part != b".":
            kept.append(part)
    end = b"/" if kept and path.endswith(b"/") else b""
    return b"/" + b"/".join(kept) + end


def _canonical_queries(query: bytes) -> Sequence[str]:
    """The query string sorted: first as the client wrote it, which is nearly always the canonical form, then encoded
    anew, for clients that sign the canonical form but send another ("+", lower-case hex, unescaped marks)."""
    if not query:
        return ("",)
    text = query.decode("latin-1")
    pairs = sorted(pair.partition("=")[::2] for pair in text.split("&") if pair)
    first = "&".join([f"{name}={value}" for name, value in pairs])
    again = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in _pairs(query))
    second = "&".join([f"{name}={value}" for name, value in again])
    return (first,) if first == second else (first, second)


def _pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    cut = [pair.partition(b"=") for pair in query.split(b"&") if pair]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in cut]


def same_day(claim: Claim, date: str) -> None:
    """The request was made on the day of its scope. Raises Refused."""
    if not date.startswith(claim.day) or len(claim.day) != 8:
        raise Refused("malformed", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.")


@lru_cache(maxsize=64)
def epoch(date: str) -> float:
    """Of a date as signatures have it. Raises Refused."""
    if len(date) == 16 and date[8] == "T" and date[15] == "Z" and date[:8].isdecimal() and date[9:15].isdecimal():
        parts = (int(date[:4]), int(date[4:6]), int(date[6:8]), int(date[9:11]), int(date[11:13]), int(date[13:15]))
        if 1 <= parts[1] <= 12 and parts[0] >= 1970:
            return float(calendar.timegm((*parts, 0, 0, 0)))
    raise Refused("malformed", "Date must be in ISO-8601 'basic format': YYYYMMDDTHHMMSSZ in the header X-Amz-Date.")


def _stamp(at: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
