"""A client's connection that carries inferences: requests in, answers out, one at a time and in order."""

import asyncio
import logging
import os
import socket
import time
from hashlib import sha256
from typing import cast

from clary.engines.serving.answers import (
    CONTINUE,
    LAST_CHUNK,
    STREAM,
    check_request,
    chunk,
    fault_document,
    model_headers,
    pieces,
    render_fault,
    render_reply,
    render_stream_head,
)
from clary.engines.serving.base import Reply
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import (
    RETRY_AFTER_SECONDS,
    Fault,
    Target,
    fault_in,
    fault_of,
    not_served,
    stream_fault,
)
from clary.engines.serving.framing import BadRequest, Head, sniff
from clary.engines.serving.incoming import Incoming
from clary.engines.serving.likeness import VARIABLE, Likeness
from clary.engines.serving.shared import Denied, Shared
from clary.kernel import ids

logger = logging.getLogger(__name__)

PIPELINE_BYTES = 64 * 1024
"""What a client may send ahead while its request is answered."""
DIGEST_INLINE_BYTES = 256 * 1024
"""Larger bodies are digested in a thread: a millisecond of the loop is dear."""
NEVER = float("inf")
_CODES = {408: "RequestTimeout", 413: "", 431: "RequestHeaderFieldsTooLarge", 501: "NotImplemented"}


