"""notify by itself: a real NATS server, the real process, and chat's two addresses answered from here.

Events are published as chat's relay publishes them, into the real stream; what is left out is how they came about.
"""

import asyncio
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import psutil
from aiohttp import web
from joserfc.jwk import KeySet, OKPKey
from uuid_utils import uuid7

from tertulia_bench.conversation import SENTENCE
from tertulia_shared import events
from tertulia_shared.bus import Bus, Outgoing, PipelinedPublisher, ensure_event_stream
from tertulia_shared.events import Topology, subjects
from tertulia_shared.tokens import TokenSigner
from tertulia_stack.ports import LOOPBACK, free_port
from tertulia_stack.servers import NatsServer

READY_S = 30.0
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
TOKEN_TTL_S = 7200


class LiveDelivery:
    """One workspace with one channel in which everybody is. `async with` starts and ends everything."""

    def __init__(self, directory: Path, people: int, core: int) -> None:
        self.port = free_port()
        self.people = [_id() for _ in range(people)]
        self._directory = directory
        self._core = core
        self._key = OKPKey.generate_key("Ed25519", {"kid": "bench"})
        self._signer = TokenSigner(self._key)
        self._workspace, self._channel, self._author = _id(), _id(), _id()
        self._topology = Topology("")
        self._exits = AsyncExitStack()
        self._next = 1

    async def __aenter__(self) -> Self:
        # In memory where there is such a place: a slow disk would be measured with every event, and nchan has none.
        root = self._exits.enter_context(tempfile.TemporaryDirectory(prefix="tertulia-bench-", dir=MEMORY))
        nats = NatsServer(Path(root))
        await asyncio.to_thread(nats.start)
        self._exits.callback(nats.stop)
        bus = await self._exits.enter_async_context(Bus(nats.url, "bench", self._topology))
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        self._publisher = await self._exits.enter_async_context(PipelinedPublisher(bus))
        chat = await self._chat()
        self.process = psutil.Process(self._start(nats.url, chat).pid)
        """notify's own."""
        await self._until_ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    def request(self, person: str) -> bytes:
        """Opens the person's stream."""
        token = self._signer.issue(person, _id(), TOKEN_TTL_S)
        return f"GET /api/v1/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    async def publish(self, numbers: Sequence[int]) -> None:
        """Messages whose texts begin with these numbers, all at once; returns when the stream has stored them."""
        await self._publisher.publish([self._message(number) for number in numbers])

    def body(self, number: int) -> bytes:
        """The JSON of such an event."""
        return self._message(number).data

    def _message(self, number: int) -> Outgoing:
        self._next += 1
        now = datetime.now(UTC)
        message = events.Message(
            id=_id(),
            workspace_id=self._workspace,
            channel_id=self._channel,
            ch_seq=self._next,
            author_id=self._author,
            text=f"{number} {SENTENCE}",
            client_msg_id=_id(),
            created_at=now,
        )
        envelope = events.envelope_of(
            events.MessageCreated(message=message),
            event_id=_id(),
            time=now,
            workspace_id=self._workspace,
            channel_id=self._channel,
            ch_seq=self._next,
        )
        headers = {
            subjects.H_MSG_ID: f"{envelope.id}.bench",
            subjects.H_TYPE: envelope.type,
            subjects.H_VERSION: str(envelope.v),
            subjects.H_LOG_ID: str(self._next),
            subjects.H_LOW: str(self._next),
            subjects.H_TIME: str(int(now.timestamp() * 1000)),
            subjects.H_CH_SEQ: str(self._next),
        }
        address = events.Address(events.shard_of(self._channel), self._workspace, "ch", self._channel)
        return Outgoing(self._topology.evt(address), events.encode(envelope), headers)

    async def _chat(self) -> str:
        """chat's address: memberships and keys."""
        lines: list[Mapping[str, object]] = []
        for person in self.people:
            lines.append({"w": self._workspace, "u": person, "role": "member"})
            lines.append({"c": self._channel, "w": self._workspace, "u": person, "s": 1})
        lines.append({"end": True, "count": len(lines)})
        snapshot = b"".join(json.dumps(line).encode() + b"\n" for line in lines)

        async def memberships(_: web.Request) -> web.Response:
            return web.Response(body=snapshot, content_type="application/x-ndjson")

        async def keys(_: web.Request) -> web.Response:
            return web.json_response(KeySet([self._key]).as_dict(private=False))

        app = web.Application()
        app.router.add_get("/internal/v1/memberships", memberships)
        app.router.add_get("/.well-known/jwks.json", keys)
        runner = web.AppRunner(app)
        await runner.setup()
        self._exits.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return f"http://{LOOPBACK}:{runner.addresses[0][1]}"

    def _start(self, nats_url: str, chat_url: str) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "NATS_URL": nats_url,
            "SECRET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "JWKS_URL": f"{chat_url}/.well-known/jwks.json",
            "CHAT_URL": chat_url,
            "STREAM_ROTATE_S": "7200",
        }
        log = self._exits.enter_context((self._directory / "notify.log").open("wb"))
        command = [sys.executable, "-m", "tertulia_notify"]
        if hasattr(os, "sched_setaffinity"):
            command = ["taskset", "-c", str(self._core), *command]
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._exits.callback(started.wait, 15)
        self._exits.callback(started.terminate)
        return started

    async def _until_ready(self) -> None:
        async with asyncio.timeout(READY_S), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://{LOOPBACK}:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    pass
                await asyncio.sleep(0.1)


def _id() -> str:
    return str(uuid7())
