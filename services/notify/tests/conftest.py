"""A world for the tests: a real NATS server, the real service on a real socket, and chat's two addresses as it serves
them (the memberships as NDJSON, the public keys), answered by a small HTTP server."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import sys
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc.jwk import KeySet, OKPKey
from uuid_utils import uuid7

from tertulia_notify.app import assemble
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.limits import Limits
from tertulia_notify.settings import NotifySettings
from tertulia_shared import events
from tertulia_shared.bus import Bus, Outgoing, PipelinedPublisher, ensure_event_stream
from tertulia_shared.cursors import CursorSealer
from tertulia_shared.events import subjects
from tertulia_shared.runtime import spawn
from tertulia_shared.runtime.http import DirectBody
from tertulia_shared.runtime.server import HttpServer
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import ServiceTokens, TokenSigner
from tertulia_stack.ports import free_port

SECRET = secrets.token_bytes(32)
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def new_id() -> str:
    return str(uuid7())


@dataclass
class Frame:
    """One server-sent event as a client would dispatch it; `event` is None for a comment or an id-only frame."""

    event: str | None = None
    id: str | None = None
    data: Any = None
    comment: str | None = None
    retry: int | None = None


def parse_frame(block: str) -> Frame:
    frame = Frame()
    for line in block.split("\n"):
        name, _, value = line.partition(": ")
        match name:
            case "":
                frame.comment = value
            case "data":
                frame.data = json.loads(value)
            case "retry":
                frame.retry = int(value)
            case "event" | "id":
                setattr(frame, name, value)
            case _:
                frame.comment = line.removeprefix(":").strip()
    return frame


class Stream:
    """A client of the stream. Comments and `retry` are kept in `preamble`."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.status = answer.status
        self.headers = answer.headers
        self.preamble: list[Frame] = []
        self.last_id: str | None = None
        self._rest = b""

    async def next(self, *names: str, timeout: float = 10) -> Frame:
        """The next frame (with one of the names, if given); others are passed over. EOFError at the end."""
        async with asyncio.timeout(timeout):
            while True:
                frame = await self._read()
                if frame.comment is not None or frame.retry is not None:
                    self.preamble.append(frame)
                elif not names or frame.event in names:
                    return frame

    async def hello(self) -> dict[str, Any]:
        return (await self.next("hello")).data

    async def durable(self, count: int, timeout: float = 20) -> list[Frame]:
        """The next `count` durable events; typing and heartbeats are passed over, anything else is an error."""
        found: list[Frame] = []
        async with asyncio.timeout(timeout):
            while len(found) < count:
                frame = await self.next(timeout=timeout)
                if frame.event in (None, "typing"):
                    continue
                assert frame.event not in ("bye", "reset", "hello"), frame
                found.append(frame)
        return found

    async def people(self, timeout: float = 10) -> dict[str, str]:
        """The next frame of presence: person → state."""
        frame = await self.next("presence", timeout=timeout)
        assert frame.id is None
        assert set(frame.data) == {"type", "people"}
        return {item["user_id"]: item["state"] for item in frame.data["people"]}

    async def until_seen(self, user: str, state: str, timeout: float = 10) -> None:
        """Frames of presence until this person is in this state."""
        async with asyncio.timeout(timeout):
            while (await self.people(timeout)).get(user) != state:
                pass

    async def texts(self, count: int) -> list[str]:
        return [frame.data["data"]["message"]["text"] for frame in await self.durable(count)]

    async def silence(self, seconds: float = 0.3) -> None:
        """Nothing but heartbeats comes."""
        with contextlib.suppress(TimeoutError):
            while True:
                frame = await self.next(timeout=seconds)
                assert frame.event is None, frame

    async def ended(self, timeout: float = 10) -> None:
        with contextlib.suppress(EOFError):
            while True:
                await self.next(timeout=timeout)

    async def _read(self) -> Frame:
        while b"\n\n" not in self._rest:
            chunk = await self.answer.content.readany()
            if not chunk:
                raise EOFError
            self._rest += chunk
        block, _, self._rest = self._rest.partition(b"\n\n")
        frame = parse_frame(block.decode())
        self.last_id = frame.id or self.last_id
        return frame


