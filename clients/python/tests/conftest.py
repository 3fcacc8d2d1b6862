"""A small real server that speaks the contract, in memory, and misbehaves on demand.

It serves real HTTP on a real port, so that the client's connections, timeouts and cut sockets are true. It keeps to
what the client must cope with; the services themselves are met in tests/e2e.
"""

import asyncio
import json
import random
import time
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from tertulia_client import Backoff, Client, StreamTiming

NOW = "2026-11-21T04:00:00.123Z"
WORKSPACE = str(uuid.UUID(int=1))
CHANNELS = [str(uuid.UUID(int=n)) for n in (11, 12)]

Answer = web.StreamResponse
Fault = Callable[[web.Request], Awaitable[Answer | None]]
"""Called instead of the endpoint; None lets the endpoint answer after all."""


def problem(status: int, code: str, headers: dict[str, str] | None = None, **extra: Any) -> web.Response:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "request_id": "req-1", **extra}
    return web.Response(
        status=status, body=json.dumps(body), content_type="application/problem+json", headers=headers or {}
    )


def answering(status: int, code: str, headers: dict[str, str] | None = None, **extra: Any) -> Fault:
    async def fault(_: web.Request) -> Answer:
        return problem(status, code, headers, **extra)

    return fault


async def cut_before(request: web.Request) -> Answer | None:
    """The connection breaks before the request has any effect."""
    cut(request)
    return web.Response()


def cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


