"""A world for the tests: a real NATS server, a real PostgreSQL, a real ClickHouse, the real service on a real socket.
chat's addresses (memberships, public keys, the log) are answered by a small HTTP server.

chDB allows one directory per process at a time, so a run has one, and every test gets a database of its own in it. With
CLICKHOUSE_SERVER_URL set, tests that take `address` run on that server too.
"""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from joserfc.jwk import KeySet, OKPKey
from uuid_utils import uuid7

from tertulia_analytics.app import Parts, assemble
from tertulia_analytics.migrate import upgrade
from tertulia_analytics.settings import AnalyticsSettings
from tertulia_analytics.sink.sink import Pace
from tertulia_analytics.warehouse import engine
from tertulia_analytics.warehouse.address import Address, parse
from tertulia_analytics.warehouse.engine import Warehouse
from tertulia_shared import events
from tertulia_shared.bus import Bus, Outgoing, PipelinedPublisher, ensure_event_stream
from tertulia_shared.events import BOT_USER_ID, subjects
from tertulia_shared.runtime import spawn
from tertulia_shared.runtime.server import HttpServer
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import ServiceTokens, TokenSigner

SECRET = secrets.token_bytes(32)
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""
QUICK = Pace(batch_s=0.05, claim_s=0.05, first_retry_s=0.05, last_retry_s=0.2, late_s=0.5)
SERVER_URL = os.environ.get("CLICKHOUSE_SERVER_URL")


def new_id() -> str:
    return str(uuid7())


# -- engines -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chdb_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This process's engine stays open between tests: opening it takes seconds."""
    path = tmp_path_factory.mktemp("chdb") / "ware house"
    held = engine.connect(Address(path=str(path)))
    yield path
    held.close()


def _make_database(address: Address) -> Iterator[Address]:
    name = f"t_{secrets.token_hex(6)}"
    client = engine.connect(address)
    client.command(f"CREATE DATABASE {name}")
    yield replace(address, database=name)
    client.command(f"DROP DATABASE {name}")
    client.close()


@pytest.fixture(params=["embedded", *(["server"] if SERVER_URL else [])])
def address(request: pytest.FixtureRequest) -> Iterator[Address]:
    """An empty database, on every engine there is."""
    if request.param == "server":
        assert SERVER_URL
        yield from _make_database(parse(SERVER_URL))
    else:
        yield from _make_database(Address(path=str(request.getfixturevalue("chdb_path"))))


@pytest.fixture
async def warehouse(address: Address) -> AsyncIterator[Warehouse]:
    warehouse = Warehouse(address)
    yield warehouse
    await warehouse.close()


@pytest.fixture(scope="session")
def migrated(create_database: Callable[[str | None], str]) -> str:
    """The name of a PostgreSQL database to copy."""
    url = create_database(None)
    upgrade(url)
    return url.rsplit("/", 1)[1]


@pytest.fixture
def sink_url(migrated: str, create_database: Callable[[str | None], str]) -> str:
    return create_database(migrated)


