"""A log to write into, a relay to run, and a look at what reached the stream."""

import asyncio
import inspect
import random
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg
import pytest

from tertulia_chat import migrate
from tertulia_chat.relay.relay import STREAM_AGE_S, Pace, Relay
from tertulia_shared.bus import Bus, BusError, StoredMessage, read_range, stream_state
from tertulia_shared.events import CanarySent, Topology, shard_of
from tertulia_shared.events.subjects import H_LOG_ID, H_TYPE
from tertulia_stack.servers import NatsServer, PostgresServer

PATIENCE_S = 40.0
EAGER = Pace(poll_s=0.02, save_s=0.1, claim_s=0.2, verify_s=0.5, canary_s=None)

VERSION = 3
"""Of the events posted here: not what a relay would make up."""

_TAKE = "UPDATE test_channel SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq"
_APPEND = """
INSERT INTO event_log (shard, subject, type, channel_id, ch_seq, event_id, body)
VALUES ($1, $2, 'message.created', $3, $4, $5, $6) RETURNING id
"""


class Scene:
    """One installation: its database, its NATS, and some channels (bare rows: the relay knows no other table)."""

    def __init__(self, postgres_url: str, nats_url: str, topology: Topology) -> None:
        self.postgres_url = postgres_url
        self.nats_url = nats_url
        self.topology = topology
        self.bus = Bus(nats_url, "test", topology)
        self.channels = [uuid.UUID(int=number + 1, version=4) for number in range(12)]

    async def prepare(self) -> None:
        async with self.connection() as connection:
            await connection.execute("CREATE TABLE test_channel (id uuid PRIMARY KEY, last_seq bigint DEFAULT 0)")
            await connection.executemany(
                "INSERT INTO test_channel (id) VALUES ($1)", [(channel,) for channel in self.channels]
            )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.postgres_url, timeout=5)
        try:
            yield connection
        finally:
            connection.terminate()

    async def post(self, connection: asyncpg.Connection, channel: uuid.UUID | None = None, size: int = 0) -> int:
        """One event as chat writes it: the channel's lock, its number, then the log. Returns the log's id."""
        channel = channel or random.choice(self.channels)
        shard = shard_of(str(channel))
        subject = f"evt.{shard:02d}.w1.ch.{channel}"
        async with connection.transaction():
            seq = await connection.fetchval(_TAKE, channel)
            body = f'{{"v":{VERSION},"ch_seq":{seq},"text":"{"x" * size}"}}'
            return await connection.fetchval(_APPEND, shard, subject, channel, seq, uuid.uuid4(), body)

    async def fill(self, count: int) -> None:
        """A backlog: `count` events, spread over the channels, in few transactions."""
        # In the order of ids, as chat locks several channels: writers at once must not wait for each other in a ring.
        channels = sorted(random.choices(self.channels, k=count))
        async with self.connection() as connection, connection.transaction():
            for channel in channels:
                await self.post(connection, channel)

    async def poke(self) -> None:
        await self.bus.publish(self.topology.poke(0), b"")

    # -- what came of it -------------------------------------------------------------------------------------

    async def logged(self) -> dict[int, tuple[str, int]]:
        """Committed events by id: channel and number."""
        async with self.connection() as connection:
            rows = await connection.fetch("SELECT id, channel_id, ch_seq FROM event_log WHERE ch_seq IS NOT NULL")
        return {row["id"]: (str(row["channel_id"]), row["ch_seq"]) for row in rows}

    async def stored(self) -> list[StoredMessage]:
        """What the stream holds, without the canaries."""
        return [message for message in await self.everything() if message.headers[H_TYPE] != CanarySent.type]

    async def everything(self) -> list[StoredMessage]:
        state = await stream_state(self.bus)
        return [message async for message in read_range(self.bus, state.first_seq, state.last_seq)]

    async def settled(self) -> list[StoredMessage]:
        """Waits until every committed event is in the stream."""
        deadline = monotonic() + PATIENCE_S
        wanted = set(await self.logged())
        while True:
            missing, stored = wanted, list[StoredMessage]()
            with suppress(BusError):
                stored = await self.stored()
                missing = wanted - {log_id(message) for message in stored}
            if not missing:
                return stored
            assert monotonic() < deadline, f"{len(missing)} of {len(wanted)} events never came, e.g. {min(missing)}"
            await asyncio.sleep(0.05)

    async def check(self) -> list[StoredMessage]:
        """Nothing missing, nothing invented, and every channel in its order (a repetition changes no order)."""
        stored = await self.settled()
        logged = await self.logged()
        assert {log_id(message) for message in stored} == set(logged)
        assert_in_order([logged[log_id(message)] for message in stored])
        return stored

    @asynccontextmanager
    async def relay(self, pace: Pace = EAGER, max_age_s: int = STREAM_AGE_S) -> AsyncIterator[Relay]:
        async with Bus(self.nats_url, "relay", self.topology) as bus:
            relay = Relay(self.postgres_url, bus, pace, max_age_s)
            task = asyncio.get_running_loop().create_task(relay.run())
            try:
                yield relay
            finally:
                crashed = task.done()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            assert not crashed, "the relay ended by itself"

    # -- faults ----------------------------------------------------------------------------------------------

    async def stream_api(self, verb: str, request: bytes = b"") -> None:
        deadline = monotonic() + PATIENCE_S
        while True:
            try:
                await self.bus.request(f"$JS.API.STREAM.{verb}.{self.topology.stream}", request)
            except BusError:
                # After a restart of the server the first request may still meet the old connection.
                assert monotonic() < deadline
                await asyncio.sleep(0.05)
            else:
                return


