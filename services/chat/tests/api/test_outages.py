"""PostgreSQL or NATS away while serving, and what a request costs in round trips.

Between chat and PostgreSQL stands a small relay for bytes that can be cut, and that counts PostgreSQL's "ready for the
next question" (ReadyForQuery): each is the end of one round trip.
"""

import asyncio
import time
import uuid
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from tertulia_shared.bus import Bus
from tertulia_shared.events import shard_of


class Line:
    """A TCP line to PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._port = 0
        self.round_trips = 0

    @property
    def url(self) -> str:
        target = self._target
        return urlunsplit(target._replace(netloc=f"{target.username}:{target.password or ''}@127.0.0.1:{self._port}"))

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Nobody is connected any more and nobody gets through."""
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers += [writer, back]
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, back))
                group.create_task(self._count(there, writer))
        for one in (writer, back):
            one.close()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        raise ConnectionError

    async def _count(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        kind = await source.readexactly(1)
        if kind == b"N":  # the answer to "do you speak TLS?"
            sink.write(kind)
            kind = await source.readexactly(1)
        while True:
            length = await source.readexactly(4)
            body = await source.readexactly(int.from_bytes(length) - 4)
            self.round_trips += kind == b"Z"
            sink.write(kind + length + body)
            kind = await source.readexactly(1)


@pytest_asyncio.fixture(loop_scope="session")
async def line(chat_url):
    line = Line(chat_url)
    await line.connect()
    yield line
    await line.cut()


@pytest_asyncio.fixture(loop_scope="session")
async def chat_on_line(line, nats_url, topology, serve_chat):
    async for opened in serve_chat(line.url, Bus(nats_url, "chat", topology)):
        yield opened


@pytest.mark.parametrize("text", ["hello", "hello @bot, see #general and https://example.org"])
async def test_sending_a_message_is_one_round_trip(chat_on_line, line, text):
    ann = await chat_on_line.person()
    workspace = await ann.workspace()
    channel = workspace["general"]
    for _ in range(6):  # each pooled connection prepares each statement once
        await asyncio.gather(*(ann.say(channel, one) for one in (text, "other") for _ in range(4)))
    for _ in range(20):
        before = line.round_trips
        key = str(uuid.uuid4())
        await ann.say(channel, text, key)
        assert line.round_trips - before == 1
        await ann.say(channel, text, key, expect=200)
        assert line.round_trips - before == 2
        await ann.say(channel, "other", key, expect=409)
        assert line.round_trips - before == 3


async def test_with_postgresql_away_every_address_says_try_again_and_recovers(chat_on_line, line):
    chat = chat_on_line
    ann = await chat.person("ann")
    workspace = await ann.workspace()
    channel = workspace["general"]
    await ann.say(channel, "before")
    await line.cut()
    answers = [
        await ann.say(channel, "during", expect=None),
        await ann.get("/users/me", None),
        await ann.get(f"/channels/{channel['id']}/messages", None),
        await ann.get(f"/workspaces/{workspace['id']}/bootstrap", None),
        await chat.ask("POST", "/auth/login", None, json={"login": "ann", "password": "correct horse battery"}),
        await chat.ask("POST", "/auth/refresh", None, json={"refresh_token": ann.refresh_token}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert (await chat.ask("GET", "/healthz")) == {"status": "alive"}
    ready = await chat.ask("GET", "/readyz", 503)
    assert ready["dependencies"]["postgres"]["state"] == "down"
    await line.connect()
    await ann.say(channel, "after")
    texts = [item["text"] for item in (await ann.get(f"/channels/{channel['id']}/messages"))["items"]]
    assert texts == ["before", "after"]


async def test_chat_starts_without_postgresql(line, nats_url, topology, serve_chat):
    await line.cut()
    async for chat in serve_chat(line.url, Bus(nats_url, "chat", topology)):
        await chat.ask("GET", "/.well-known/jwks.json", 503)
        await line.connect()
        await chat.person()


async def test_a_channel_locked_for_too_long_is_told_to_come_back(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    channel = workspace["general"]
    holder = await asyncpg.connect(chat.postgres_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("SELECT 1 FROM channel WHERE id = $1 FOR UPDATE", uuid.UUID(channel["id"]))
    problem = await ann.say(channel, "stuck", expect=503)
    assert problem["code"] == "dependency_unavailable"
    await transaction.rollback()
    await holder.close()
    assert (await ann.say(channel, "free"))["ch_seq"] == 2


async def test_with_nats_away_posting_succeeds_and_the_log_holds_it(chat_url, topology, serve_chat):
    async for chat in serve_chat(chat_url, Bus("nats://127.0.0.1:9", "chat", topology)):
        ann = await chat.person()
        workspace = await ann.workspace()
        said = await ann.say(workspace["general"], "is anybody there?")
        (row,) = await chat.sql("SELECT event_id FROM event_log WHERE type = 'message.created'")
        assert row
        started = time.perf_counter()
        start = await ann.get(f"/workspaces/{workspace['id']}/bootstrap")
        assert start["cursor"] is None
        assert time.perf_counter() - started < 5
        assert start["channels"][0]["channel"]["last_msg_seq"] == said["ch_seq"]
        ready = await chat.ask("GET", "/readyz", 200)
        assert ready["dependencies"]["nats"]["state"] == "down"


async def test_every_commit_wakes_the_relay_of_its_shard(chat):
    woken: list[str] = []
    await chat.bus.subscribe(chat.bus.topology.poke_all, lambda message: woken.append(message.subject))
    ann = await chat.person()
    workspace = await ann.workspace()
    channel = workspace["general"]
    expected = chat.bus.topology.poke(shard_of(channel["id"]))
    await asyncio.sleep(0.05)
    woken.clear()
    await asyncio.gather(*(ann.say(channel, "hello") for _ in range(30)))
    await asyncio.sleep(0.05)
    await chat.bus.flush()
    assert set(woken) == {expected}
    assert len(woken) <= 30
    woken.clear()
    await ann.say(channel, "alone")
    await asyncio.sleep(0.05)
    await chat.bus.flush()
    assert woken == [expected]
