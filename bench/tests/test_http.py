"""The lean client: what it takes for an answer is one to what it asked."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tertulia_bench.http import Caller

HOST = "127.0.0.1"
SLOW_S = 0.2


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The path that was asked for, as JSON; `/slow` takes its time."""
    try:
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
            if path == b"/slow":
                await asyncio.sleep(SLOW_S)
            body = b'"%b"' % path
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    except asyncio.IncompleteReadError:
        writer.close()


@pytest_asyncio.fixture
async def caller() -> AsyncGenerator[Caller]:
    server = await asyncio.start_server(_answer, HOST, 0)
    async with server:
        caller = await Caller.open(HOST, server.sockets[0].getsockname()[1])
        yield caller
        caller.close()


async def test_an_answer_that_nobody_waits_for_any_more_is_not_given_to_the_next(caller: Caller):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SLOW_S / 4):
            await caller.call("GET", "/slow")

    assert await caller.call("GET", "/quick") == "/quick"
    assert await caller.call("GET", "/slow") == "/slow"
