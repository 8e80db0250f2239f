"""Requests that are like one that was verified: what a client says in every request is worked out once, and each
request costs its own digest, its own canonical request and its own signature. Nothing is taken over from a
verification: every signature is computed and compared."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

from clary.aws.credentials import Known
from clary.aws.sigv4 import (
    ALGORITHM,
    WINDOW_SECONDS,
    Refused,
    Signed,
    Verifier,
    canonical_path,
    claim_of,
    epoch,
    same_day,
    trimmed,
)

DATE = "x-amz-date"
_MOST_DATES = 64
_START = f"{ALGORITHM}\n".encode()


class Repeated:
    """Of requests by header signature that differ in their date, their body and the headers named `variable`, and in
    nothing else. What they have in common was verified with the first of them."""

    def __init__(
        self, verifier: Verifier, path: bytes, given: Mapping[str, str], variable: Sequence[str], method: str = "POST"
    ) -> None:
        """Raises Refused when the first request does not even look verified."""
        claim, signed = claim_of(given.get("authorization", ""))
        if DATE not in signed or "host" not in signed or "x-amz-content-sha256" in given:
            raise Refused("malformed", "not a request that can be recognised")
        self._verifier = verifier
        self._claim = claim
        self._token = given.get("x-amz-security-token")
        self._scope = f"\n{claim.scope}\n".encode()
        self._known: Known | None = None
        self._key = b""
        self._made: dict[bytes, float] = {}
        """Dates that were of the right day -> epoch seconds."""
        self.values = tuple(name for name in claim.signed_headers.split(";") if name == DATE or name in variable)
        """The headers whose values `verify` wants, in this order; the date is among them."""
        lines = [
            f"{name}:%b\n" if name in self.values else f"{name}:{_plain(trimmed(given.get(name, '')))}\n"
            for name in claim.signed_headers.split(";")
        ]
        start = f"{method}\n{_plain(canonical_path(claim.service, path))}\n\n"
        text = f"{start}{''.join(lines)}\n{_plain(claim.signed_headers)}\n%b"
        self._template = text.encode("latin-1")
        self._at = self.values.index(DATE)

    def verify(self, values: tuple[bytes, ...], digest: str, signature: bytes) -> Known:
        """Who signed it. `values`: of the headers `self.values`, without blanks in them; `digest`: of the body, in hex;
        `signature` in lower-case hex. Raises Refused."""
        claim, verifier = self._claim, self._verifier
        raw = values[self._at]
        made = self._made.get(raw)
        if made is None or abs(verifier.clock.now() - made) > WINDOW_SECONDS:
            self._date(raw)
        known = verifier.known(claim.access_key_id, self._token)
        if known is not self._known:
            self._key = verifier.signing_key(known.secret_access_key, claim)
            self._known = known
        canonical = self._template % (*values, digest.encode())
        text = _START + raw + self._scope + sha256(canonical).hexdigest().encode()
        if not hmac.compare_digest(hmac.digest(self._key, text, "sha256").hex().encode(), signature):
            raise Refused("mismatch", "The request signature we calculated does not match the signature you provided.")
        return known

    def _date(self, raw: bytes) -> None:
        """The request was made now, give or take, and on the day of its scope. Raises Refused."""
        date = raw.decode("latin-1")
        self._verifier.in_window(date)
        same_day(self._claim, date)
        if len(self._made) >= _MOST_DATES:
            self._made.clear()
        self._made[raw] = epoch(date)

    @property
    def region(self) -> str:
        return self._claim.region

    @property
    def service(self) -> str:
        return self._claim.service

    def signed(self, known: Known, date: bytes, signature: bytes, payload: str) -> Signed:
        """What the signature proves, in full."""
        claim = self._claim
        return Signed(
            known.principal,
            claim.access_key_id,
            claim.region,
            claim.service,
            payload,
            signature.decode("latin-1"),
            date.decode("latin-1"),
            claim.scope,
            self._key,
        )


def _plain(text: str) -> str:
    """As it is, in a template."""
    return text.replace("%", "%%")