@dataclass
class Chat:
    """chat's side: who belongs where, and the keys."""

    key: OKPKey
    secrets: SecretKeys = field(default_factory=lambda: SecretKeys(SECRET))
    lines: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    snapshots: int = 0
    down: bool = False
    before_answer: Callable[[], Awaitable[None]] | None = None

    def member(self, channel: str, workspace: str, user: str, joined_at: int = 1) -> None:
        self.lines.append({"c": channel, "w": workspace, "u": user, "s": joined_at})

    def workspace_member(self, workspace: str, user: str, role: str = "member") -> None:
        self.lines.append({"w": workspace, "u": user, "role": role})

    def reached(self, channel: str, last_seq: int) -> None:
        self.lines.append({"c": channel, "n": last_seq, "added_later": True})

    def wishes(self, user: str, state: str) -> None:
        self.lines.append({"u": user, "wish": state})

    def revoked(self, session: str, until: float) -> None:
        self.lines.append({"revoked": session, "exp": until})

    async def memberships(self, request: web.Request) -> web.StreamResponse:
        assert ServiceTokens(self.secrets).verify(request.headers["Authorization"].split()[1]) == "notify"
        if self.down:
            raise web.HTTPServiceUnavailable
        self.snapshots += 1
        lines = [json.dumps(line).encode() for line in self.lines]
        if self.before_answer:
            await self.before_answer()
        lines.append(json.dumps({"end": True, "count": len(lines)}).encode())
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await answer.prepare(request)
        for start in range(0, len(lines), 1000):
            await answer.write(b"\n".join(lines[start : start + 1000]) + b"\n")
        return answer

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))


