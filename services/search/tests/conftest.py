"""A world for the tests: the real service with its real engine on real NATS and PostgreSQL.

chat's addresses (memberships, export, counts, keys) are answered by a small HTTP server that holds a conversation: what
is said here is published as the relay would and shows in the export.
"""

import asyncio
import base64
import contextlib
import json
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from joserfc.jwk import KeySet, OKPKey
from uuid_utils import uuid7

from tertulia_search.app import Parts, assemble
from tertulia_search.migrate import upgrade
from tertulia_search.settings import SearchSettings
from tertulia_shared import events
from tertulia_shared.bus import Bus, Outgoing, PipelinedPublisher, ensure_event_stream
from tertulia_shared.events import subjects
from tertulia_shared.runtime import spawn
from tertulia_shared.runtime.server import HttpServer
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import ServiceTokens, TokenSigner

SECRET = secrets.token_bytes(32)
MESSAGE_EVENTS = {"created": events.MessageCreated, "updated": events.MessageUpdated, "deleted": events.MessageDeleted}


def new_id() -> str:
    return str(uuid7())


@dataclass
class Channel:
    id: str
    workspace: str
    kind: events.ChannelKind
    name: str | None
    seq: int = 0
    members: dict[str, int] = field(default_factory=dict)


class Chat:
    """chat's side: who belongs where, what was said, and the keys."""

    def __init__(self, key: OKPKey) -> None:
        self.key = key
        self.url = ""
        self.down = False
        self.people: dict[tuple[str, str], tuple[str, str]] = {}
        """(workspace, user): role and username."""
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, events.Message] = {}
        self.extra_counts: dict[str, int] = {}
        self.page = 2
        self.exported: Callable[[], Any] | None = None
        """Called, and awaited, after each page of the export."""

    def lines(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        for channel in self.channels.values():
            lines += [
                {"c": channel.id, "w": channel.workspace, "u": user, "s": seq} for user, seq in channel.members.items()
            ]
            lines.append(
                {"c": channel.id, "n": channel.seq, "w": channel.workspace, "k": channel.kind, "name": channel.name}
            )
        for (workspace, user), (role, name) in self.people.items():
            lines.append({"w": workspace, "u": user, "role": role, "name": name})
        return [*lines, {"end": True, "count": len(lines)}]

    async def memberships(self, request: web.Request) -> web.Response:
        self._check(request)
        body = "".join(json.dumps(line) + "\n" for line in self.lines())
        return web.Response(text=body, content_type="application/x-ndjson")

    async def export(self, request: web.Request) -> web.Response:
        self._check(request)
        after = request.query.get("after", "")
        assert int(request.query["limit"]) <= 5000
        ids = sorted(id_ for id_ in self.messages if id_ > after)
        items = [self.messages[id_] for id_ in ids[: self.page]]
        following = items[-1].id if len(ids) > self.page else None
        if self.exported is not None:
            await self.exported()
        return _json({"items": items, "next": following})

    async def counts(self, request: web.Request) -> web.Response:
        self._check(request)
        counted: dict[str, int] = dict(self.extra_counts)
        for message in self.messages.values():
            if message.deleted_at is None and message.system is None:
                counted[message.workspace_id] = counted.get(message.workspace_id, 0) + 1
        return _json({"items": [{"workspace_id": w, "messages": n} for w, n in counted.items()]})

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    def _check(self, request: web.Request) -> None:
        assert ServiceTokens(SecretKeys(SECRET)).verify(request.headers["Authorization"].split()[1]) == "search"
        if self.down:
            raise web.HTTPServiceUnavailable


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


class Remote:
    """The service by its address."""

    def __init__(self, http: aiohttp.ClientSession, url: str, world: "World") -> None:
        self.url = url
        self._http = http
        self._world = world

    async def until_ready(self, timeout: float = 20) -> None:
        async with asyncio.timeout(timeout):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    if (await self.get("/readyz"))[0] == 200:
                        return
                await asyncio.sleep(0.03)

    async def until_filled(self) -> None:
        async with asyncio.timeout(20):
            while (await self.get("/readyz"))[1]["dependencies"]["history"]["state"] != "up":
                await asyncio.sleep(0.03)

    async def get(self, path: str, user: str | None = None, **parameters: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._world.token(user)}"} if user else {}
        params = {name: str(value) for name, value in parameters.items()}
        async with self._http.get(self.url + path, headers=headers, params=params) as answer:
            return answer.status, await answer.json(content_type=None)

    async def search(self, user: str, q: str, workspace: str | None = None, **parameters: Any) -> dict[str, Any]:
        path = f"/api/v1/workspaces/{workspace or self._world.workspace}/search"
        status, body = await self.get(path, user, q=q, **parameters)
        assert status == 200, body
        return body

    async def texts(self, user: str, q: str, **parameters: Any) -> list[str]:
        """What is found, as the texts were said (they are short enough to be shown whole)."""
        return [_text(hit) for hit in (await self.search(user, q, **parameters))["hits"]]

    async def until_found(self, user: str, q: str, count: int, timeout: float = 15) -> list[str]:
        async with asyncio.timeout(timeout):
            while True:
                found = await self.search(user, q, limit=100)
                if found["total"] == count:
                    return [_text(hit) for hit in found["hits"]]
                await asyncio.sleep(0.02)

    async def internal(self, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, str]:
        token = ServiceTokens(SecretKeys(SECRET)).issue("test") if token is None else token
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.post(self.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def rebuild(self) -> list[dict[str, Any]]:
        status, text = await self.internal("/internal/v1/rebuild")
        assert status == 200, text
        return [json.loads(line) for line in text.splitlines()]


def _text(hit: dict[str, Any]) -> str:
    return "".join(fragment["text"] for fragment in hit["fragments"])


class Search(Remote):
    """The service in this process, with its parts to look into."""

    def __init__(self, http: aiohttp.ClientSession, url: str, world: "World", parts: Parts) -> None:
        super().__init__(http, url, world)
        self.parts = parts


class World:
    """One workspace to start with. What happens in it is in chat's tables and, unless kept quiet, on the stream."""

    def __init__(self, topology: events.Topology, nats_url: str, postgres_url: str, chat: Chat, bus: Bus) -> None:
        self.topology = topology
        self.nats_url = nats_url
        self.postgres_url = postgres_url
        self.chat = chat
        self.bus = bus
        self.directory = Path()
        self.workspace = new_id()
        self.clock = datetime.now(UTC) - timedelta(days=30)

    # -- people and places, before the service starts or quietly beside it ---------------------------------

    def person(self, name: str, *channels: str, role: str = "member", workspace: str | None = None) -> str:
        user = new_id()
        self.chat.people[workspace or self.workspace, user] = (role, name)
        for channel in channels:
            self.chat.channels[channel].members[user] = 1
        return user

    def channel(self, name: str | None, kind: str = "private", workspace: str | None = None) -> str:
        channel = Channel(new_id(), workspace or self.workspace, events.ChannelKind(kind), name, seq=1)
        self.chat.channels[channel.id] = channel
        return channel.id

    def token(self, user: str, session: str | None = None) -> str:
        return TokenSigner(self.chat.key).issue(user, session or new_id(), 900)

    # -- what is said --------------------------------------------------------------------------------------

    def next_seq(self, channel: str) -> int:
        self.chat.channels[channel].seq += 1
        return self.chat.channels[channel].seq

    def say(self, channel: str, author: str, text: str, **more: Any) -> events.Message:
        """In chat's tables; `event` makes the event of it."""
        self.clock += timedelta(seconds=1)
        message = events.Message(
            id=new_id(),
            workspace_id=self.chat.channels[channel].workspace,
            channel_id=channel,
            ch_seq=self.next_seq(channel),
            author_id=author,
            text=text,
            client_msg_id=new_id(),
            **{"created_at": self.clock, **more},
        )
        self.chat.messages[message.id] = message
        return message

    def change(self, message: events.Message, **changes: Any) -> tuple[events.Message, int]:
        """The message as it is now, and the number of the change."""
        changed = msgspec.structs.replace(self.chat.messages[message.id], **changes)
        self.chat.messages[message.id] = changed
        return changed, self.next_seq(message.channel_id)

    def event_of(self, kind: str, message: events.Message, ch_seq: int) -> Outgoing:
        return self.event(MESSAGE_EVENTS[kind](message=message), "ch", message.channel_id, ch_seq=ch_seq)

    async def post(self, channel: str, author: str, text: str, **more: Any) -> events.Message:
        message = self.say(channel, author, text, **more)
        await self.publish(self.event_of("created", message, message.ch_seq))
        return message

    async def edit(self, message: events.Message, text: str) -> None:
        changed, seq = self.change(message, text=text, edited_at=datetime.now(UTC))
        await self.publish(self.event_of("updated", changed, seq))

    async def delete(self, message: events.Message) -> None:
        changed, seq = self.change(message, text="", deleted_at=datetime.now(UTC))
        await self.publish(self.event_of("deleted", changed, seq))

    async def join(self, channel: str, user: str) -> None:
        seq = self.next_seq(channel)
        self.chat.channels[channel].members[user] = seq
        _, name = self.chat.people[self.workspace, user]
        place = self.chat.channels[channel]
        fact = events.MemberJoined(
            channel=events.Channel(
                id=channel,
                workspace_id=place.workspace,
                kind=place.kind,
                name=place.name,
                topic="",
                created_by=user,
                created_at=self.clock,
            ),
            user=events.User(id=user, username=name, display_name=name, created_at=self.clock),
            role=events.Role.MEMBER,
        )
        await self.publish(self.event(fact, "ch", channel, ch_seq=seq))

    async def leave(self, channel: str, user: str) -> None:
        seq = self.next_seq(channel)
        self.chat.channels[channel].members.pop(user)
        fact = events.MemberLeft(user_id=user, reason=events.LeaveReason.LEFT)
        await self.publish(self.event(fact, "ch", channel, ch_seq=seq))

    async def end_session(self, session: str, user: str) -> None:
        fact = events.SessionRevoked(session_id=session, user_id=user, reason=events.RevokeReason.LOGOUT)
        await self.publish(self.event(fact, "user", user))

    def event(self, fact: events.Fact, scope: events.Scope, target: str, *, ch_seq: int | None = None) -> Outgoing:
        now = datetime.now(UTC)
        envelope = events.envelope_of(
            fact,
            event_id=new_id(),
            time=now,
            workspace_id=self.workspace,
            channel_id=target if scope == "ch" else None,
            ch_seq=ch_seq,
        )
        headers = {
            subjects.H_MSG_ID: envelope.id,
            subjects.H_TYPE: envelope.type,
            subjects.H_VERSION: str(envelope.v),
            subjects.H_TIME: str(int(now.timestamp() * 1000)),
        }
        if ch_seq is not None:
            headers[subjects.H_CH_SEQ] = str(ch_seq)
        address = events.Address(events.shard_of(target), self.workspace, scope, target)
        return Outgoing(self.topology.evt(address), events.encode(envelope), headers)

    async def publish(self, *messages: Outgoing) -> None:
        await PipelinedPublisher(self.bus).publish(messages)

    # -- the service ---------------------------------------------------------------------------------------

    def settings(self, **changes: Any) -> SearchSettings:
        values = {
            "port": 0,
            "nats_url": self.nats_url,
            "nats_prefix": self.topology.prefix,
            "postgres_url": self.postgres_url,
            "secret_key": base64.urlsafe_b64encode(SECRET).decode(),
            "jwks_url": self.chat.url + "/.well-known/jwks.json",
            "chat_url": self.chat.url,
            "search_url": f"tantivy://{self.directory}",
        }
        return SearchSettings(**values | changes)

    @contextlib.asynccontextmanager
    async def search(self, *, ready: bool = True, **changes: Any) -> AsyncIterator[Search]:
        async with assemble(self.settings(**changes)) as parts, contextlib.AsyncExitStack() as stack:
            process = parts.process
            server = HttpServer(process.app, "127.0.0.1", 0)
            serving = spawn(server.run(), name="http")
            components = [spawn(component.run(), name=component.name) for component in process.components]
            while not server.started:
                await asyncio.sleep(0.005)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            search = Search(http, f"http://127.0.0.1:{server.port}", self, parts)
            try:
                if ready:
                    await search.until_ready()
                    await search.until_filled()
                yield search
            finally:
                await http.close()
                await server.stop(serving)
                for component in components:
                    component.cancel()
                await asyncio.wait(components)


@pytest.fixture(scope="session")
def template_database(create_database: Callable[[str | None], str]) -> str:
    """Migrated once; each test gets a copy."""
    url = create_database(None)
    upgrade(url)
    return url.rsplit("/", 1)[1]


@pytest.fixture
def migrated_url(create_database: Callable[[str | None], str], template_database: str) -> str:
    return create_database(template_database)


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = Chat(OKPKey.generate_key("Ed25519", {"kid": uuid.uuid4().hex}))
    app = web.Application()
    app.router.add_get("/internal/v1/memberships", chat.memberships)
    app.router.add_get("/internal/v1/messages/export", chat.export)
    app.router.add_get("/internal/v1/messages/counts", chat.counts)
    app.router.add_get("/.well-known/jwks.json", chat.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chat.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield chat
    await runner.cleanup()


@pytest.fixture
async def world(
    nats_url: str, topology: events.Topology, migrated_url: str, chat: Chat, tmp_path: Path
) -> AsyncIterator[World]:
    async with Bus(nats_url, "test", topology) as bus:
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        world = World(topology, nats_url, migrated_url, chat, bus)
        world.directory = tmp_path / "index"
        yield world
