"""One client's connection: strict parsing, deadlines, pipelining in order, and an end that the client can read."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from tertulia_gateway.http1.buffers import bound_sending
from tertulia_gateway.http1.message import MAX_HEAD, MAX_HEADERS, BadRequest, HeadTooLarge, Request, RequestTimeout
from tertulia_gateway.http1.outbox import Outbox
from tertulia_shared.problems import Problem
from tertulia_shared.telemetry import logger

log = logger(__name__)

HEAD_TIME_S = 10.0
"""From a request's first byte to the end of its headers; then 408."""
IDLE_TIME_S = 75.0
STALL_TIME_S = 30.0
"""How long a client may leave our bytes unread before it counts as gone."""
LINGER_TIME_S = 2.0
MAX_PIPELINED = 32
WRITE_BUFFER = 64 * 1024
NEVER = float("inf")


class Conversation(Protocol):
    """What the front needs of an exchange."""

    @property
    def streaming(self) -> bool: ...
    def start(self) -> None: ...
    def on_request_body(self, chunk: bytes) -> None: ...
    def on_request_end(self) -> None: ...
    def refuse(self, problem: Problem) -> None: ...
    def abort(self) -> None: ...
    def on_deadline(self) -> None: ...
    def pause_response(self) -> None: ...
    def resume_response(self) -> None: ...


