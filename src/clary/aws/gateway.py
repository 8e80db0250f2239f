"""The front door: an ASGI application over the registered services, and the same door for calls from inside."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from clary.aws import query, rest_xml, sigv2
from clary.aws.anonymous import anonymous, is_unsigned
from clary.aws.audit import Auditor, Hearing
from clary.aws.authorize import Authorizer, origin_of
from clary.aws.body import of_bytes
from clary.aws.credentials import ANONYMOUS, KeyRing, KeyUses, Principal
from clary.aws.doors import Porch
from clary.aws.errors import AccessDenied, ServiceError
from clary.aws.http import Answer, ClientGone, Message, Receive, Request, Send
from clary.aws.inside import Inside
from clary.aws.json import encode_error
from clary.aws.refusals import Family, refusal
from clary.aws.route import Call, Router, Unrouted, with_bucket_of_host
from clary.aws.s3_body import check_whole, open_body
from clary.aws.service import Context, Service
from clary.aws.sigv2 import REGION
from clary.aws.sigv4 import Refused, Signed, Verifier
from clary.aws.strict import Strict
from clary.aws.traffic import Called, Traffic
from clary.kernel import ids, log
from clary.kernel.audit import AuditLog
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc
from clary.kernel.store import Store

LOG = logging.getLogger(__name__)
ACCESS = logging.getLogger("clary.access")

DOCUMENT_BYTES: Final = 16 * 2**20
"""The longest body of an operation whose input is a document."""
BLOB_BYTES: Final = 32 * 2**20
"""The longest body of an operation that takes opaque bytes and is not streamed."""
DRAIN_BYTES: Final = 2**20
"""What is read and thrown away so that a connection can be kept after a refusal."""

_NOTHING: Final[Mapping[str, str]] = {}


class InternalFailure(ServiceError):
    """What the client is told of an error that no service declared: nothing."""

    status = 500


class Gateway:
    """Serves `services` to signed requests. An ASGI 3 application; `inside` is for Clary's own calls.

    `strict` refuses answers that are not of their modelled shape: for tests."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        ring: KeyRing,
        store: Store,
        clock: Clock,
        ports: Mapping[type, Any],
        account: str,
        strict: bool = False,
    ) -> None:
        self.router = Router(services)
        self.verifier = Verifier(ring, clock)
        self.authorizer = Authorizer(ports, account)
        self._inside = Inside(self.router, self.authorizer, store, clock, ports, account)
        audit: AuditLog | None = ports.get(AuditLog)
        self._auditor = None if audit is None else Auditor(audit, clock, account, services)
        self._inside.auditor = self._auditor
        self._strict = Strict() if strict else None
        self._clock = clock
        self._uses: KeyUses | None = ports.get(KeyUses)
        self._traffic: Traffic | None = ports.get(Traffic)
        doors = [door for service in services for door in service.doors]
        self._doors = sorted(doors, key=lambda door: not door.first)
        self._finishers = [finish for service in services for finish in service.finishers]

    def calls(self) -> Inside:
        """The way by which Clary itself calls operations."""
        return self._inside

    def inside(self, principal: Principal, region: str) -> Context:
        """The context of a call that Clary makes by itself, as `principal`."""
        return self._inside.context(principal, region, ids.request_id())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"no {scope['type']} here")
        began = time.perf_counter()
        request, request_id = Request(scope, receive), ids.request_id()
        token = log.bind(request_id=request_id)
        call: list[Call] = []
        answer, gone = Answer(0), False
        try:
            answer = await self._answer(request, request_id, call)
            for finish in self._finishers:
                finish(request, answer, lambda: self._inside.context(ANONYMOUS, REGION, request_id))
            await _settle_body(request, answer)
            await _send(request, answer, send)
        except ClientGone:
            gone = True
        finally:
            if self._traffic is not None:
                name = Called(call[0].service, call[0].operation.name) if call else Called("", request.door)
                self._traffic.ended(name, 0 if gone else answer.status, time.perf_counter() - began)
            _access(request, call, answer, gone, began)
            log.unbind(token)

    async def _answer(self, request: Request, request_id: str, found: list[Call]) -> Answer:
        family: Family = "query"
        try:
            for door in self._doors:
                if door.wants(request):
                    request.door, family = door.name, "s3"
                    return await door.answer(self._porch(request, request_id))
            call = self.router.route(request)
            if call is None:
                await request.read_body(DOCUMENT_BYTES)
                call = self.router.by_action(request)
            found.append(call)
            family = call.codec.family
            signed = await self._verified(request, call)
            return call.codec.encode(await self._performed(request, request_id, call, signed), request_id)
        except Unrouted as unrouted:
            return _refuse(unrouted.error, unrouted.family, found, request, request_id)
        except Refused as refused:
            return _refuse(refusal(refused, family), family, found, request, request_id)
        except ServiceError as error:
            return _refuse(error, family, found, request, request_id)
        except ClientGone:
            raise
        except Exception:
            LOG.exception("a handler failed", extra={"operation": found[0].operation.name if found else ""})
            failure = InternalFailure("The request processing has failed because of an unknown error.")
            return _refuse(failure, family, found, request, request_id)

    async def _performed(self, request: Request, request_id: str, call: Call, signed: Signed) -> Doc:
        """What the operation answers to whoever signed the request. The audit hears of it, whatever comes of it."""
        if self._uses is not None and signed.principal.kind != "root":
            self._uses.used(signed.principal, signed.access_key_id, signed.service, signed.region)
        trusted = self.authorizer.trusted(signed.principal)
        ctx = self._inside.context(
            signed.principal,
            signed.region,
            request_id,
            headers=request.headers,
            family=call.codec.family,
            origin=_NOTHING if trusted else origin_of(request),
            gone=request.gone,
        )
        with Hearing(self._auditor, call, ctx, signed.access_key_id, request.client) as heard:
            doc = heard.doc = _decoded(call, request, signed)
            if not trusted and not call.operation.unsigned:
                self.authorizer.check(ctx, call.asks(ctx, doc))
            result = heard.result = await call.handler(ctx, doc)
            if call.operation.unsigned:
                heard.principal = result.pop("_principal", None)
            if self._strict:
                self._strict.check(call.operation, result)
            return result

    def _porch(self, request: Request, request_id: str) -> Porch:
        def context(principal: Principal, region: str) -> Context:
            return self._inside.context(
                principal, region, request_id, headers=request.headers, family="s3", origin=origin_of(request)
            )

        def hear(call: Call, ctx: Context) -> Hearing:
            return Hearing(self._auditor, call, ctx, address=request.client)

        served, checked = self.router.served, self._inside.checked
        return Porch(request, request_id, self._clock, self.verifier.known, context, served, checked, hear)

    async def _verified(self, request: Request, call: Call) -> Signed:
        """Who signed it. The body is then read and proven, or stands in `request.stream` to be proven at its end."""
        operation = call.operation
        chunked = request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        if call.codec.family == "s3" and (operation.streams_in or chunked):
            signed = self._proven(request, call, None)
            request.stream = open_body(request, signed)
            if not operation.streams_in:
                await request.keep(request.stream, DOCUMENT_BYTES)
            return signed
        limit = BLOB_BYTES if operation.body_is_blob else DOCUMENT_BYTES
        body = request.body or await request.read_body(limit)
        signed = self._proven(request, call, sha256(body).hexdigest())
        if operation.checksum is not None:
            check_whole(request, bool(operation.checksum.get("requestChecksumRequired")))
        if operation.streams_in:
            request.stream = of_bytes(body)
        return signed

    def _proven(self, request: Request, call: Call, body_sha256: str | None) -> Signed:
        if (call.codec.family == "s3" or call.operation.unsigned) and is_unsigned(request):
            return anonymous(request)
        if call.codec.family == "s3" and sigv2.is_presigned(request.query):
            path, now = with_bucket_of_host(request), self._clock.now()
            return sigv2.verify(request.method, path, request.query, request.headers, now, self.verifier.known)
        if call.codec.family == "s3" and sigv2.is_header(request.headers):
            path, now = with_bucket_of_host(request), self._clock.now()
            return sigv2.verify_header(request.method, path, request.query, request.headers, now, self.verifier.known)
        signed = self.verifier.verify_read(request.method, request.path, request.query, request.headers, body_sha256)
        name = call.operation.model.signing_name
        if signed.service != name:
            # Else a signature made for one service could be carried to another.
            raise Refused("mismatch", f"Credential should be scoped to correct service: '{name}'.")
        return signed


