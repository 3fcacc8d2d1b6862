"""Connections to the services: kept alive, reused last-in first-out, one request at a time on each."""

import asyncio
from time import perf_counter
from typing import Protocol, cast
from urllib.parse import urlsplit

import httptools

from tertulia_gateway.headers import Headers
from tertulia_gateway.http1.outbox import Outbox
from tertulia_gateway.metrics import UPSTREAM_CONNECTIONS, UPSTREAM_ERRORS, UPSTREAM_SECONDS
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

CONNECT_TIMEOUT_S = 2.0
# The services close an idle connection after 75 s; to be earlier keeps a request from meeting a closing door.
IDLE_LIMIT_S = 60.0
WRITE_BUFFER = 64 * 1024
MAX_HEAD = 64 * 1024
SERVER_ERROR = 500


class Receiver(Protocol):
    """Who gets the response: an exchange."""

    method: str

    def on_response_head(self, status: int, headers: Headers) -> None: ...
    def on_response_body(self, chunk: bytes) -> None: ...
    def on_response_end(self) -> None: ...
    def on_upstream_lost(self, *, answered: bool, reused: bool) -> None: ...
    def pause_request(self) -> None: ...
    def resume_request(self) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """`uses` counts the requests it has carried: the first one cannot have met a dead keep-alive connection."""

    __slots__ = (
        "_answered",
        "_begun",
        "_framed",
        "_head",
        "_head_bytes",
        "_headers",
        "_in_head",
        "_outbox",
        "_parser",
        "_pool",
        "_request_open",
        "_until_close",
        "closed",
        "idle_since",
        "receiver",
        "transport",
        "uses",
    )

    def __init__(self, pool: "UpstreamPool") -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._in_head = True
        self._head_bytes = 0
        self._framed = False
        self._until_close = False
        self._answered = False
        self._begun = 0.0
        self._request_open = False
        self.receiver: Receiver | None = None
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._outbox: Outbox = cast(Outbox, None)
        self.closed = False
        self.idle_since = 0.0
        self.uses = 0

    def begin(self, receiver: Receiver) -> None:
        """The next response belongs to this receiver. The request counts as unfinished until `request_sent`."""
        self.receiver = receiver
        self.uses += 1
        self._begun = perf_counter()
        self._answered = False
        self._request_open = True

    def request_sent(self) -> None:
        self._request_open = False

    def write(self, data: bytes) -> None:
        self._outbox.write(data)

    def abort(self) -> None:
        """End the request at once, whatever state it is in."""
        self.receiver = None
        self.closed = True
        self._outbox.drop()
        self.transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._outbox = Outbox(self.transport)
        self._pool.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._pool.forget(self)
        receiver, self.receiver = self.receiver, None
        if receiver is None:
            return
        if self._until_close and not self._in_head and exc is None:
            receiver.on_response_end()
        else:
            receiver.on_upstream_lost(answered=self._answered, reused=self.uses > 1)

    def pause_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.pause_request()

    def resume_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.resume_request()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        self._answered = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            log.error("response failed", service=self._pool.name, exc_info=error.__context__)
            self._break_off()
            return
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            log.warning("response not understood", service=self._pool.name, error=str(error))
            self._break_off()
            return
        if self._in_head and self._head_bytes > MAX_HEAD:
            self._break_off()

    def _break_off(self) -> None:
        receiver, self.receiver = self.receiver, None
        self.abort()
        if receiver is not None:
            receiver.on_upstream_lost(answered=True, reused=self.uses > 1)

    # httptools

    def on_message_begin(self) -> None:
        self._headers = []
        self._in_head = True
        self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: nothing here has a use for it
        name = name.lower()
        if name == b"content-length" or (name == b"transfer-encoding" and value.lower().endswith(b"chunked")):
            self._framed = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        receiver = self.receiver
        if status < 200 or receiver is None:
            return
        self._in_head = False
        self._head_bytes = 0
        bodiless = status in (204, 304) or receiver.method == "HEAD"
        self._until_close = not self._framed and not bodiless
        self._pool.answered(status, perf_counter() - self._begun)
        receiver.on_response_head(status, self._headers)
        if receiver.method == "HEAD":
            # The parser cannot be told that no body follows these headers, so this connection has served.
            self.receiver = None
            self.closed = True
            self.transport.close()
            receiver.on_response_end()

    def on_body(self, body: bytes) -> None:
        if self.receiver is not None:
            self.receiver.on_response_body(body)

    def on_message_complete(self) -> None:
        if self._in_head:
            return  # an interim (1xx) response
        receiver, self.receiver = self.receiver, None
        if receiver is None:
            return
        self._in_head = True
        if self._request_open or self.closed or not self._parser.should_keep_alive():
            self.closed = True
            self.transport.close()
        else:
            self._pool.release(self)
        receiver.on_response_end()


class UpstreamPool:
    """The connections to one service. `url` is `http://host:port`."""

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        self.name = name
        self.url = url.rstrip("/")
        self._address = (parts.hostname or "", parts.port or 80)
        self._clock = asyncio.get_running_loop().time
        self._idle: list[UpstreamConnection] = []
        self.connections: set[UpstreamConnection] = set()
        self._seconds = UPSTREAM_SECONDS.labels(name)
        UPSTREAM_CONNECTIONS.labels(name, "idle").set_function(lambda: len(self._idle))
        UPSTREAM_CONNECTIONS.labels(name, "busy").set_function(lambda: len(self.connections) - len(self._idle))

    def answered(self, status: int, seconds: float) -> None:
        self._seconds.observe(seconds)
        if status >= SERVER_ERROR:
            self.failed("status")

    def failed(self, kind: str) -> None:
        UPSTREAM_ERRORS.labels(self.name, kind).inc()

    def idle(self) -> UpstreamConnection | None:
        """The connection that was used last, or None when all are busy."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not connection.transport.is_closing():
                return connection
        return None

    async def connect(self) -> UpstreamConnection:
        """A new connection. Raises DependencyUnavailable."""
        host, port = self._address
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: UpstreamConnection(self), host, port
                )
        except (OSError, TimeoutError):
            self.failed("unavailable")
            raise DependencyUnavailable(f"The {self.name} service does not answer.") from None
        return connection

    def release(self, connection: UpstreamConnection) -> None:
        connection.idle_since = self._clock()
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self, now: float) -> None:
        """Close what has been idle for long. The longest idle are first in the list."""
        while self._idle and now - self._idle[0].idle_since > IDLE_LIMIT_S:
            connection = self._idle.pop(0)
            connection.closed = True
            connection.transport.close()

    def close(self) -> None:
        for connection in tuple(self.connections):
            connection.abort()
        self._idle.clear()
