"""Clients that read slowly, stop reading or vanish: bounded, ended with a reason, and resumable without loss."""

import asyncio
import socket
from typing import Any

from tertulia_notify.delivery.connection import MAX_QUEUED_BYTES
from tertulia_notify.limits import Limits

CHANNEL = "c" * 36
KIB_4 = "x" * 4096


class RawClient:
    """A bare socket, so that reading can stop; its own receive buffer is small."""

    def __init__(self, url: str, token: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._address = (host, int(port))
        self._token = token
        self.received = b""

    async def connect(self) -> None:
        self._socket.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        request = f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n"
        await loop.sock_sendall(self._socket, request.encode())
        while b"event: hello" not in self.received:
            self.received += await loop.sock_recv(self._socket, 1024)

    async def read_all(self) -> bytes:
        """Until the response's last chunk."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while not self.received.endswith(b"0\r\n\r\n"):
                chunk = await loop.sock_recv(self._socket, 65536)
                if not chunk:
                    break
                self.received += chunk
        return self.received

    def close(self) -> None:
        self._socket.close()


def _events(raw: bytes) -> list[str]:
    """Names and ids of the whole frames in a chunked response."""
    body = raw.partition(b"\r\n\r\n")[2]
    plain = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        if not size or int(size, 16) == 0:
            break
        plain += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return plain.decode().split("\n\n")


async def test_a_slow_reader_is_ended_and_resumes_without_loss(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify() as notify:
        slow = RawClient(notify.url, world.token(ada))
        await slow.connect()
        quick = await notify.stream(world.token(bob))
        await quick.hello()
        reading = asyncio.ensure_future(quick.durable(800))
        for start in range(0, 800, 20):
            await world.publish(*(world.message(CHANNEL, f"{start + n} {KIB_4}") for n in range(20)))
            for connection in notify.parts.hub.registry:
                assert connection.queued_bytes <= MAX_QUEUED_BYTES + 5000
        assert len(await reading) == 800, "nobody else notices"
        frames = [frame for frame in _events(await slow.read_all()) if frame]
        slow.close()
        assert 'event: bye\ndata: {"reason":"slow"' in frames[-1]
        got = [frame for frame in frames if "event: message.created" in frame]
        last_id = got[-1].splitlines()[0].removeprefix("id: ")
        assert 0 < len(got) < 800
        again = await notify.stream(world.token(ada), last_event_id=last_id)
        assert (await again.hello())["resumed"] is True
        rest = await again.texts(800 - len(got))
        assert [int(text.split()[0]) for text in rest] == list(range(len(got), 800))


async def test_a_reader_that_stopped_is_ended_after_the_send_timeout(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(sweep_s=0.05, send_timeout_s=0.3, stalled_s=0.3)) as notify:
        stalled = RawClient(notify.url, world.token(ada))
        await stalled.connect()
        for start in range(0, 200, 20):
            await world.publish(*(world.message(CHANNEL, f"{start + n} {KIB_4}") for n in range(20)))
        async with asyncio.timeout(10):
            while len(notify.parts.hub.registry):
                await asyncio.sleep(0.02)
        stalled.close()


async def test_a_client_that_vanished_is_forgotten_at_once(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        client = RawClient(notify.url, world.token(ada))
        await client.connect()
        assert len(notify.parts.hub.registry) == 1
        client.close()
        async with asyncio.timeout(5):
            while len(notify.parts.hub.registry):
                await asyncio.sleep(0.01)
        assert not notify.parts.hub.registry._by_channel


async def test_a_burst_leaves_in_few_sends(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        client = RawClient(notify.url, world.token(ada))
        await client.connect()
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(200)))
        await asyncio.sleep(0.3)
        notify.parts.hub.end_all(notify.parts.hub.registry, "rotate")
        raw = await client.read_all()
        client.close()
        assert raw.count(b"event: message.created") == 200
        assert raw.count(b"\r\nid: ") < 100, "chunks that begin with an event"


async def test_the_listener_bounds_what_the_kernel_buffers(world: Any) -> None:
    async with world.notify() as notify:
        options = {(level, name): value for level, name, value in notify.process.socket_options}
        assert options[(socket.SOL_SOCKET, socket.SO_SNDBUF)] == 128 * 1024
        assert options[(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)] == 30_000