def _decoded(call: Call, request: Request, signed: Signed) -> Doc:
    """The request as the handler gets it. Strangers are not told what is wrong with theirs: they may not ask anyway,
    but for a well-formed few."""
    try:
        return call.codec.decode(request)
    except ServiceError:
        if signed.principal is ANONYMOUS and not call.operation.unsigned:
            raise AccessDenied("Access Denied", code="AccessDenied") from None
        raise


def _refuse(error: ServiceError, family: Family, found: list[Call], request: Request, request_id: str) -> Answer:
    if found:
        answer = found[0].codec.encode_error(error, request, request_id)
    else:
        answer = _ENCODERS[family](error, None, request, request_id)
    answer.code = error.error_code
    return answer


_ENCODERS: Final = {"s3": rest_xml.encode_error, "query": query.encode_error, "json": encode_error}


async def _settle_body(request: Request, answer: Answer) -> None:
    """The connection is left where the next request begins, or will be closed after the answer."""
    if request.read:
        return
    length = request.headers.get("content-length", "")
    waiting = "expect" in request.headers
    if not waiting and length.isdecimal() and int(length) <= DRAIN_BYTES:
        async for _ in request.chunks():
            pass
    else:
        answer.headers.append((b"connection", b"close"))


async def _send(request: Request, answer: Answer, send: Send) -> None:
    headers, body = answer.headers, answer.body
    bare = request.method == "HEAD" or answer.status in (204, 304)
    if isinstance(body, bytes):
        named = any(name == b"content-length" for name, _ in headers)
        if answer.status in (204, 304):
            # Neither has a body, and a length would announce one.
            headers = [one for one in headers if one[0] != b"content-length"]
        elif not named:
            headers.append((b"content-length", b"%d" % (0 if bare else len(body))))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bare else body})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    gone = asyncio.ensure_future(request.gone())
    try:
        async for chunk in body:
            if gone.done():
                raise ClientGone
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        if (close := getattr(body, "aclose", None)) is not None:
            await close()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _access(request: Request, found: list[Call], answer: Answer, gone: bool, began: float) -> None:
    if ACCESS.isEnabledFor(logging.INFO):
        extra: Doc = {
            "method": request.method,
            "path": request.path.decode("latin-1"),
            "service": found[0].service if found else "",
            "operation": found[0].operation.name if found else request.door,
            "status": answer.status,
            "ms": round((time.perf_counter() - began) * 1000, 3),
        }
        if answer.code:
            extra["code"] = answer.code
        if gone:
            extra["gone"] = True
        log.info(ACCESS, "request", extra)
