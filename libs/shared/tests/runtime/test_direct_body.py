"""A response that is written to the socket itself: nothing is lost when the client does not read, and nobody writes to
one that is gone."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator

import pytest

from tertulia_shared.runtime.http import DIRECT_BODY, BoundedHttpProtocol, DirectBody

from .conftest import connected_to

PIECE = b"10000\r\n" + b"x" * 65536 + b"\r\n"
PIECES = 200


class Feed:
    """Writes 200 pieces of 64 KiB as the socket takes them, then ends the response, or waits for the client to go."""

    def __init__(self) -> None:
        self.blocked = 0
        self.gone = asyncio.Event()
        self.stay = False
        self._may_go_on = asyncio.Event()

    def writable(self) -> None:
        self._may_go_on.set()

    def vanish(self) -> None:
        self.gone.set()
        self._may_go_on.set()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan here")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body: DirectBody = scope["extensions"][DIRECT_BODY](self)
        for _ in range(PIECES):
            self._may_go_on.clear()
            body.write(PIECE)
            if body.blocked:
                self.blocked += 1
                await self._may_go_on.wait()
        if self.stay:
            await self.gone.wait()
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture
async def feed() -> Feed:
    return Feed()


@pytest.fixture
async def connection(feed: Feed) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with connected_to(feed) as streams:
        yield streams


async def test_a_client_that_reads_late_gets_everything_and_the_connection_serves_again(feed: Feed, connection) -> None:
    reader, writer = connection
    for _ in range(2):
        feed.blocked = 0
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(10):
            while not feed.blocked:
                await asyncio.sleep(0.01)
            assert b"transfer-encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(PIECES * len(PIECE)) == PIECE * PIECES
            assert await reader.readexactly(5) == b"0\r\n\r\n"
    assert not feed.gone.is_set()


async def test_who_writes_is_told_when_the_client_has_gone(feed: Feed, connection) -> None:
    feed.stay = True
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readexactly(PIECES * len(PIECE))
    assert not feed.gone.is_set()
    writer.close()
    await asyncio.wait_for(feed.gone.wait(), 5)


async def test_a_client_that_goes_while_the_socket_is_blocked_wakes_the_writer(feed: Feed, connection) -> None:
    _, writer = connection
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(5):
        while not feed.blocked:
            await asyncio.sleep(0.01)
    writer.transport.abort()
    await asyncio.wait_for(feed.gone.wait(), 5)


async def test_a_client_of_http_1_0_gets_no_chunks_and_the_end_of_the_connection(feed: Feed, connection) -> None:
    reader, writer = connection
    writer.write(b"GET / HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\n\r\n")
    async with asyncio.timeout(10):
        while not feed.blocked:
            await asyncio.sleep(0.01)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert await reader.read() == b"x" * 65536 * PIECES


async def test_a_connection_that_went_away_needs_no_collection(feed: Feed, connection) -> None:
    reader, writer = connection
    feed.stay = True
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(PIECES * len(PIECE))
    gc.collect()
    gc.disable()
    try:
        # There is one connection: no other test's is left after the collection.
        (held,) = (weakref.ref(each) for each in gc.get_objects() if isinstance(each, BoundedHttpProtocol))
        writer.transport.abort()
        async with asyncio.timeout(5):
            while held() is not None:
                await asyncio.sleep(0.02)
    finally:
        gc.enable()
