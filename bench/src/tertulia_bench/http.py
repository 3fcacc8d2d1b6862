"""A lean HTTP/1.1 client: one connection, one request at a time, no objects per header.

The load generator shares the machine with what it measures, so its own cost counts. Requests are bytes that the caller
built; of a response it keeps the status and the body, or hands each piece of a stream on as it comes.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httptools
import msgspec

RESPONSE_TIMEOUT_S = 60.0


class Refused(RuntimeError):
    """A response with another status than wanted; carries its body."""


class Connection(asyncio.Protocol):
    """Set `on_chunk` before `open_stream` to receive a body in pieces."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._waiting: asyncio.Future[None] | None = None
        self._parts: list[bytes] = []
        self._streaming = False
        self.closed = False
        self.on_chunk: Callable[[bytes], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    async def request(self, raw: bytes) -> bytes:
        """The body of the response. Raises ConnectionError when the server goes away. Who stops waiting closes it: the
        response that still comes would be taken for the next one's."""
        self._parts = []
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        try:
            await self._waiting
        except asyncio.CancelledError:
            self.closed = True
            self._transport.close()
            raise
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def open_stream(self, raw: bytes) -> None:
        """Returns once the headers of a 200 are there; the body goes to `on_chunk`."""
        self._streaming = True
        await self.request(raw)
        if self.status != 200:
            raise Refused(f"{self.status} for a stream")

    def close(self) -> None:
        self.on_lost = None
        self._transport.close()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the server closed the connection"))
        elif self.on_lost is not None:
            self.on_lost()

    # httptools

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self._streaming:
            self._done()

    def on_body(self, body: bytes) -> None:
        if self.on_chunk is not None:
            self.on_chunk(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        self._done()

    def _done(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Caller:
    """Convenience for setting up: JSON in and out on one kept connection, one call at a time. One that the server
    closed because it was idle is opened again."""

    def __init__(self, connection: Connection, host: str, port: int) -> None:
        self._connection = connection
        self._address = (host, port)
        self._host = f"{host}:{port}"
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, host: str, port: int) -> "Caller":
        return cls(await Connection.open(host, port), host, port)

    async def call(self, method: str, path: str, body: object = None, token: str | None = None) -> Any:
        """The decoded answer. Raises Refused unless it is a 2xx."""
        async with self._lock, asyncio.timeout(RESPONSE_TIMEOUT_S):
            if self._connection.closed:
                self._connection = await Connection.open(*self._address)
            answer = await self._connection.request(raw_request(method, path, self._host, body, token))
        if not 200 <= self._connection.status < 300:
            raise Refused(f"{method} {path}: {self._connection.status} {answer[:500]!r}")
        return msgspec.json.decode(answer) if answer else None

    def close(self) -> None:
        self._connection.close()


def raw_request(method: str, path: str, host: str, body: object = None, token: str | None = None) -> bytes:
    payload = b"" if body is None else msgspec.json.encode(body)
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    if token is not None:
        head += f"Authorization: Bearer {token}\r\n"
    if body is not None:
        head += "Content-Type: application/json\r\n"
    if body is not None or method != "GET":
        head += f"Content-Length: {len(payload)}\r\n"
    return head.encode() + b"\r\n" + payload
