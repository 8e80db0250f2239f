"""A client's requests look alike. What the parser has understood once is recognised by a pattern the next time, and
then only what differs is read: the date and the signature, the body and its length, ids that are made for each request.

A pattern matches a whole head, byte for byte what was parsed but for those values, each of which has a form that leaves
nothing to interpret. A request that is not matched is no worse off: it is parsed."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Protocol

from clary.engines.serving.faults import Target
from clary.engines.serving.framing import Head
from clary.engines.serving.routes import RouteKey

LENGTH, DATE, AUTHORIZATION = "content-length", "x-amz-date", "authorization"
INFERENCE_ID = "x-amzn-sagemaker-inference-id"
_UNREAD = ("amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-trace-id", "traceparent")
"""Made for each request, and of no meaning here."""
VARIABLE = (DATE, INFERENCE_ID, *_UNREAD)
_FORMS: Mapping[str, bytes] = {
    LENGTH: rb"([0-9]{1,8})",
    DATE: rb"([0-9]{8}T[0-9]{6}Z)",
    INFERENCE_ID: rb"([!-~]{1,64})",
}
_WORD, _TEXT = rb"([!-~]{1,256})", rb"[ -~]{0,256}"
_SIGNATURE = re.compile(rb"(.*[ ,]Signature=)[0-9a-f]{64}", re.DOTALL)
_NEVER = frozenset(("transfer-encoding", "expect", "upgrade", "x-amz-content-sha256"))
"""Headers that change how a request is read."""
MOST = 1024
"""Patterns that are kept: each is some kilobytes, and making it takes a millisecond or two."""
_LONGEST_LINE = 256


class Again(Protocol):
    """Who signed further requests like one that was let in, and whether they may still."""

    @property
    def values(self) -> Sequence[str]:
        """The variable headers that are signed, in the order in which `__call__` wants their values."""
        ...

    def __call__(self, values: tuple[bytes, ...], digest: str, signature: bytes, client: Callable[[], str]) -> object:
        """Raises Denied, as the first question did, unless the caller is let in as before. `digest` is the body's
        SHA-256 in hex, `client` gives the address of the peer."""
        ...


class Likeness:
    """One pattern, and what a request that it matches is."""

    __slots__ = ("_inference", "again", "headers", "key", "length", "match", "signature", "target", "values")

    def __init__(self, pattern: bytes, names: Sequence[str], again: Again, target: Target, head: Head) -> None:
        """`names`: of the pattern's groups."""
        self.match = re.compile(pattern).match
        self.again = again
        self.target = target
        self.key: RouteKey = (target.account, target.region, target.endpoint)
        self.length = names.index(LENGTH)
        self.signature = names.index(AUTHORIZATION)
        self.values = _getter([names.index(name) for name in again.values])
        self._inference = names.index(INFERENCE_ID) if INFERENCE_ID in names else -1
        self.headers = head.headers

    def headers_of(self, groups: tuple[bytes, ...]) -> Mapping[str, str]:
        """The request's headers, as far as anybody reads them."""
        if self._inference < 0:
            return self.headers
        return {**self.headers, INFERENCE_ID: groups[self._inference].decode()}


def _getter(places: list[int]) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...]]:
    """What stands at those places of a tuple, as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    (place,) = places
    return lambda groups: (groups[place],)


class Likenesses:
    """What one front has learnt of its clients."""

    def __init__(self) -> None:
        self._known: dict[bytes, Likeness] = {}
        self._seen: set[bytes] = set()
        self._of_line: dict[bytes, Likeness] = {}
        self.latest: Likeness | None = None
        """For a connection that has said nothing yet: most are of the client that came before."""

    def likely(self, data: bytes) -> Likeness | None:
        """What came last with the first line of `data`: a client may ask several endpoints on one connection."""
        return self._of_line.get(data[: max(data.find(b"\r\n", 0, _LONGEST_LINE), 0)])

    def learn(self, block: bytes, head: Head, again: Callable[[], Again | None], target: Target) -> Likeness | None:
        """Whatever looks like this request, which has been let in; None: nothing does. A pattern is made when a request
        is seen for the second time: what is never the same again is not worth one."""
        if head.operation != "invocations" or head.query or not head.keep_alive or head.length is None:
            return None
        verified = again()
        made = None if verified is None else _pattern(block, head, verified.values)
        if verified is None or made is None:
            return None
        pattern, names = made
        known = self._known.get(pattern)
        if known is None:
            if pattern not in self._seen:
                if len(self._seen) >= MOST:
                    self._seen.clear()
                self._seen.add(pattern)
                return None
            if len(self._known) >= MOST:
                self._known.clear()
                self._of_line.clear()
            known = self._known[pattern] = Likeness(pattern, names, verified, target, head)
        if known.match(block) is None:  # a value has a form that patterns leave to the parser
            return None
        self.latest = self._of_line[block[: block.find(b"\r\n")]] = known
        return known


def _pattern(block: bytes, head: Head, signed: Sequence[str]) -> tuple[bytes, list[str]] | None:
    """The pattern of a head, and the names of its groups; None when the head is of a kind that patterns leave alone."""
    first, *lines = block[:-4].split(b"\r\n")
    if len(lines) != len(head.headers) or not _NEVER.isdisjoint(head.headers):
        return None  # a header twice, or one over several lines
    parts, names = [re.escape(first)], []
    for line in lines:
        raw = line.partition(b":")[0]
        name = raw.decode("latin-1").lower()
        if name not in head.headers:
            return None
        form = _FORMS.get(name)
        if name == AUTHORIZATION:
            found = _SIGNATURE.fullmatch(line)
            if found is None:
                return None
            parts.append(re.escape(found[1]) + rb"([0-9a-f]{64})")
            names.append(name)
        elif form is not None:
            parts.append(re.escape(raw) + rb":[ \t]*" + form)
            names.append(name)
        elif name in _UNREAD:
            parts.append(re.escape(raw) + rb":[ \t]*" + (_WORD if name in signed else _TEXT))
            if name in signed:
                names.append(name)
        else:
            parts.append(re.escape(line))
    if LENGTH not in names or AUTHORIZATION not in names or not set(signed) <= set(names):
        return None
    pattern = b"\r\n".join(parts) + rb"\r\n\r\n"
    return pattern, names
