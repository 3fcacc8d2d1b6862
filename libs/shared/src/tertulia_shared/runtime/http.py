"""The HTTP protocol of our server: uvicorn's on httptools, which by itself bounds neither the size nor the time of a
request's head, and lets nobody write without a turn of the event loop.

`direct_body` is what a response that goes on for minutes needs: it hands out the way to the socket itself. An
application finds it in its scope, as ASGI's extensions are found; after `http.response.start` and before the last
`http.response.body` it may write chunks there, whole ones with each write.

A client that speaks HTTP/1.0 knows no chunks: what has no length goes to it as it is, and ends with the connection.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 15.0
DIRECT_BODY = "tertulia.direct_body"
"""Name in `scope["extensions"]`; its value is a function from a `Listener` to a `DirectBody`."""


class Listener(Protocol):
    """Whoever writes a body directly."""

    def writable(self) -> None:
        """The socket takes more again."""
        ...

    def vanish(self) -> None:
        """The connection is gone; nothing is written any more."""
        ...


class DirectBody:
    """The way to one socket. What the kernel takes is with it when `write` returns; when it does not take everything
    the rest is kept, `blocked` is true, and nothing more should be written before `Listener.writable`."""

    __slots__ = ("blocked", "listener", "write")

    def __init__(self, write: Callable[[bytes], None], listener: Listener) -> None:
        self.write = write
        self.listener = listener
        self.blocked = False


OpenDirectBody = Callable[[Listener], DirectBody]


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends a connection whose request line and headers are larger than 64 KiB or take longer than 15 s."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._direct: DirectBody | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)
        if self._direct is not None:
            self._direct.listener.vanish()
            self._direct = None
        self._let_go()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        if not self._in_head:
            self._begin_head()
        super().on_message_begin()
        cast(dict[str, Any], self.scope)["extensions"] = {DIRECT_BODY: self._open_direct_body}

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            _answer_without_chunks(self.cycle)
            cast(dict[str, Any], self.scope)["extensions"] = {DIRECT_BODY: self._open_bare_body}

    def on_response_complete(self) -> None:
        if self._direct is not None:
            self._direct = None
            self.transport.set_write_buffer_limits()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._direct is not None:
            self._direct.blocked = True

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._direct is not None:
            self._direct.blocked = False
            self._direct.listener.writable()

    def _let_go(self) -> None:
        """Of what points back at us: nothing comes here any more. Otherwise 9 KiB of each connection wait for a full
        collection, and a process that mostly holds what stays makes one seldom."""
        self.cycle = self.scope = cast(Any, None)

    def _open_direct_body(self, listener: Listener) -> DirectBody:
        # Whatever the kernel does not take at once counts as blocked.
        self.transport.set_write_buffer_limits(0)
        self._direct = DirectBody(self.transport.write, listener)
        if self.transport.is_closing():
            listener.vanish()
        return self._direct

    def _open_bare_body(self, listener: Listener) -> DirectBody:
        def write(chunks: bytes) -> None:
            self.transport.write(_content(chunks))

        body = self._open_direct_body(listener)
        body.write = write
        return body

    def _begin_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _answer_without_chunks(cycle: RequestResponseCycle) -> None:
    """Uvicorn would send chunks whatever the client speaks."""
    send = cast("Callable[[Any], Awaitable[None]]", cycle.send)
    bare = False

    async def send_bare(message: dict[str, Any]) -> None:
        nonlocal bare
        if message["type"] == "http.response.start":
            bare = all(name.lower() != b"content-length" for name, _ in message.get("headers", []))
            if bare:
                cycle.chunked_encoding = False
        elif bare:
            await _write(cycle, message.get("body", b""))
            message = {**message, "body": b""}
        await send(message)

    cycle.send = send_bare  # pyright: ignore[reportAttributeAccessIssue] -- narrower, as this server sends no others


async def _write(cycle: RequestResponseCycle, body: bytes) -> None:
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if body and not cycle.disconnected and cycle.scope["method"] != "HEAD":
        cycle.transport.write(body)


def _content(chunks: bytes) -> bytes:
    """What is inside of whole chunks."""
    pieces: list[bytes] = []
    place = 0
    while place < len(chunks):
        start = chunks.index(b"\r\n", place) + 2
        end = start + int(chunks[place : start - 2], 16)
        pieces.append(chunks[start:end])
        place = end + 2
    return b"".join(pieces)