class Server:
    """The state of one small Tertulia with two channels, and the faults that are planned for it."""

    def __init__(self) -> None:
        self.url = ""
        self.faults: dict[tuple[str, str], deque[Fault]] = defaultdict(deque)
        self.requests: list[tuple[str, str]] = []
        self.token_ttl_s = 900.0
        self.access: dict[str, float] = {}
        self.refresh: str | None = None
        self.log: list[dict[str, Any]] = []
        self.by_client_id: dict[str, dict[str, Any]] = {}
        self.cut_after_commit = 0
        self.expired_before = 0
        # The stream's misbehaviour: chances for each event, out of 1.
        self.random = random.Random(7)
        self.loss = self.double = self.swap = self.abort = 0.0
        self.resume = True
        self.muted = False
        self.streams: set[asyncio.Queue[bytes | None]] = set()
        self.stream_requests: list[web.Request] = []

    # Accounts.

    def auth_result(self) -> web.Response:
        token, self.refresh = uuid.uuid4().hex, uuid.uuid4().hex
        self.access[token] = time.monotonic() + self.token_ttl_s
        me = {"id": "me", "username": "ada", "display_name": "Ada", "created_at": NOW, "email": "ada@example.org"}
        return web.json_response(
            {"user": me, "access_token": token, "token_type": "Bearer", "expires_in": self.token_ttl_s,
             "refresh_token": self.refresh}
        )  # fmt: skip

    async def login(self, request: web.Request) -> Answer:
        if (await request.json())["password"] != "correct horse":
            return problem(401, "invalid_credentials")
        return self.auth_result()

    async def renew(self, request: web.Request) -> Answer:
        if (await request.json())["refresh_token"] != self.refresh:
            return problem(401, "refresh_token_reused")
        return self.auth_result()

    # Channels.

    def channel(self, channel_id: str) -> dict[str, Any]:
        last = self.last_seq(channel_id)
        about = {"id": channel_id, "workspace_id": WORKSPACE, "kind": "public", "name": channel_id[-2:], "topic": "",
                 "created_by": "me", "created_at": NOW, "archived_at": None, "last_seq": last, "last_msg_seq": last,
                 "member_ids": None}  # fmt: skip
        return {"channel": about, "joined": True, "member_count": 1, "read_seq": 0}

    def last_seq(self, channel_id: str) -> int:
        return sum(event["channel_id"] == channel_id for event in self.log)

    async def workspaces(self, _: web.Request) -> Answer:
        return web.json_response({"items": [{"workspace": self.workspace(), "role": "owner"}]})

    def workspace(self) -> dict[str, Any]:
        return {"id": WORKSPACE, "name": "W", "slug": "w", "created_by": "me", "created_at": NOW}

    async def bootstrap(self, _: web.Request) -> Answer:
        me = {"id": "me", "username": "ada", "display_name": "Ada", "created_at": NOW, "email": "ada@example.org"}
        return web.json_response(
            {"cursor": f"u{len(self.log)}", "me": me, "workspace": self.workspace(), "role": "owner",
             "channels": [self.channel(channel) for channel in CHANNELS], "members": [], "server_time": NOW}
        )  # fmt: skip

    async def channels(self, request: web.Request) -> Answer:
        start = int(request.query.get("cursor", "0"))
        items = [self.channel(channel) for channel in CHANNELS]
        more = start + 1 < len(items)
        return web.json_response({"items": items[start : start + 1], "next": str(start + 1) if more else None})

    async def messages(self, request: web.Request) -> Answer:
        all_ = [e["data"]["message"] for e in self.log if e["channel_id"] == request.match_info["channel"]]
        limit = int(request.query.get("limit", "50"))
        if "after" in request.query:
            rest = [m for m in all_ if m["ch_seq"] > int(request.query["after"])]
            return web.json_response({"items": rest[:limit], "has_before": True, "has_after": len(rest) > limit})
        rest = [m for m in all_ if m["ch_seq"] < int(request.query.get("before", "1000000"))]
        return web.json_response({"items": rest[-limit:], "has_before": len(rest) > limit, "has_after": False})

    async def post(self, request: web.Request) -> Answer:
        body = await request.json()
        if not body["text"].strip():
            return problem(422, "validation_failed", errors=[{"pointer": "/text", "detail": "must not be blank"}])
        known = self.by_client_id.get(body["client_msg_id"])
        if known is not None:
            return web.json_response({"message": known}, status=200)
        message = self.commit(request.match_info["channel"], body["text"], body["client_msg_id"])
        if self.cut_after_commit:
            self.cut_after_commit -= 1
            cut(request)
        return web.json_response({"message": message}, status=201)

    def commit(self, channel_id: str, text: str, client_msg_id: str | None = None) -> dict[str, Any]:
        seq = self.last_seq(channel_id) + 1
        message = {"id": str(uuid.uuid4()), "workspace_id": WORKSPACE, "channel_id": channel_id, "ch_seq": seq,
                   "author_id": "me", "text": text, "thread_id": None, "mentions": [], "reactions": [],
                   "edited_at": None, "deleted_at": None, "created_at": NOW,
                   "client_msg_id": client_msg_id}  # fmt: skip
        event = {"id": str(uuid.uuid4()), "type": "message.created", "v": 1, "workspace_id": WORKSPACE,
                 "channel_id": channel_id, "ch_seq": seq, "actor_id": "me", "time": NOW,
                 "data": {"message": message}}  # fmt: skip
        self.log.append(event)
        if client_msg_id:
            self.by_client_id[client_msg_id] = message
        self.fan_out(len(self.log))
        return message

    async def events(self, request: web.Request) -> Answer:
        channel, after = request.match_info["channel"], int(request.query["after"])
        if after < self.expired_before:
            return problem(410, "events_expired")
        rest = [e for e in self.log if e["channel_id"] == channel and e["ch_seq"] > after]
        limit = min(int(request.query.get("limit", "50")), 20)
        return web.json_response(
            {"items": rest[:limit], "last_seq": self.last_seq(channel), "has_more": len(rest) > limit}
        )

    # The stream.

    def fan_out(self, position: int) -> None:
        frames = [] if self.random.random() < self.loss else [self.frame(position)]
        if self.random.random() < self.double:
            frames.append(self.frame(position))
        if position > 1 and self.random.random() < self.swap:
            frames.append(self.frame(position - 1))
        for queue in list(self.streams):
            for frame in frames:
                queue.put_nowait(frame)
            if self.random.random() < self.abort:
                queue.put_nowait(None)

    def frame(self, position: int) -> bytes:
        event = self.log[position - 1]
        return f"id: e{position}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

    def say(self, frame: str) -> None:
        """Put a frame on every open stream."""
        for queue in list(self.streams):
            queue.put_nowait(frame.encode())

    def hang_up(self) -> None:
        for queue in list(self.streams):
            queue.put_nowait(None)

    def reset_frame(self, reason: str = "epoch") -> str:
        return f'event: reset\ndata: {{"reason":"{reason}","cursor":"u{len(self.log)}"}}\n\n'

    async def stream(self, request: web.Request) -> Answer:
        self.stream_requests.append(request)
        position = request.headers.get("Last-Event-ID") or request.query.get("cursor")
        resumed = position is not None and self.resume
        self.resume = True
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        hello = json.dumps({"resumed": resumed, "cursor": f"u{len(self.log)}", "server": "s1", "rotate_s": 600})
        queue.put_nowait(f": ok\n\nretry: 2000\n\nevent: hello\ndata: {hello}\n\n".encode())
        if resumed and position is not None:
            for number in range(int(position[1:]) + 1, len(self.log) + 1):
                queue.put_nowait(self.frame(number))
        self.streams.add(queue)
        try:
            while (frame := await queue.get()) is not None:
                if self.muted:
                    continue
                middle = self.random.randrange(len(frame))
                await answer.write(frame[:middle])
                await answer.write(frame[middle:])
                if b"event: bye" in frame:
                    return answer
            cut(request)
        finally:
            self.streams.discard(queue)
        return answer

    # Plumbing.

    def plan(self, method: str, path: str, *faults: Fault) -> None:
        """Answer the next requests of this kind by these faults, one each."""
        self.faults[method, path].extend(faults)

    def count(self, method: str, path: str) -> int:
        return self.requests.count((method, path))

    @web.middleware
    async def middleware(self, request: web.Request, handler: Callable[[web.Request], Awaitable[Answer]]) -> Answer:
        path = request.path.removeprefix("/api/v1")
        self.requests.append((request.method, path))
        if (planned := self.faults[request.method, path]) and (answer := await planned.popleft()(request)) is not None:
            return answer
        if not path.startswith("/auth/"):
            expires = self.access.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
            if expires is None:
                return problem(401, "unauthenticated")
            if time.monotonic() > expires:
                return problem(401, "token_expired")
        return await handler(request)

    async def no_content(self, _: web.Request) -> Answer:
        return web.Response(status=204)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.middleware])
        app.add_routes([
            web.post("/api/v1/auth/login", self.login),
            web.post("/api/v1/auth/refresh", self.renew),
            web.post("/api/v1/auth/logout", self.no_content),
            web.get("/api/v1/workspaces", self.workspaces),
            web.get("/api/v1/workspaces/{ws}/bootstrap", self.bootstrap),
            web.get("/api/v1/workspaces/{ws}/channels", self.channels),
            web.get("/api/v1/channels/{channel}/messages", self.messages),
            web.post("/api/v1/channels/{channel}/messages", self.post),
            web.get("/api/v1/channels/{channel}/events", self.events),
            web.get("/api/v1/stream", self.stream),
        ])  # fmt: skip
        return app


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    yield server
    server.hang_up()
    await runner.cleanup()


@pytest.fixture
def timing() -> StreamTiming:
    return StreamTiming(silence_s=0.5, backoff=Backoff(base_s=0.02, cap_s=0.1))


@pytest.fixture
async def client(server: Server, timing: StreamTiming) -> AsyncIterator[Client]:
    """Signed in as `me`."""
    async with Client(server.url, timing=timing) as client:
        await client.auth.login("ada", "correct horse")
        yield client
