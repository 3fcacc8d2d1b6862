"""A bad network on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic

import pytest

from tertulia_chaos.proxy import LOOPBACK, Proxy

FLOOD_BYTES = 32 * 1024 * 1024
"""Far above what a kernel holds for one connection."""


class Server:
    """Echoes lines; `flood` is answered with as much as anybody takes."""

    def __init__(self) -> None:
        self.flooded = 0
        """Bytes that the server got rid of."""
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        with suppress(ConnectionError):
            await self._answer(reader, writer)
        writer.close()

    async def close(self) -> None:
        for writer in self._serving.values():
            writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"flood\n":
                await self._flood(writer)
            writer.write(line)
            await writer.drain()

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        while self.flooded < FLOOD_BYTES:
            writer.write(b"x" * 65_536)
            await writer.drain()
            self.flooded += 65_536


@asynccontextmanager
async def proxied(**settings: float | bool) -> AsyncIterator[tuple[Proxy, Server]]:
    server = Server()
    listening = await asyncio.start_server(server.serve, LOOPBACK, 0)
    async with Proxy(listening.sockets[0].getsockname()[1], **settings) as proxy:  # pyright: ignore[reportArgumentType]
        yield proxy, server
        await server.close()
    listening.close()


@asynccontextmanager
async def link(proxy: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_everything_passes_unchanged():
    async with proxied() as (proxy, _), link(proxy) as (reader, writer):
        for number in range(100):
            writer.write(b"line %d\n" % number)
        assert [await reader.readline() for _ in range(100)] == [b"line %d\n" % number for number in range(100)]
        assert (proxy.links, proxy.made) == (1, 1)


async def test_a_cut_resets_both_ends():
    async with proxied() as (proxy, _), link(proxy) as (reader, writer):
        writer.write(b"hello\n")
        await reader.readline()

        assert await proxy.cut() == 1

        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert proxy.links == 0


async def test_a_close_in_good_order_is_an_end_of_the_stream():
    async with proxied() as (proxy, _), link(proxy) as (reader, writer):
        writer.write(b"hello\n")
        await reader.readline()

        await proxy.cut(reset=False)

        assert await reader.read() == b""


async def test_the_next_link_works_after_a_cut():
    async with proxied() as (proxy, _):
        async with link(proxy):
            await asyncio.sleep(0.05)
            await proxy.cut()
        async with link(proxy) as (reader, writer):
            writer.write(b"again\n")
            assert await reader.readline() == b"again\n"


async def test_nothing_passes_while_it_is_stalled_and_nothing_is_lost_by_that():
    async with proxied() as (proxy, _), link(proxy) as (reader, writer):
        proxy.stall()
        writer.write(b"late\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.2)
        proxy.release()
        assert await reader.readline() == b"late\n"


async def test_a_slow_link_lets_its_rate_through():
    async with proxied(bytes_per_s=2_000.0) as (proxy, _), link(proxy) as (reader, writer):
        began = monotonic()
        writer.write(b"y" * 1_999 + b"\n")
        await reader.readline()
        assert 0.5 < monotonic() - began < 5


async def test_a_server_feels_that_its_client_is_slow():
    async with proxied(bytes_per_s=1_000.0) as (proxy, server), link(proxy) as (_, writer):
        writer.write(b"flood\n")
        await asyncio.sleep(0.5)
        held = server.flooded
        await asyncio.sleep(0.5)
        assert held < FLOOD_BYTES / 2
        assert server.flooded - held < 65_536 * 2


async def test_a_server_that_is_not_there_ends_the_link():
    async with proxied() as (gone, _):
        port = gone.port
    async with Proxy(port) as proxy, link(proxy) as (reader, _):
        assert await reader.read() == b""