class Remote:
    """The service by its address."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        self._http = http
        self._answers: list[aiohttp.ClientResponse] = []

    async def until_ready(self, timeout: float = 20) -> None:
        async with asyncio.timeout(timeout):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    if (await self.get("/readyz"))[0] == 200:
                        return
                await asyncio.sleep(0.05)

    async def stream(
        self, token: str, cursor: str | None = None, last_event_id: str | None = None, active: str | None = None
    ) -> Stream:
        headers = {"Authorization": f"Bearer {token}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        params = {} if cursor is None else {"cursor": cursor}
        if active is not None:
            params["active"] = active
        answer = await self._http.get(f"{self.url}/api/v1/stream", headers=headers, params=params)
        self._answers.append(answer)
        return Stream(answer)

    async def poll(self, token: str, cursor: str | None = None, timeout: float = 5) -> dict[str, Any]:
        params = {"timeout": str(timeout)} | ({} if cursor is None else {"cursor": cursor})
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.get(f"{self.url}/api/v1/events", headers=headers, params=params) as answer:
            return await answer.json() | {"status": answer.status}

    async def typing(self, token: str, channel: str) -> int:
        address = f"{self.url}/api/v1/channels/{channel}/typing"
        async with self._http.post(address, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status

    async def watch(self, token: str, connection: str, *people: str) -> int:
        return await self.put("/presence/subscriptions", token, {"connection": connection, "user_ids": list(people)})

    async def use(self, token: str, connection: str, active: bool) -> int:
        return await self.put("/presence/activity", token, {"connection": connection, "active": active})

    async def put(self, path: str, token: str, body: Any) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.put(f"{self.url}/api/v1{path}", headers=headers, json=body) as answer:
            return answer.status

    async def presence(self, token: str, *people: str) -> dict[str, str]:
        """Person → state."""
        status, body = await self.get(f"/api/v1/presence?user_ids={','.join(people)}", token)
        assert status == 200, body
        return {item["user_id"]: item["state"] for item in json.loads(body)["items"]}

    async def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    def close(self) -> None:
        for answer in self._answers:
            answer.close()


class Notify(Remote):
    """The service in this process, with its parts to look into."""

    def __init__(self, http: aiohttp.ClientSession, url: str, parts: Any) -> None:
        super().__init__(http, url)
        self.process = parts.process
        self.parts = parts

    async def ready(self, timeout: float = 15) -> None:
        async with asyncio.timeout(timeout):
            while not self.parts.ingress.serving:
                await asyncio.sleep(0.01)


class World:
    """One workspace to start with; publishes what the relay would."""

    def __init__(self, topology: events.Topology, nats_url: str, chat: Chat, bus: Bus) -> None:
        self.topology = topology
        self.nats_url = nats_url
        self.chat = chat
        self.bus = bus
        self.workspace = new_id()
        self.sealer = CursorSealer(SecretKeys(SECRET))
        self._seqs: dict[str, int] = {}

    # -- people and places -------------------------------------------------------------------------------

    def person(self, *channels: str) -> str:
        """A member of the workspace and of these channels, known to chat's snapshot."""
        user = new_id()
        self.chat.workspace_member(self.workspace, user)
        for channel in channels:
            self.chat.member(channel, self.workspace, user)
        return user

    def token(self, user: str, session: str | None = None, ttl_s: int = 900) -> str:
        return TokenSigner(self.chat.key).issue(user, session or new_id(), ttl_s)

    # -- events ------------------------------------------------------------------------------------------

    def event(
        self,
        fact: events.Fact,
        scope: events.Scope,
        target: str,
        *,
        ch_seq: int | None = None,
        workspace: str | None = None,
        channel_id: str | None = None,
    ) -> Outgoing:
        workspace_id = workspace or self.workspace
        now = datetime.now(UTC)
        envelope = events.envelope_of(
            fact,
            event_id=new_id(),
            time=now,
            workspace_id=workspace_id,
            channel_id=target if scope == "ch" else channel_id,
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
        address = events.Address(events.shard_of(target), workspace_id, scope, target)
        return Outgoing(self.topology.evt(address), events.encode(envelope), headers)

    def next_seq(self, channel: str) -> int:
        self._seqs[channel] = self._seqs.get(channel, 1) + 1
        return self._seqs[channel]

    def message(self, channel: str, text: str = "hello") -> Outgoing:
        seq = self.next_seq(channel)
        message = events.Message(
            id=new_id(),
            workspace_id=self.workspace,
            channel_id=channel,
            ch_seq=seq,
            author_id=new_id(),
            text=text,
            client_msg_id=new_id(),
            created_at=NOW,
        )
        return self.event(events.MessageCreated(message=message), "ch", channel, ch_seq=seq)

    def channel(
        self, channel: str, kind: events.ChannelKind = events.ChannelKind.PRIVATE, member_ids: list[str] | None = None
    ) -> events.Channel:
        return events.Channel(
            id=channel,
            workspace_id=self.workspace,
            kind=kind,
            name="tea",
            topic="",
            created_by=(member_ids or [new_id()])[0],
            created_at=NOW,
            member_ids=member_ids,
        )

    def profile(self, user: str) -> events.User:
        return events.User(id=user, username=f"u{user[-8:]}", display_name="Ada", created_at=NOW)

    def joined(self, channel: str, user: str) -> Outgoing:
        fact = events.MemberJoined(channel=self.channel(channel), user=self.profile(user), role=events.Role.MEMBER)
        return self.event(fact, "ch", channel, ch_seq=self.next_seq(channel))

    def left(self, channel: str, user: str) -> Outgoing:
        fact = events.MemberLeft(user_id=user, reason=events.LeaveReason.REMOVED)
        return self.event(fact, "ch", channel, ch_seq=self.next_seq(channel))

    def left_workspace(self, user: str) -> Outgoing:
        fact = events.WorkspaceMemberLeft(user_id=user, reason=events.LeaveReason.REMOVED)
        return self.event(fact, "ws", self.workspace)

    def wished(self, user: str, state: str) -> Outgoing:
        settings = events.PresenceSettings(state=events.PresenceWish(state))
        return self.event(events.PresenceUpdated(user_id=user, presence=settings), "user", user)

    def revoked(self, session: str, user: str) -> Outgoing:
        fact = events.SessionRevoked(session_id=session, user_id=user, reason=events.RevokeReason.LOGOUT)
        return self.event(fact, "user", user)

    async def publish(self, *messages: Outgoing) -> list[int]:
        """One publisher a call: some tests delete the stream, which a publisher refuses to overlook."""
        async with PipelinedPublisher(self.bus) as publisher:
            return await publisher.publish(messages)

    # -- the service -------------------------------------------------------------------------------------

    def settings(self, **changes: Any) -> NotifySettings:
        values = {
            "port": 0,
            "nats_url": self.nats_url,
            "nats_prefix": self.topology.prefix,
            "secret_key": base64.urlsafe_b64encode(SECRET).decode(),
            "jwks_url": self.chat.url + "/.well-known/jwks.json",
            "chat_url": self.chat.url,
        }
        return NotifySettings(**values | changes)

    @contextlib.asynccontextmanager
    async def starting(self, limits: Limits | None = None, **changes: Any) -> AsyncIterator[Notify]:
        """The service, perhaps not ready yet."""
        async with assemble(self.settings(**changes), limits) as parts, contextlib.AsyncExitStack() as stack:
            process = parts.process
            server = HttpServer(process.app, "127.0.0.1", 0, socket_options=process.socket_options)
            serving = spawn(server.run(), name="http")
            components = [spawn(component.run(), name=component.name) for component in process.components]
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.005)
            http = await stack.enter_async_context(_client())
            notify = Notify(http, f"http://127.0.0.1:{server.port}", parts)
            try:
                yield notify
            finally:
                notify.close()
                await http.close()
                parts.hub.end_all(parts.hub.registry, "drain")
                await server.stop(serving)
                for component in components:
                    component.cancel()
                await asyncio.wait(components)

    @contextlib.asynccontextmanager
    async def notify(self, limits: Limits | None = None, **changes: Any) -> AsyncIterator[Notify]:
        """The service, ready."""
        async with self.starting(limits, **changes) as notify:
            await notify.ready()
            yield notify


