import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import asyncpg
import pytest
import structlog

from tertulia_shared.bus import DEAD_LETTER_DDL, Bus, DeadLetters, Outgoing, ensure_event_stream
from tertulia_shared.events import Topology
from tertulia_stack.servers import NatsServer

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """As a service logs. Unconfigured, structlog draws every local variable, which takes seconds for a batch."""
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer()])
    yield
    structlog.configure(processors=before)


@pytest.fixture
def until() -> Until:
    """Wait (20 s at most) until the condition is true."""

    async def wait(condition: Callable[[], object]) -> None:
        deadline = monotonic() + 20
        while not condition():
            assert monotonic() < deadline, "the condition never came true"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def bus(nats_url: str, topology: Topology) -> AsyncIterator[Bus]:
    async with Bus(nats_url, "test", topology) as bus:
        await bus.wait_connected(5)
        yield bus


@pytest.fixture
async def stream(bus: Bus) -> AsyncIterator[Bus]:
    """A bus whose event stream exists."""
    await ensure_event_stream(bus)
    yield bus
    with suppress(Exception):
        await bus.request(f"$JS.API.STREAM.DELETE.{bus.topology.stream}", b"")


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that the test may kill."""
    with NatsServer(tmp_path / "nats", sync_always=False) as server:
        yield server


@pytest.fixture
def event(topology: Topology) -> Callable[..., Outgoing]:
    def make(number: int, *, lane: int = 0, channel: str = "c1", data: bytes | None = None) -> Outgoing:
        subject = f"{topology.prefix}evt.{lane:02d}.w1.ch.{channel}"
        headers = {"Nats-Msg-Id": f"{channel}-{number}", "Ev-Type": "message.created", "Ch-Seq": str(number)}
        return Outgoing(subject, str(number).encode() if data is None else data, headers)

    return make


@pytest.fixture
async def dead_letters(postgres_url: str) -> AsyncIterator[DeadLetters]:
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        await pool.execute(DEAD_LETTER_DDL)
        yield DeadLetters(pool)


class Proxy:
    """A TCP proxy that can fall silent without closing: what a pulled cable or a frozen host looks like."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._silenced: set[asyncio.Event] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def silence(self) -> None:
        """Every connection that exists now passes nothing any more; new ones work."""
        for silenced in self._silenced:
            silenced.set()

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers += [writer, upstream_writer]
        silenced = asyncio.Event()
        self._silenced.add(silenced)
        for source, sink in ((reader, upstream_writer), (upstream_reader, writer)):
            task = asyncio.get_running_loop().create_task(self._pump(source, sink, silenced))
            self._tasks.add(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, silenced: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if not silenced.is_set():
                    sink.write(data)
                    await sink.drain()
        if not silenced.is_set():
            sink.close()


@pytest.fixture
async def proxy(nats_url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(int(nats_url.rpartition(":")[2]))
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
def proxied_url(proxy: Proxy, nats_url: str) -> str:
    return f"{nats_url.rpartition(':')[0]}:{proxy.port}"
