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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
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


def _id() -> str:
    return str(uuid7())


@dataclass(slots=True)
class Room:
    """A workspace with one channel in which everybody is."""

    people: list[str]
    workspace: str = field(default_factory=_id)
    channel: str = field(default_factory=_id)
    _author: str = field(default_factory=_id)
    _last: int = 1

    @staticmethod
    def of(people: int) -> "Room":
        return Room([_id() for _ in range(people)])

    def memberships(self) -> Iterator[Mapping[str, object]]:
        """As chat tells them."""
        for person in self.people:
            yield {"w": self.workspace, "u": person, "role": "member"}
            yield {"c": self.channel, "w": self.workspace, "u": person, "s": 1}

    def message(self, topology: Topology, number: int) -> Outgoing:
        """The next message, whose text begins with this number."""
        self._last += 1
        now = datetime.now(UTC)
        message = events.Message(
            id=_id(),
            workspace_id=self.workspace,
            channel_id=self.channel,
            ch_seq=self._last,
            author_id=self._author,
            text=f"{number} {SENTENCE}",
            client_msg_id=_id(),
            created_at=now,
        )
        envelope = events.envelope_of(
            events.MessageCreated(message=message),
            event_id=_id(),
            time=now,
            workspace_id=self.workspace,
            channel_id=self.channel,
            ch_seq=self._last,
        )
        headers = {
            subjects.H_MSG_ID: f"{envelope.id}.bench",
            subjects.H_TYPE: envelope.type,
            subjects.H_VERSION: str(envelope.v),
            subjects.H_LOG_ID: str(self._last),
            subjects.H_LOW: str(self._last),
            subjects.H_TIME: str(int(now.timestamp() * 1000)),
            subjects.H_CH_SEQ: str(self._last),
        }
        address = events.Address(events.shard_of(self.channel), self.workspace, "ch", self.channel)
        return Outgoing(topology.evt(address), events.encode(envelope), headers)


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of notify."""

    port: int
    process: psutil.Process
    _started: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        self._started.terminate()
        self._started.wait(15)


class Surroundings:
    """All that notify needs, and notify as often as wanted. `async with` starts and ends everything."""

    def __init__(self, directory: Path, rooms: Sequence[Room], core: int) -> None:
        """Each notify is bound to that core."""
        self.rooms = rooms
        self._directory = directory
        self._core = core
        self._key = OKPKey.generate_key("Ed25519", {"kid": "bench"})
        self._signer = TokenSigner(self._key)
        self._secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self._topology = Topology("")
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        # In memory where there is such a place: a slow disk would be measured with every event, and nchan has none.
        root = self._exits.enter_context(tempfile.TemporaryDirectory(prefix="tertulia-bench-", dir=MEMORY))
        nats = NatsServer(Path(root))
        await asyncio.to_thread(nats.start)
        self._exits.callback(nats.stop)
        launcher = psutil.Process(nats.pid)
        self.nats = [launcher, *launcher.children(recursive=True)]
        self._nats_url = nats.url
        bus = await self._exits.enter_async_context(Bus(nats.url, "bench", self._topology))
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        self._publisher = await self._exits.enter_async_context(PipelinedPublisher(bus))
        self._chat_url = await self._chat()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def start(self) -> Replica:
        """One more notify, ready."""
        port = free_port()
        environment = {
            **os.environ,
            "PORT": str(port),
            "NATS_URL": self._nats_url,
            "SECRET_KEY": self._secret,
            "JWKS_URL": f"{self._chat_url}/.well-known/jwks.json",
            "CHAT_URL": self._chat_url,
            "STREAM_ROTATE_S": "7200",
        }
        log = self._exits.enter_context((self._directory / f"notify-{port}.log").open("wb"))
        command = [sys.executable, "-m", "tertulia_notify"]
        if hasattr(os, "sched_setaffinity"):
            command = ["taskset", "-c", str(self._core), *command]
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        replica = Replica(port, psutil.Process(started.pid), started)
        self._exits.callback(replica.stop)
        await _until_ready(port)
        return replica

    def request(self, person: str) -> bytes:
        """Opens the person's stream, at whichever notify."""
        token = self._signer.issue(person, _id(), TOKEN_TTL_S)
        return f"GET /api/v1/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    async def say(self, room: Room, numbers: Sequence[int]) -> None:
        """Messages whose texts begin with these numbers, all at once; returns when the stream has stored them."""
        await self._publisher.publish([room.message(self._topology, number) for number in numbers])

    async def _chat(self) -> str:
        """chat's address: memberships and keys."""
        lines = [line for room in self.rooms for line in room.memberships()]
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


class LiveDelivery(Surroundings):
    """One room, and one notify."""

    def __init__(self, directory: Path, people: int, core: int) -> None:
        super().__init__(directory, [Room.of(people)], core)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        replica = await self.start()
        self.port, self.process = replica.port, replica.process
        return self

    @property
    def people(self) -> list[str]:
        return self.rooms[0].people

    async def publish(self, numbers: Sequence[int]) -> None:
        """As `say`, in the one room."""
        await self.say(self.rooms[0], numbers)

    def body(self, number: int) -> bytes:
        """The JSON of such an event."""
        return self.rooms[0].message(self._topology, number).data


async def _until_ready(port: int) -> None:
    async with asyncio.timeout(READY_S), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://{LOOPBACK}:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