def log_id(message: StoredMessage) -> int:
    return int(message.headers[H_LOG_ID])


def assert_in_order(sequence: list[tuple[str, int]]) -> None:
    seen: dict[str, int] = {}
    for channel, seq in sequence:
        newest = seen.get(channel, 0)
        assert seq <= newest + 1, f"channel {channel}: {seq} came right after {newest}"
        seen[channel] = max(newest, seq)


@asynccontextmanager
async def opened(postgres_url: str, nats_url: str, topology: Topology) -> AsyncIterator[Scene]:
    scene = Scene(postgres_url, nats_url, topology)
    async with scene.bus:
        await scene.bus.wait_connected(10)
        await scene.prepare()
        yield scene
        with suppress(BusError):
            await scene.bus.request(f"$JS.API.STREAM.DELETE.{topology.stream}", b"")


@pytest.fixture(scope="session")
def log_template(create_database: Callable[[str | None], str]) -> str:
    """Migrated once; each test gets a copy."""
    url = create_database(None)
    migrate.upgrade(url)
    return url.rsplit("/", 1)[1]


@pytest.fixture
def log_url(create_database: Callable[[str | None], str], log_template: str) -> str:
    """A migrated database of this test's own: commits, positions and partitions are what these tests are about."""
    return create_database(log_template)


@pytest.fixture
async def scene(log_url: str, nats_url: str, topology: Topology) -> AsyncIterator[Scene]:
    async with opened(log_url, nats_url, topology) as scene:
        yield scene


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that the test may kill. Not fsynced on every write, as a cluster would not be."""
    with NatsServer(tmp_path / "nats", sync_always=False) as server:
        yield server


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server that the test may kill."""
    tmp_path.chmod(0o755)
    with PostgresServer(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
async def nats_scene(log_url: str, own_nats: NatsServer) -> AsyncIterator[Scene]:
    async with opened(log_url, own_nats.url, Topology()) as scene:
        yield scene


@pytest.fixture
async def postgres_scene(own_postgres: PostgresServer, nats_url: str, topology: Topology) -> AsyncIterator[Scene]:
    own_postgres.create_database("chat")
    url = own_postgres.url("chat")
    await asyncio.to_thread(migrate.upgrade, url)
    async with opened(url, nats_url, topology) as scene:
        yield scene


Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def until() -> Until:
    """Wait until the condition (plain or async) is true."""

    async def wait(condition: Callable[[], Any]) -> None:
        deadline = monotonic() + PATIENCE_S
        while True:
            result = condition()
            if inspect.isawaitable(result):
                result = await result
            if result:
                return
            assert monotonic() < deadline, "the condition never came true"
            await asyncio.sleep(0.02)

    return wait
