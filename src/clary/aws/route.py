"""HTTP request to operation and protocol: one dict look-up where the client names them, a path match where not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clary.aws import hosts, json, model, query, rest_json, rest_xml, rpc_cbor
from clary.aws.access import Asks
from clary.aws.codec import Codec
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.http import Request
from clary.aws.model import Model, Operation
from clary.aws.refusals import Family
from clary.aws.service import Handler, Service
from clary.aws.templates import Templates


class UnknownOperationException(ServiceError):
    """AWS has no operation of that name."""

    status = 501


class MethodNotAllowed(ServiceError):
    """S3 has nothing that answers this method on this path."""

    status = 405


class Unrouted(Exception):
    """Nothing here serves the request. `error` says what is missing, in the words of `family`."""

    def __init__(self, family: Family, error: ServiceError) -> None:
        super().__init__(error.message)
        self.family = family
        self.error = error


@dataclass(frozen=True, slots=True)
class Call:
    """All that one operation in one protocol needs, made once."""

    service: str
    operation: Operation
    handler: Handler
    codec: Codec
    asks: Asks
    """What it asks of the policies."""


_Compile = Callable[[Operation], Codec]


class Router:
    """Finds the call that a request asks for. Models are read when a request first needs them."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = {service.name: service for service in services}
        if len(self._services) != len(services):
            raise ValueError("two services of one name")
        self._targets: dict[str, Call] = {}
        self._calls: dict[tuple[str, str, str], Call] = {}
        self._templates: dict[str, Templates] = {}
        self._open: dict[tuple[str, bytes], tuple[Model, str]] | None = None

    def route(self, request: Request) -> Call | None:
        """The call; None when only the body can tell (then ask `by_action`). Raises Unrouted. Sets `request.labels`."""
        target = request.headers.get("x-amz-target")
        if target is not None:
            return self._targets.get(target) or self._by_target(target, scope_of(request))
        if request.headers.get("smithy-protocol"):
            return self._by_smithy(request)
        scope = scope_of(request) or self._scope_of_host(request)
        if scope not in (None, "s3") and (_is_form(request) or b"Action=" in request.query):
            return None
        if scope is None and request.path == b"/" and _is_form(request):
            return None  # an unsigned form at the root: no bucket is named, so it is no upload
        if scope is None and (call := self._unsigned(request)) is not None:
            return call
        return self._by_path(request, scope)

    def _unsigned(self, request: Request) -> Call | None:
        """The operation that AWS serves to unsigned requests on exactly this path. (S3 has no bucket of two letters, so
        /v1/... is nobody's object.)"""
        if self._open is None:
            self._open = {
                (one.operation(name).method, one.operation(name).uri.encode()): (one, name)
                for one in self._models()
                if "rest-json" in one.protocols
                for name in self._services[one.name].handlers
                if one.operation(name).unsigned
            }
        found = self._open.get((request.method, request.path))
        return None if found is None else self._call(*found, "rest-json")

    def by_action(self, request: Request) -> Call:
        """The call that a form names in Action. Raises Unrouted."""
        form = query.form_of(request)
        action = form.get("Action", "")
        scope = scope_of(request) or self._scope_of_host(request) or ""
        services = [one for one in self._models() if scope in ("", one.signing_name) and "query" in one.protocols]
        for one in services:
            version = form.get("Version", one.metadata["apiVersion"])
            if action in one and version == one.metadata["apiVersion"]:
                return self._call(one, action, "query")
        raise Unrouted("query", self._missing("query", scope, action, services))

    def served(self, service: str, operation: str) -> Call:
        """The call of a served operation, in the protocol its model names first. Raises NotImplementedHere."""
        found = self._services.get(service)
        if found is None or operation not in found.handlers:
            raise NotImplementedHere(f"{service} {operation} is not served by Clary yet.")
        one = model.load(service)
        protocol = next(name for name in one.protocols if name in _COMPILERS)
        return self._call(one, operation, protocol)

    def warm(self) -> None:
        """Read the models of all services, so that no first request waits for it. May run in a thread."""
        for one in self._models():
            if _is_rest(one):
                self._paths(one)

    def _by_target(self, target: str, scope: str | None) -> Call:
        prefix, _, name = target.rpartition(".")
        for one in self._models():
            if _names(one, prefix) and "json" in one.protocols:
                if name not in one:
                    raise Unrouted("json", self._missing("json", one.name, name, [one]))
                call = self._targets[target] = self._call(one, name, "json")
                return call
        raise Unrouted("json", self._missing("json", scope or prefix, name, []))

    def _by_smithy(self, request: Request) -> Call:
        protocol, named = request.headers["smithy-protocol"], rpc_cbor.named(request.path)
        if protocol != "rpc-v2-cbor" or named is None or request.method != "POST":
            sentence = (
                f"The request names the protocol {protocol}, and no operation of it: see the Smithy specification."
            )
            raise Unrouted("json", UnknownOperationException(sentence))
        prefix, _, name = named.rpartition(".")
        for one in self._models():
            if one.target_prefix == prefix and "smithy-rpc-v2-cbor" in one.protocols:
                if name not in one:
                    raise Unrouted("json", self._missing("json", one.name, name, [one]))
                return self._call(one, name, "smithy-rpc-v2-cbor")
        raise Unrouted("json", self._missing("json", scope_of(request) or prefix, name, []))

    def _by_path(self, request: Request, scope: str | None) -> Call:
        # A request without a signature can only mean S3, whose objects may be public.
        scope = scope or "s3"
        path = with_bucket_of_host(request) if scope == "s3" else request.path
        candidates = [one for one in self._models() if one.signing_name == scope and _is_rest(one)]
        for one in candidates:
            found = self._paths(one).find(request, path)
            if found is not None:
                name, request.labels = found
                return self._call(one, name, "rest-xml" if "rest-xml" in one.protocols else "rest-json")
        if scope == "s3" and request.headers.get("content-type", "").startswith("multipart/form-data"):
            sentence = "Form uploads (POST object) are not served yet: send a presigned PUT instead."
            raise Unrouted("s3", NotImplementedHere(sentence))
        if scope == "s3":
            raise Unrouted("s3", MethodNotAllowed("The specified method is not allowed against this resource."))
        path_text = path.decode("latin-1")
        raise Unrouted("json", self._missing("json", scope, f"{request.method} {path_text}", candidates))

    def _call(self, one: Model, name: str, protocol: str) -> Call:
        key = (one.name, name, protocol)
        call = self._calls.get(key)
        if call is None:
            handler = self._services[one.name].handlers.get(name)
            if handler is None:
                family: Family = "s3" if protocol == "rest-xml" else "query" if protocol == "query" else "json"
                raise Unrouted(family, NotImplementedHere(f"{one.name} {name} is not served by Clary yet."))
            operation = one.operation(name)
            asks = self._services[one.name].asks(name)
            call = self._calls[key] = Call(one.name, operation, handler, _COMPILERS[protocol](operation), asks)
        return call

    def _scope_of_host(self, request: Request) -> str | None:
        """The signing name of the service whose host an unsigned request is for; None: no host of AWS. What such a
        request lacks is then said in that service's words."""
        prefix = hosts.endpoint_prefix_of(request.headers.get("host", ""))
        if prefix is None:
            return None
        return next((one.signing_name for one in self._models() if one.metadata["endpointPrefix"] == prefix), None)

    def _models(self) -> list[Model]:
        return [model.load(name) for name in self._services]

    def _paths(self, one: Model) -> Templates:
        if one.name not in self._templates:
            self._templates[one.name] = Templates(one)
        return self._templates[one.name]

    def _missing(self, family: Family, service: str, name: str, served: Sequence[Model]) -> ServiceError:
        """Says whether AWS has the operation and Clary does not, or AWS has none of that name."""
        known = any(name in one for one in served)
        if not served:
            try:
                known = name in model.load(service)
            except model.NoSuchModel:
                return NotImplementedHere(f"The service {service or '(none named)'} is not served by Clary.")
        if known:
            return NotImplementedHere(f"{service} {name} is not served by Clary yet.")
        if family == "query":
            message = f"The action {name} is not valid for this web service."
            return ServiceError(message, code="InvalidAction", status=501)
        return UnknownOperationException(f"{service} has no operation {name}.")