class InferenceConnection(asyncio.Protocol):
    """States: at a boundary (no head is here), in a body, `_busy` (a request is being answered), `_handing` (it leaves
    for the control process), `_refused` (an error was answered, the rest is thrown away). Not reentrant: `_advance`
    is the only loop."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._incoming = Incoming(shared)
        self._began = 0.0
        """Loop time of the first byte of the request at hand; 0 between requests."""
        self._likeness: Likeness | None = shared.likenesses.latest
        """What this client's requests look like."""
        self._exchange: Exchange | None = None
        self._streamed = False
        """The head of an answer in events has been written."""
        self._target = Target("", "", "")
        self._request_id = ""
        self._busy = self._blocked = self._handing = self._refused = self._advancing = self._half_closed = False
        self.deadline = self._loop.time() + shared.bounds.head_seconds
        """Loop time at which `expire` shall be called."""

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._shared.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if not self._incoming.buffer and self._known(data):
            return
        self._incoming.buffer += data
        if self._busy or self._blocked:
            if len(self._incoming.buffer) > PIPELINE_BYTES and self._transport is not None:
                self._transport.pause_reading()
            return
        self._advance()

    def eof_received(self) -> bool:
        """A client that has closed its side still gets its answer."""
        self._half_closed = True
        return self._busy or self._handing

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._shared.connections.discard(self)
        if self._exchange is not None and self._exchange.sent == 0.0:
            self._shared.router.drop(self._exchange)  # nobody waits for it, and no model works on it yet
            self._exchange = None
            self._busy = False
        elif self._exchange is not None and self._streamed:
            self._give_up_stream(self._exchange)
        if not self._busy:  # else the body is still in use, and counts until `_admit` or `_told`
            self._incoming.release()
        if not self._shared.connections:
            self._shared.emptied()

    def pause_writing(self) -> None:
        self._blocked = True
        if self._streamed and self._exchange is not None:
            self._exchange.pause()
        if not self._refused:
            self.deadline = self._loop.time() + self._shared.bounds.write_seconds

    def resume_writing(self) -> None:
        self._blocked = False
        if self._handing:
            self._hand_over_now()
        elif not self._busy:
            self._go_on()
        elif self._streamed and self._exchange is not None:
            self.deadline = NEVER
            self._exchange.resume()

    # What the front calls.

    def expire(self) -> None:
        """The deadline has passed: a slow client is told so if it can hear it, an idle one is closed."""
        if self._refused or self._blocked or self._handing:
            self._abort()
        elif self._began:
            self._refuse(BadRequest(408, "The request did not arrive in time."))
        else:
            self.close()

    def close_if_idle(self) -> None:
        if not self._busy and not self._began and not self._handing:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Reading.

    def _advance(self) -> None:
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._readable() and self._step():
                pass
        except BadRequest as error:
            self._refuse(error)
        finally:
            self._advancing = False

    def _readable(self) -> bool:
        return not (self._busy or self._blocked or self._handing or self._refused) and self._transport is not None

    def _step(self) -> bool:
        """Take one step with what is in the buffer. False: more bytes are needed."""
        head = self._incoming.head
        if head is not None:
            body = self._incoming.read_body(head)
            if body is not None:
                self._begin(head, body)
            return body is not None
        if not self._incoming.buffer:
            self._began = 0.0
            self.deadline = self._loop.time() + self._shared.bounds.idle_seconds
            return False
        if not self._began:
            self._began = self._loop.time()
            self.deadline = self._began + self._shared.bounds.head_seconds
        kind = sniff(self._incoming.buffer)
        if kind == "other":
            self._hand_over()
        if kind != "inference":
            return False
        head = self._incoming.read_head()
        if head is None:
            return False
        self.deadline = self._loop.time() + self._shared.bounds.body_seconds
        if head.expects_continue and not self._incoming.buffer and head.length != 0 and self._transport is not None:
            self._transport.write(CONTINUE)
        return True

    def _known(self, data: bytes) -> bool:
        """The bytes are one whole request of a kind that has been learnt, and it is on its way."""
        latest = self._likeness
        if latest is not None and self._recognised(latest, data):
            return True
        likely = self._shared.likenesses.likely(data)
        if likely is None or likely is latest or not self._recognised(likely, data):
            return False
        self._likeness = likely
        return True

    def _recognised(self, likeness: Likeness, data: bytes) -> bool:
        """The bytes are one whole request that looks like those before, and it is on its way. False: nothing has been
        done; whatever is the matter with it, the parser will say."""
        if self._busy or self._incoming.head is not None or self._blocked or self._handing:
            return False
        found = likeness.match(data)
        if found is None:
            return False
        groups = found.groups()
        body = data[found.end() :]
        size = len(body)
        shared = self._shared
        if size != int(groups[likeness.length]) or shared.held + size > shared.bounds.held_bytes:
            return False
        try:
            likeness.again(likeness.values(groups), sha256(body).hexdigest(), groups[likeness.signature], self._peer)
        except Exception:  # the parser's way comes to the same, and says it
            return False
        shared.held += size
        self._incoming.held = size
        self._busy = True
        self.deadline = NEVER
        shared.counters.requests += 1
        self._request_id = shared.request_ids.next()
        self._target = likeness.target
        exchange = shared.router.dispatch(likeness.key, likeness.headers_of(groups), body, self._told)
        self._exchange = None if exchange.done else exchange
        return True

    def _learn(self, head: Head) -> None:
        """The request, which has been let in, may be like those to come."""
        incoming, shared = self._incoming, self._shared
        if incoming.block:
            self._likeness = shared.likenesses.learn(
                incoming.block, head, lambda: shared.authenticate.again(head, VARIABLE), self._target
            )
            incoming.block = b""

    # Answering.

    def _begin(self, head: Head, body: bytes) -> None:
        self._busy = True
        self.deadline = NEVER  # from here on the router's bound holds
        self._shared.counters.requests += 1
        self._request_id = self._shared.request_ids.next()
        if len(body) <= DIGEST_INLINE_BYTES:
            self._admit(head, body, sha256(body).hexdigest())
            return
        digested = self._loop.run_in_executor(None, lambda: sha256(body).hexdigest())
        digested.add_done_callback(lambda done: self._admit(head, body, done.result()))

    def _peer(self) -> str:
        """The client's address, if it has one."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else ""

    def _admit(self, head: Head, body: bytes, digest: str) -> None:
        if self._transport is None:  # the client went away while its body was digested
            self._incoming.release()
            return
        try:
            caller = self._shared.authenticate(head, digest, self._peer)
            headers = model_headers(head.operation, head.headers)
            fault = check_request(head.operation, headers)
            if head.operation == STREAM and self._shared.events is None:
                fault = not_served("the operation InvokeEndpointWithResponseStream")
            if fault is None:
                self._target = Target(caller.account, caller.region, head.endpoint)
                self._learn(head)
                key = (caller.account, caller.region, head.endpoint)
                sink = self if head.operation == STREAM else None
                exchange = self._shared.router.dispatch(key, headers, body, self._told, sink)
                self._exchange = None if exchange.done else exchange
                return
        except Denied as denied:
            fault = denied.fault
        except Exception:
            logger.exception("an inference failed inside", extra={"request_id": self._request_id})
            fault = Fault(500, "InternalFailure", "An internal failure occurred.")
        self._shared.counters.refused += 1
        self._answer(render_fault(fault, self._request_id, self._shared.date, self._closes()))

    def _told(self, exchange: Exchange) -> None:
        """The router has an outcome."""
        self._exchange = None
        self._shared.counters.ended(exchange, time.perf_counter(), self._request_id)
        transport, reply = self._transport, exchange.reply
        if transport is None:
            self._incoming.release()
        elif (
            reply is not None
            and reply.status == 200
            and self._incoming.head is None  # it was recognised, so it is plain
            and not (
                self._streamed or self._incoming.buffer or self._half_closed or self._blocked or self._shared.draining
            )
        ):
            shared = self._shared
            self._incoming.release()
            self._busy = False
            transport.write(render_reply(reply, self._request_id, shared.date, False))
            self.deadline = self._loop.time() + shared.bounds.idle_seconds
        else:
            self._answer(self._rendered(exchange))

    def _rendered(self, exchange: Exchange) -> bytes:
        date, closes = self._shared.date, self._closes()
        reply = exchange.reply
        if self._streamed:
            return self._last_event(exchange) + LAST_CHUNK
        if reply is None:
            assert exchange.error is not None
            return render_fault(fault_of(exchange.error, self._target), self._request_id, date, closes)
        fault = fault_in(reply, self._target)
        if fault is not None:
            return render_fault(fault, self._request_id, date, closes)
        if exchange.sink is not None:
            return self._in_events(reply, date, closes)
        return render_reply(reply, self._request_id, date, closes)

    def _in_events(self, reply: Reply, date: bytes, closes: bool) -> bytes:
        """A good answer that came in one piece, as compiled models answer, for a client that wants events."""
        assert self._shared.events is not None
        part = self._shared.events.part
        head = render_stream_head(reply, self._request_id, date, closes)
        return b"".join((head, *(chunk(part(piece)) for piece in pieces(reply.body)), LAST_CHUNK))

    def _last_event(self, exchange: Exchange) -> bytes:
        if exchange.error is None:
            return b""
        assert self._shared.events is not None
        fault = stream_fault(exchange.error)
        return chunk(self._shared.events.error(fault.code, fault_document(fault)))

    # An answer in parts: what a router calls before `_told`.

    def opened(self, exchange: Exchange, reply: Reply) -> None:
        self._exchange = exchange
        self._streamed = True
        if self._transport is None:
            self._give_up_stream(exchange)
            self._incoming.release()
        else:
            self._transport.write(render_stream_head(reply, self._request_id, self._shared.date, self._closes()))

    def part(self, data: bytes) -> None:
        if self._transport is not None and self._shared.events is not None:
            self._transport.write(chunk(self._shared.events.part(data)))

    def _give_up_stream(self, exchange: Exchange) -> None:
        """The client is gone: the model need not go on."""
        self._exchange = None
        self._busy = self._streamed = False
        self._shared.router.abandon(exchange)

    def _closes(self) -> bool:
        """The answer at hand is the last on this connection."""
        last = self._half_closed and not self._incoming.buffer
        return self._shared.draining or last or (self._incoming.head is not None and not self._incoming.head.keep_alive)

    def _answer(self, data: bytes) -> None:
        assert self._transport is not None
        closes = self._closes()
        self._incoming.clear()
        self._busy = self._streamed = False
        self._began = 0.0
        self._transport.write(data)
        if closes:
            self._transport.close()
        elif self._blocked:
            return
        elif self._incoming.buffer or self._half_closed:
            self._go_on()
        else:
            self.deadline = self._loop.time() + self._shared.bounds.idle_seconds

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._advance()
            if self._half_closed and self._readable():
                self.close()  # what is left of a request that will never be whole

    def _refuse(self, error: BadRequest) -> None:
        """The client hears why, and then the end. What it still sends is read and thrown away for a while: closing on
        unread bytes would reset the connection before it could read the answer."""
        if self._transport is None:
            return
        self._shared.counters.requests += 1
        self._shared.counters.refused += 1
        retry_after = RETRY_AFTER_SECONDS if error.status == 503 else None
        code = "ServiceUnavailable" if error.status == 503 else _CODES.get(error.status, "ValidationError")
        fault = Fault(error.status, code, error.message, retry_after=retry_after)
        self._incoming.release()
        self._refused = True
        self._incoming.buffer.clear()
        self._transport.write(render_fault(fault, ids.request_id(), self._shared.date, close=True))
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()
            self._transport.resume_reading()
        self.deadline = self._loop.time() + self._shared.bounds.linger_seconds

    # Leaving for the control process.

    def _hand_over(self) -> None:
        """The connection goes to the control process with the bytes of the request that begins in the buffer. Answers
        that the client has not been sent yet go out first: the order on the wire is kept."""
        assert self._transport is not None
        self._handing = True
        self.deadline = self._loop.time() + self._shared.bounds.write_seconds
        self._transport.pause_reading()
        if self._transport.get_write_buffer_size() == 0:
            self._hand_over_now()
        else:
            self._transport.set_write_buffer_limits(high=0)  # `resume_writing` is called when everything is sent

    def _hand_over_now(self) -> None:
        assert self._transport is not None
        passed = socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))
        data = bytes(self._incoming.buffer)
        self._incoming.buffer.clear()
        # Our descriptor is closed, the connection is not: its duplicate lives on.
        self._transport.abort()
        self._shared.counters.handed_over += 1
        self._shared.sender.send(passed, data)
