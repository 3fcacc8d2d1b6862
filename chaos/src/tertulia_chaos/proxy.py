"""A TCP proxy in front of a server that can be told to behave like a bad network: cut, slow, stalled."""

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
SLOW_CHUNKS_PER_S = 5
SMALL_BUFFER_BYTES = 4096
"""Of the kernel, for a slow or stalled link: what it holds is not yet at the client, and the server must feel that."""

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a port of its own. Inside `async with` it serves; behind it every link is cut.

    `bytes_per_s` bounds what goes from the server to each client; None does not. Links made under a bound also get
    small kernel buffers.
    """

    def __init__(self, port: int, *, bytes_per_s: float | None = None, small_buffers: bool = False) -> None:
        self.bytes_per_s = bytes_per_s
        self.made = 0
        """Links since the start."""
        self._target = port
        self._small_buffers = small_buffers or bytes_per_s is not None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: dict[asyncio.Task[None], tuple[socket.socket, ...]] = {}
        self._listener = _listening()
        self._accepting: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def links(self) -> int:
        """How many there are now."""
        return len(self._links)

    async def __aenter__(self) -> Self:
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
        await self.cut()
        self._listener.close()

    async def cut(self, *, reset: bool = True) -> int:
        """End every link, by a TCP reset or in good order. How many there were."""
        links = dict(self._links)
        if reset:
            for ends in links.values():
                for end in ends:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)
        return len(links)

    def stall(self) -> None:
        """Nothing passes until `release`, in neither direction; the links stay."""
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            self.made += 1
            link = asyncio.create_task(self._link(client))
            self._links[link] = (client,)
            link.add_done_callback(self._forget)

    def _forget(self, link: asyncio.Task[None]) -> None:
        for end in self._links.pop(link, ()):
            end.close()

    async def _link(self, client: socket.socket) -> None:
        server = self._socket()
        task = asyncio.current_task()
        assert task is not None
        self._links[task] = (client, server)
        client.setblocking(False)
        if self._small_buffers:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER_BYTES)
        # A side that goes away ends the link; so does a server that is not there.
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_connect(server, (LOOPBACK, self._target))
            ways = [asyncio.create_task(self._up(client, server)), asyncio.create_task(self._down(server, client))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._small_buffers:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        return made

    async def _up(self, client: socket.socket, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(client, CHUNK_BYTES):
            await self._flowing.wait()
            await loop.sock_sendall(server, data)

    async def _down(self, server: socket.socket, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._flowing.wait()
            rate = self.bytes_per_s
            size = CHUNK_BYTES if rate is None else max(1, int(rate / SLOW_CHUNKS_PER_S))
            data = await loop.sock_recv(server, size)
            if not data:
                return
            await self._flowing.wait()
            await loop.sock_sendall(client, data)
            if rate is not None:
                await asyncio.sleep(len(data) / rate)


def _listening() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind((LOOPBACK, 0))
    listener.listen(1024)
    return listener