_COMPILERS: dict[str, _Compile] = {
    "json": json.compile_codec,
    "rest-json": rest_json.compile_codec,
    "query": query.compile_codec,
    "rest-xml": rest_xml.compile_codec,
    "smithy-rpc-v2-cbor": rpc_cbor.compile_codec,
}


def scope_of(request: Request) -> str | None:
    """The signing name that the request claims; None when it is not signed with Signature Version 4."""
    text = request.headers.get("authorization", "")
    at = text.find("Credential=")
    if at >= 0:
        parts = text[at + 11 :].split(",", 1)[0].rsplit("/", 2)
    elif "X-Amz-Credential" in request.args:
        parts = request.args["X-Amz-Credential"][0].rsplit("/", 2)
    else:
        return None
    return parts[1] if len(parts) == 3 else None


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return request.method == "POST" and kind.startswith("application/x-www-form-urlencoded")


def _names(one: Model, prefix: str) -> bool:
    """Whether the prefix of a target names the service. CloudTrail's is com.amazonaws.cloudtrail.v20131101.
    CloudTrail_20131101; the SDKs that are made from Smithy say the last part of it only, and AWS takes both."""
    full = one.target_prefix
    return full is not None and prefix in (full, full.rpartition(".")[2])


def _is_rest(one: Model) -> bool:
    return "rest-xml" in one.protocols or "rest-json" in one.protocols


def with_bucket_of_host(request: Request) -> bytes:
    """`bucket.<host>/key` as `/bucket/key`, where the host names a bucket."""
    bucket = hosts.bucket_of(request.headers.get("host", ""))
    return b"/" + bucket.encode() + request.path if bucket else request.path