@pytest.fixture
async def sink_row(sink_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(sink_url)
    yield connection
    await connection.close()


# -- chat's side ---------------------------------------------------------------------------------------------------


@dataclass
class Chat:
    """What chat would say: who belongs where, its keys, and its log, which holds whatever was published."""

    key: OKPKey
    lines: list[dict[str, Any]] = field(default_factory=list)
    log: dict[str, events.Envelope] = field(default_factory=dict)
    url: str = ""
    down: bool = False

    def channel(self, channel: str, workspace: str, kind: str = "public", name: str | None = "tea") -> None:
        self.lines.append({"c": channel, "n": 1, "w": workspace, "k": kind, "name": name})

    def member(self, channel: str, workspace: str, user: str) -> None:
        self.lines.append({"c": channel, "w": workspace, "u": user, "s": 1})

    def workspace_member(self, workspace: str, user: str, role: str = "member") -> None:
        self.lines.append({"w": workspace, "u": user, "role": role, "name": f"u{user[-8:]}"})

    def _check(self, request: web.Request) -> None:
        assert ServiceTokens(SecretKeys(SECRET)).verify(request.headers["Authorization"].split()[1]) == "analytics"
        if self.down:
            raise web.HTTPServiceUnavailable

    async def memberships(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        lines = [json.dumps(line) for line in self.lines]
        lines.append(json.dumps({"end": True, "count": len(lines)}))
        return web.Response(text="\n".join(lines) + "\n", content_type="application/x-ndjson")

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def bounds(self, request: web.Request) -> web.Response:
        self._check(request)
        oldest = min((one.time for one in self.log.values()), default=None)
        return web.json_response({"oldest": oldest and oldest.isoformat()})

    async def digest(self, request: web.Request) -> web.Response:
        self._check(request)
        start, end = (datetime.fromisoformat(request.query[name]) for name in ("from", "to"))
        cells: dict[tuple[str, str], list[int]] = {}
        for one in self.log.values():
            if start <= one.time < end:
                hour = one.time.replace(minute=0, second=0, microsecond=0).isoformat()
                low = int.from_bytes(uuid.UUID(one.id).bytes[8:], "big", signed=True)
                cells.setdefault((hour, one.type), []).append(low)
        items = []
        for (hour, type_), lows in cells.items():
            xor = 0
            for low in lows:
                xor ^= low
            items.append({"hour": hour, "type": type_, "count": len(lows), "xor": str(xor)})
        return web.json_response({"items": items})

    async def ids(self, request: web.Request) -> web.Response:
        self._check(request)
        start = datetime.fromisoformat(request.query["hour"])
        end = start + timedelta(hours=1)
        wanted = request.query["type"]
        found = [one.id for one in self.log.values() if start <= one.time < end and one.type == wanted]
        return web.json_response({"ids": found})


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = Chat(OKPKey.generate_key("Ed25519", {"kid": uuid.uuid4().hex}))
    app = web.Application()
    app.router.add_get("/internal/v1/memberships", chat.memberships)
    app.router.add_get("/internal/v1/events/bounds", chat.bounds)
    app.router.add_get("/internal/v1/events/digest", chat.digest)
    app.router.add_get("/internal/v1/events/ids", chat.ids)
    app.router.add_get("/.well-known/jwks.json", chat.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    chat.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield chat
    await runner.cleanup()


# -- the service ---------------------------------------------------------------------------------------------------


class Analytics:
    """The service in this process, with its parts to look into."""

    def __init__(self, http: aiohttp.ClientSession, url: str, parts: Parts) -> None:
        self.url = url
        self.http = http
        self.parts = parts

    async def get(self, path: str, token: str = "", **params: str) -> tuple[int, Any, Any]:
        """Status, body (decoded when it is JSON) and headers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.get(self.url + path, headers=headers, params=params) as answer:
            kind = answer.headers.get("Content-Type", "")
            return (
                answer.status,
                await answer.json(content_type=None) if "json" in kind else await answer.text(),
                answer,
            )

    async def report(self, workspace: str, name: str, token: str, **params: str) -> dict[str, Any]:
        status, body, _ = await self.get(f"/api/v1/workspaces/{workspace}/analytics/{name}", token, **params)
        assert status == 200, body
        return body

    async def verify(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {ServiceTokens(SecretKeys(SECRET)).issue('test')}"}
        async with self.http.post(self.url + "/internal/v1/verify", headers=headers) as answer:
            assert answer.status == 200
            return [json.loads(line) async for line in answer.content]

    async def count(self, table: str = "event") -> int:
        ((count,),) = await self.parts.warehouse.query(f"SELECT count() FROM {table}")
        return count

    async def ids(self) -> list[str]:
        rows = await self.parts.warehouse.query("SELECT toString(event_id) FROM event ORDER BY 1")
        return [event_id for (event_id,) in rows]

    async def counted(self, timeout: float = 20) -> None:
        """Everything in the stream now is counted."""
        from tertulia_shared.bus import stream_state

        state = await stream_state(self.parts.sink._bus)
        assert await self.parts.sink.passed(state, timeout)


class World:
    """One workspace to start with; publishes what the relay would."""

    def __init__(
        self, topology: events.Topology, nats_url: str, chat: Chat, bus: Bus, address: Address, sink_url: str
    ) -> None:
        self.topology = topology
        self.nats_url = nats_url
        self.chat = chat
        self.bus = bus
        self.address = address
        self.sink_url = sink_url
        self.workspace = new_id()
        self.channel = new_id()
        self.now = NOON
        self._seqs: dict[str, int] = {}
        self._components: dict[int, list[asyncio.Task[None]]] = {}
        chat.channel(self.channel, self.workspace)

    # -- people ----------------------------------------------------------------------------------------------------

    def person(self, role: str = "member", *channels: str) -> str:
        user = new_id()
        self.chat.workspace_member(self.workspace, user, role)
        for channel in channels:
            self.chat.member(channel, self.workspace, user)
        return user

    def token(self, user: str) -> str:
        return TokenSigner(self.chat.key).issue(user, new_id(), 900)

    # -- events ----------------------------------------------------------------------------------------------------

    def event(
        self, fact: events.Fact, *, channel: str | None = None, actor: str | None = None, workspace: str | None = None
    ) -> Outgoing:
        workspace = workspace or self.workspace
        seq = None
        if channel is not None:
            seq = self._seqs[channel] = self._seqs.get(channel, 1) + 1
        envelope = events.envelope_of(
            fact,
            event_id=new_id(),
            time=self.now,
            workspace_id=workspace,
            channel_id=channel,
            ch_seq=seq,
            actor_id=actor,
        )
        self.chat.log[envelope.id] = envelope
        return self.outgoing(envelope)

    def outgoing(self, envelope: events.Envelope, msg_id: str | None = None) -> Outgoing:
        headers = {
            subjects.H_MSG_ID: msg_id or envelope.id,
            subjects.H_TYPE: envelope.type,
            subjects.H_VERSION: str(envelope.v),
        }
        target = envelope.channel_id or envelope.workspace_id or self.workspace
        scope: events.Scope = "ch" if envelope.channel_id else "ws"
        address = events.Address(events.shard_of(target), envelope.workspace_id, scope, target)
        return Outgoing(self.topology.evt(address), events.encode(envelope), headers)

    def view(self, author: str, text: str = "hello", channel: str | None = None, **more: Any) -> events.Message:
        values: dict[str, Any] = {
            "id": new_id(),
            "workspace_id": self.workspace,
            "channel_id": channel or self.channel,
            "ch_seq": 1,
            "author_id": author,
            "text": text,
            "client_msg_id": new_id(),
            "created_at": self.now,
        }
        return events.Message(**values | more)

    def message(self, author: str, text: str = "hello", channel: str | None = None, **more: Any) -> Outgoing:
        message = self.view(author, text, channel, **more)
        return self.event(events.MessageCreated(message=message), channel=message.channel_id, actor=author)

    def answer(self, text: str = "An answer.", channel: str | None = None) -> Outgoing:
        return self.message(BOT_USER_ID, text, channel)

    def run_of(self, asker: str, state: str = "running", **more: Any) -> events.Run:
        values: dict[str, Any] = {
            "id": new_id(),
            "workspace_id": self.workspace,
            "channel_id": self.channel,
            "asker_id": asker,
            "command": "ask",
            "prompt": "who?",
            "state": events.RunState(state),
            "created_at": self.now,
            "model": "small",
        }
        return events.Run(**values | more)

    def view_of_channel(self, channel: str, name: str | None, kind: str = "public", **more: Any) -> events.Channel:
        return events.Channel(
            id=channel,
            workspace_id=self.workspace,
            kind=events.ChannelKind(kind),
            name=name,
            topic="",
            created_by=new_id(),
            created_at=self.now,
            **more,
        )

    async def publish(self, *messages: Outgoing) -> list[int]:
        """One publisher a call: some tests delete the stream, which a publisher refuses to overlook."""
        return await PipelinedPublisher(self.bus).publish(messages)

    # -- the service -----------------------------------------------------------------------------------------------

    def settings(self, **changes: Any) -> AnalyticsSettings:
        values = {
            "port": 0,
            "postgres_url": self.sink_url,
            "nats_url": self.nats_url,
            "nats_prefix": self.topology.prefix,
            "secret_key": base64.urlsafe_b64encode(SECRET).decode(),
            "jwks_url": self.chat.url + "/.well-known/jwks.json",
            "chat_url": self.chat.url,
            "clickhouse_url": "chdb:///unused",
        }
        return AnalyticsSettings(**values | changes)

    @contextlib.asynccontextmanager
    async def analytics(self, pace: Pace = QUICK, address: Address | None = None) -> AsyncIterator[Analytics]:
        """The service, on this test's database."""
        settings = self.settings()
        where = address or self.address
        async with (
            assemble(settings, pace, where) as parts,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            server = HttpServer(parts.process.app, "127.0.0.1", 0)
            serving = spawn(server.run(), name="http")
            components = [spawn(component.run(), name=component.name) for component in parts.process.components]
            self._components[id(parts)] = components
            async with asyncio.timeout(20):
                while not server.started or not parts.memberships.serving:
                    await asyncio.sleep(0.005)
            try:
                yield Analytics(http, f"http://127.0.0.1:{server.port}", parts)
            finally:
                await server.stop(serving)
                await self._end(components)

    async def stop(self, analytics: Analytics) -> None:
        """Its sink and its memberships end; the warehouse stays open."""
        await self._end(self._components[id(analytics.parts)])

    async def _end(self, components: list[asyncio.Task[None]]) -> None:
        for component in components:
            component.cancel()
        await asyncio.wait(components)


@pytest.fixture
async def world(
    nats_url: str, topology: events.Topology, chat: Chat, address: Address, sink_url: str
) -> AsyncIterator[World]:
    async with Bus(nats_url, "test", topology) as bus:
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        yield World(topology, nats_url, chat, bus, address, sink_url)


@pytest.fixture
async def analytics(world: World) -> AsyncIterator[Analytics]:
    async with world.analytics() as analytics:
        yield analytics
