"""Who may invoke an endpoint: the front's question, put to Clary's verifier and to the policies."""

from collections.abc import Callable, Sequence

from clary.aws.access import Ask
from clary.aws.credentials import Known
from clary.aws.errors import AccessDenied
from clary.aws.origin import origin
from clary.aws.refusals import refusal
from clary.aws.repeated import DATE, Repeated
from clary.aws.sigv4 import Refused, Signed, Verifier
from clary.engines.serving.framing import Head
from clary.engines.serving.shared import Caller, Denied
from clary.processes.guests import Guests

SIGNING_NAME = "sagemaker"
_ACTIONS = {
    "invocations": "sagemaker:InvokeEndpoint",
    "invocations-response-stream": "sagemaker:InvokeEndpointWithResponseStream",
}


class Admission:
    """Implements `Authenticate`: the signature, and for callers other than root the policies, with the gateway's codes
    for a refusal. Without `guests` nobody but root may invoke."""

    def __init__(self, verifier: Verifier, account: str, guests: Guests | None = None) -> None:
        self._verifier = verifier
        self._account = account
        self._guests = guests

    def __call__(self, head: Head, digest: str, client: Callable[[], str]) -> Caller:
        try:
            signed = self._verifier.verify_read("POST", head.path, head.query, head.headers, digest)
        except Refused as refused:
            raise _denied(refused) from None
        if signed.service != SIGNING_NAME:
            message = f"Credential should be scoped to correct service: '{SIGNING_NAME}'."
            raise Denied(403, "SignatureDoesNotMatch", message)
        if not self.is_root(signed.principal.kind, signed.principal.account):
            self.require(signed, head, client())
        return Caller(self._account, signed.region)

    def again(self, head: Head, variable: Sequence[str]) -> "AdmissionAgain | None":
        """The same for requests like this one, which was let in."""
        try:
            repeated = Repeated(self._verifier, head.path, head.headers, variable)
        except Refused:
            return None
        return AdmissionAgain(self, repeated, head)

    def is_root(self, kind: str, account: str) -> bool:
        return kind == "root" and account == self._account

    def require(self, signed: Signed, head: Head, client: str) -> None:
        """The policies let the caller invoke the endpoint. Raises Denied."""
        action = _ACTIONS[head.operation]
        resource = f"arn:aws:sagemaker:{signed.region}:{self._account}:endpoint/{head.endpoint}"
        if self._guests is None:
            message = f"User: {signed.principal.arn} is not authorized to perform: {action} on resource: {resource}"
            raise Denied(403, "AccessDeniedException", message)
        try:
            self._guests.require(signed, Ask(action, resource, _keys(head)), origin(client, head.headers))
        except AccessDenied as error:
            raise Denied(403, error.error_code, error.message) from None


class AdmissionAgain:
    """Implements `likeness.Again`."""

    __slots__ = ("_admission", "_at", "_head", "_repeated", "_root", "values")

    def __init__(self, admission: Admission, repeated: Repeated, head: Head) -> None:
        self._admission = admission
        self._repeated = repeated
        self._head = head
        """Of the first such request: whatever the policies look at is the same in all of them."""
        self.values: Sequence[str] = repeated.values
        self._at = repeated.values.index(DATE)
        self._root: Known | None = None

    def __call__(self, values: tuple[bytes, ...], digest: str, signature: bytes, client: Callable[[], str]) -> None:
        try:
            known = self._repeated.verify(values, digest, signature)
        except Refused as refused:
            raise _denied(refused) from None
        if known is not self._root and not self._is_root(known):
            self._require(known, values[self._at], digest, signature, client)

    def _is_root(self, known: Known) -> bool:
        if not self._admission.is_root(known.principal.kind, known.principal.account):
            return False
        self._root = known
        return True

    def _require(self, known: Known, date: bytes, digest: str, signature: bytes, client: Callable[[], str]) -> None:
        signed = self._repeated.signed(known, date, signature, digest)
        self._admission.require(signed, self._head, client())


def _denied(refused: Refused) -> Denied:
    error = refusal(refused, "json")
    return Denied(error.http_status, error.error_code, error.message)


def _keys(head: Head) -> dict[str, str]:
    target = head.headers.get("x-amzn-sagemaker-target-model")
    return {} if target is None else {"sagemaker:TargetModel": target}