class Unattended:
    """A line that nobody works off."""

    def __init__(self) -> None:
        self.line: deque[Connection] = deque()

    def begin(self) -> None:
        pass


@pytest.fixture
def taken() -> Callable[[Connection], bytes]:
    """What a connection writes when its turn comes, without the framing of the chunks."""

    def take(connection: Connection) -> bytes:
        chunks: list[bytes] = []
        connection.open(DirectBody(chunks.append, connection), Unattended())
        connection.flush()
        return unchunked(b"".join(chunks))

    return take


def unchunked(body: bytes) -> bytes:
    """The data of a chunked HTTP body, as far as it is there."""
    data = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        if not size or int(size, 16) == 0:
            break
        data += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return data


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20)


@pytest.fixture
async def remote() -> AsyncIterator[Callable[[str], Remote]]:
    remotes: list[Remote] = []
    async with _client() as http:

        def at(url: str) -> Remote:
            remotes.append(Remote(http, url))
            return remotes[-1]

        yield at
        for one in remotes:
            one.close()


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = Chat(OKPKey.generate_key("Ed25519", {"kid": uuid.uuid4().hex}))
    app = web.Application()
    app.router.add_get("/internal/v1/memberships", chat.memberships)
    app.router.add_get("/.well-known/jwks.json", chat.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    chat.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield chat
    await runner.cleanup()


@pytest.fixture
async def world(nats_url: str, topology: events.Topology, chat: Chat) -> AsyncIterator[World]:
    async with Bus(nats_url, "test", topology) as bus:
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        yield World(topology, nats_url, chat, bus)


@pytest.fixture
async def environment(world: World) -> dict[str, str]:
    """What the stack gives to the service's process."""
    settings = world.settings()
    return {
        **os.environ,
        "PORT": str(free_port()),
        "NATS_URL": settings.nats_url.get_secret_value(),
        "NATS_PREFIX": settings.nats_prefix,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "JWKS_URL": settings.jwks_url,
        "CHAT_URL": settings.chat_url,
    }


@pytest.fixture
async def start() -> AsyncIterator[Callable[[dict[str, str]], Any]]:
    """Starts the service's process."""
    started: list[asyncio.subprocess.Process] = []

    async def run(environment: dict[str, str]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tertulia_notify",
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()
