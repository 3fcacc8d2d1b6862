"""A real NATS server and chat's snapshot address, answered by a small HTTP server in the form that chat gives it."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from uuid_utils import uuid7

from tertulia_shared import events
from tertulia_shared.bus import Bus, FollowLimits, Outgoing, PipelinedPublisher, ensure_event_stream
from tertulia_shared.events import subjects
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import ServiceTokens
from tertulia_stack.servers import NatsServer

SECRETS = SecretKeys(secrets.token_bytes(32))
QUICK = FollowLimits(tail_check_s=0.2, proof_s=1.0, restart_s=3.0)


@dataclass
class Chat:
    lines: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    snapshots: int = 0
    down: bool = False
    cut: bool = False
    asked_by: str = ""
    before_answer: Callable[[], Awaitable[None]] | None = None

    async def memberships(self, request: web.Request) -> web.Response:
        self.asked_by = ServiceTokens(SECRETS).verify(request.headers["Authorization"].split()[1])
        if self.down:
            raise web.HTTPServiceUnavailable
        self.snapshots += 1
        lines = list(self.lines)
        if self.before_answer:
            await self.before_answer()
        if not self.cut:
            lines.append({"end": True, "count": len(lines)})
        return web.Response(
            text="".join(json.dumps(line) + "\n" for line in lines), content_type="application/x-ndjson"
        )


@dataclass
class World:
    topology: events.Topology
    nats_url: str
    bus: Bus
    chat: Chat

    def event(self, fact: events.Fact, scope: Any, target: str, ch_seq: int | None = None, **place: Any) -> Outgoing:
        envelope = events.envelope_of(
            fact,
            event_id=str(uuid7()),
            time=datetime.now(UTC),
            workspace_id=place.get("workspace", "W"),
            channel_id=target if scope == "ch" else place.get("channel"),
            ch_seq=ch_seq,
        )
        headers = {subjects.H_MSG_ID: envelope.id, subjects.H_TYPE: envelope.type, subjects.H_VERSION: "1"}
        address = events.Address(events.shard_of(target), place.get("workspace", "W"), scope, target)
        return Outgoing(self.topology.evt(address), events.encode(envelope), headers)

    async def publish(self, *messages: Outgoing) -> list[int]:
        async with PipelinedPublisher(self.bus) as publisher:
            return await publisher.publish(messages)

    @asynccontextmanager
    async def feed(self, limits: FollowLimits = QUICK, *, ready: bool = True) -> AsyncIterator[MembershipFeed]:
        async with Bus(self.nats_url, "feed", self.topology) as bus:
            feed = MembershipFeed(bus, self.chat.url, ServiceTokens(SECRETS), "search", limits)
            task = asyncio.get_running_loop().create_task(feed.run())
            try:
                if ready:
                    await self.until(lambda: feed.serving)
                yield feed
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = Chat()
    app = web.Application()
    app.router.add_get("/internal/v1/memberships", chat.memberships)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chat.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield chat
    await runner.cleanup()


@pytest.fixture
async def world(nats_url: str, topology: events.Topology, chat: Chat) -> AsyncIterator[World]:
    async with Bus(nats_url, "test", topology) as bus:
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        yield World(topology, nats_url, bus, chat)


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that the test may kill."""
    with NatsServer(tmp_path / "nats", sync_always=False) as server:
        yield server


@pytest.fixture
async def own_world(own_nats: NatsServer, topology: events.Topology, chat: Chat) -> AsyncIterator[World]:
    async with Bus(own_nats.url, "test", topology) as bus:
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        yield World(topology, own_nats.url, bus, chat)