class Fronts:
    """All client connections of a process, and the clock that ends the overdue ones."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.connections: set[FrontConnection] = set()
        self.draining = False
        self.emptied = asyncio.Event()
        """Set once draining has seen the last connection go."""

    @property
    def streams(self) -> int:
        """How many of the connections carry a stream right now."""
        return sum(each.streaming for each in self.connections)

    def forget(self, connection: "FrontConnection") -> None:
        self.connections.discard(connection)
        if self.draining and not self.connections:
            self.emptied.set()

    def sweep(self, now: float) -> None:
        for connection in [each for each in self.connections if each.deadline <= now]:
            connection.on_deadline()

    def drain(self) -> None:
        """Say goodbye to whoever is not in the middle of something; the others close after their response."""
        self.draining = True
        if not self.connections:
            self.emptied.set()
        for connection in tuple(self.connections):
            connection.close_if_idle()

    def abort(self) -> None:
        for connection in tuple(self.connections):
            connection.abort()


class FrontConnection(asyncio.Protocol):
    """Requests are parsed as they come; one at a time is answered, further ones wait while reading is paused."""

    __slots__ = (
        "_active",
        "_body_paused",
        "_converse",
        "_deaf",
        "_failure",
        "_fed_bytes",
        "_fronts",
        "_head_bytes",
        "_in_head",
        "_lingering",
        "_outbox",
        "_parser",
        "_patience",
        "_queue",
        "_receiving",
        "_request",
        "_transport",
        "_unread",
        "_unsent",
        "_write_paused",
        "deadline",
        "keep_alive",
        "peer",
    )

    def __init__(self, fronts: Fronts, converse: Callable[["FrontConnection", Request], Conversation]) -> None:
        self._fronts = fronts
        self._converse = converse
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._outbox: Outbox = cast(Outbox, None)
        self._queue: deque[Conversation] = deque()
        self._active: Conversation | None = None
        self._receiving: Conversation | None = None
        self._request = Request()
        self._in_head = False
        self._head_bytes = 0
        self._fed_bytes = 0
        self._failure: Problem | None = None
        self._unread = False
        self._deaf = False
        self._lingering = False
        self._body_paused = False
        self._write_paused = False
        self._patience = NEVER
        self._unsent = 0
        self.keep_alive = True
        self.deadline = NEVER
        self.peer = ""

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._outbox = Outbox(self._transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self._fronts.connections.add(self)
        self.set_deadline(HEAD_TIME_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fronts.forget(self)
        self._lingering = True
        active, self._active = self._active, None
        if active is not None:
            active.abort()
        self._drop_queue()

    def data_received(self, data: bytes) -> None:
        if self._lingering or self._deaf:
            return
        try:
            # A header, trailer or chunk extension that never ends is not reported by the parser, so what was fed since
            # its last report is counted.
            self._fed_bytes += len(data)
            self._parser.feed_data(data)
            if self._fed_bytes > (2 * MAX_HEAD if self._in_head else MAX_HEAD):
                self._fail(HeadTooLarge())
        except httptools.HttpParserUpgrade:
            # No protocol is offered to upgrade to, so the request is answered as it is (RFC 9110, 7.8) and the
            # connection, of which the client may think differently, ends with the answer.
            self._deaf = True
        except httptools.HttpParserError as error:
            self._fail(_problem_of(error))

    def eof_received(self) -> bool:
        """A client that has said all may still want its answers: True keeps our half open for them. Not for streams,
        which have no end to wait for and whose client most likely is gone."""
        if self._receiving is not None or self._active is None or self.streaming:
            return False
        self._deaf = True
        self.keep_alive = False
        return True

    def pause_writing(self) -> None:
        self._write_paused = True
        self._watch_reader(STALL_TIME_S)
        if self._active is not None:
            self._active.pause_response()

    def resume_writing(self) -> None:
        self._write_paused = False
        if not self._transport.is_closing() and not self._lingering:
            # Counted anew: the time that the client took to read is not held against the service.
            self.deadline = self._fronts.clock() + self._patience
        if self._active is not None:
            self._active.resume_response()

    # httptools

    def on_message_begin(self) -> None:
        self._request = Request()
        self._in_head = True
        self._head_bytes = 0
        self._unread = True
        if self._active is None and not self._lingering:
            self.set_deadline(HEAD_TIME_S)

    def on_url(self, url: bytes) -> None:
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # trailers are not passed on
        headers = self._request.headers
        headers.append((name.lower(), value))
        self._head_bytes += len(name) + len(value)
        if len(headers) > MAX_HEADERS or self._head_bytes > MAX_HEAD:
            raise HeadTooLarge

    def on_headers_complete(self) -> None:
        parser, request = self._parser, self._request
        if self._lingering:
            return  # the rest of a segment whose connection has had its last response
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise BadRequest("Only HTTP/1.1 is spoken here.")
        self._in_head = False
        self._fed_bytes = 0
        request.method = parser.get_method().decode("ascii")
        request.http10 = version == "1.0"
        request.understand()
        upgrade = parser.should_upgrade()
        if upgrade and request.has_body:
            raise BadRequest("A request with a body cannot be upgraded.")
        # Of a pipeline only the last request can end the connection, and that is the one parsed last.
        self.keep_alive = parser.should_keep_alive() and not request.http10 and not upgrade
        exchange = self._receiving = self._converse(self, request)
        if self._active is None:
            self._active = exchange
            exchange.start()
        elif len(self._queue) < MAX_PIPELINED:
            self._queue.append(exchange)
            self._transport.pause_reading()
        else:
            exchange.abort()
            self._receiving = None
            raise BadRequest("Too many requests at once on one connection.")

    def on_body(self, body: bytes) -> None:
        self._fed_bytes = 0
        if self._receiving is not None:
            self._receiving.on_request_body(body)

    def on_message_complete(self) -> None:
        self._unread = False
        self._fed_bytes = 0
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            receiving.on_request_end()

    @property
    def streaming(self) -> bool:
        return self._active is not None and self._active.streaming

    # for the exchange

    def write(self, data: bytes) -> None:
        self._outbox.write(data)

    @property
    def will_close(self) -> bool:
        """Whether the response under way is the connection's last: said in its Connection header."""
        if self._queue or (self._failure is not None and self.keep_alive):
            return False
        return self._fronts.draining or not self.keep_alive

    def set_deadline(self, seconds: float | None) -> None:
        """Something must happen within `seconds`; None: silence may last. While bytes wait to be read, that counts."""
        self._patience = NEVER if seconds is None else seconds
        if not self._write_paused:
            self.deadline = self._fronts.clock() + self._patience

    def bound_buffer(self) -> None:
        """A stream follows: the kernel is to hold little of it."""
        bound_sending(self._transport)

    def pause_body(self) -> None:
        if not self._body_paused:
            self._body_paused = True
            self._transport.pause_reading()

    def resume_body(self) -> None:
        if self._body_paused:
            self._body_paused = False
            if not self._queue and not self._lingering:
                self._transport.resume_reading()

    def finished(self, exchange: Conversation, *, close: bool) -> None:
        """The exchange's response is written. Go on with the next request, or end the connection."""
        if exchange is not self._active:
            return
        self._active = None
        self._body_paused = False
        if close:
            self._end()
        elif self._queue:
            # In a turn of its own: a long pipeline of refused requests must not become as deep a stack.
            following = self._active = self._queue.popleft()
            asyncio.get_running_loop().call_soon(following.start)
        elif self._failure is not None:
            self._answer(self._failure)
        elif self._deaf:
            self._end()
        else:
            self.set_deadline(HEAD_TIME_S if self._in_head else IDLE_TIME_S)
        if not self._queue and not self._lingering:
            self._transport.resume_reading()

    def abort(self) -> None:
        self._outbox.drop()
        self._transport.abort()

    def break_off(self) -> None:
        """Send what is written and end: the client sees a message that is shorter than announced."""
        self._outbox.flush()
        self._transport.close()
        self._watch_reader(LINGER_TIME_S)

    def _watch_reader(self, seconds: float) -> None:
        """Within `seconds` the client must take some of what waits for it."""
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline = self._fronts.clock() + seconds

    # ends

    def close_if_idle(self) -> None:
        if self._active is None and not self._in_head and not self._lingering:
            self._transport.close()

    def on_deadline(self) -> None:
        if 0 < self._transport.get_write_buffer_size() < self._unsent:
            self._watch_reader(STALL_TIME_S)  # the client reads, however slowly
        elif self._lingering or self._write_paused or self._transport.is_closing():
            self._transport.abort()
        elif self._active is not None:
            self._active.on_deadline()
        elif self._in_head:
            self._fail(RequestTimeout())
        else:
            self._transport.close()
            self._watch_reader(LINGER_TIME_S)

    def _fail(self, problem: Problem) -> None:
        """The byte stream cannot be read any further. Requests that were read before it are still answered."""
        if self._lingering:
            return
        self._failure = problem
        self._deaf = True
        broken, self._receiving = self._receiving, None
        if broken is not None and broken is self._active:
            self.keep_alive = False
            broken.refuse(problem)
            return
        if broken is not None and broken in self._queue:
            self._queue.remove(broken)
            broken.abort()
        if self._active is None:
            self._answer(problem)

    def _answer(self, problem: Problem) -> None:
        self.keep_alive = False
        exchange = self._active = self._converse(self, self._request)
        exchange.refuse(problem)

    def _end(self) -> None:
        """Close so that the last response can be read: closing with unread input would make the kernel reset the
        connection, and the response with it (RFC 9112, 9.6)."""
        self._lingering = True
        self._drop_queue()
        self._outbox.flush()
        self._watch_reader(LINGER_TIME_S)
        if self._unread and self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    def _drop_queue(self) -> None:
        while self._queue:
            self._queue.popleft().abort()


def _problem_of(error: httptools.HttpParserError) -> Problem:
    if not isinstance(error, httptools.HttpParserCallbackError):
        return BadRequest()
    cause = error.__context__
    if isinstance(cause, Problem):
        return cause
    log.error("request failed", exc_info=cause)
    return Problem()
