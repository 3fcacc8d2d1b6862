"""Two streams to play on: in memory, so that there can be a hundred thousand cases, and on a server."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from uuid_utils import uuid4

from tertulia_shared import events
from tertulia_shared.bus import Bus, BusMessage, Outgoing, ensure_event_stream, renew_incarnation, stream_state
from tertulia_shared.bus.message import encode_headers


class SlowBus(Bus):
    """Before and after each answer of JetStream `meanwhile` happens."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def pass_time(self) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()

    async def request(self, subject: str, data: bytes, timeout: float = 5.0, headers: Any = None) -> BusMessage:
        await self.pass_time()
        answer = await super().request(subject, data, timeout, headers)
        await self.pass_time()
        return answer


class MemoryBus(SlowBus):
    """Answers what a resuming process asks JetStream."""

    def __init__(self, topology: events.Topology) -> None:
        super().__init__("", "model", topology)
        self.stored: dict[int, tuple[bytes, Outgoing]] = {}
        self.last = 0
        self.incarnation = uuid4().hex
        self._inboxes: dict[str, Any] = {}

    async def request(self, subject: str, data: bytes, timeout: float = 5.0, headers: Any = None) -> BusMessage:
        assert subject == f"$JS.API.STREAM.INFO.{self.topology.stream}"
        await self.pass_time()
        first = min(self.stored, default=self.last + 1)
        about = {
            "config": {"metadata": {"incarnation": self.incarnation}},
            "state": {
                "first_seq": first,
                "last_seq": self.last,
                "messages": len(self.stored),
                "deleted": [seq for seq in range(first, self.last + 1) if seq not in self.stored],
            },
        }
        answer = BusMessage("", msgspec.json.encode(about), "")
        await self.pass_time()
        return answer

    async def subscribe(self, subject: str, callback: Any, *, queue: str = "", pending_limit: int = 0) -> Any:
        self._inboxes[subject] = callback
        await self.pass_time()
        return _Inbox(self._inboxes, subject)

    def publish_nowait(self, subject: str, data: bytes, headers: Any = None, reply: str = "") -> None:
        """A batch is asked for (ADR-31)."""
        assert subject == f"$JS.API.DIRECT.GET.{self.topology.stream}"
        wanted = msgspec.json.decode(data)
        found = [seq for seq in range(wanted["seq"], self.last + 1) if seq in self.stored][: wanted["batch"]]
        for seq in found:
            raw, outgoing = self.stored[seq]
            self._inboxes[reply](BusMessage(reply, outgoing.data, "", raw))
        end = b"NATS/1.0 204 EOB\r\n\r\n" if found else b"NATS/1.0 404 Message Not Found\r\n\r\n"
        self._inboxes[reply](BusMessage(reply, b"", "", end))


class _Inbox:
    def __init__(self, inboxes: dict[str, Any], subject: str) -> None:
        self._inboxes = inboxes
        self._subject = subject

    async def unsubscribe(self) -> None:
        del self._inboxes[self._subject]


class MemoryStream:
    def __init__(self, topology: events.Topology) -> None:
        self.bus = MemoryBus(topology)

    async def append(self, message: Outgoing) -> int:
        bus = self.bus
        bus.last += 1
        told = (
            f"Nats-Stream: {bus.topology.stream}\r\nNats-Subject: {message.subject}\r\n"
            f"Nats-Sequence: {bus.last}\r\nNats-Time-Stamp: 2026-11-21T00:00:00Z\r\n\r\n"
        )
        bus.stored[bus.last] = (encode_headers(message.headers)[:-2] + told.encode(), message)
        return bus.last

    async def erase(self, seq: int) -> None:
        self.bus.stored.pop(seq, None)

    async def expire(self, below: int) -> None:
        for seq in [seq for seq in self.bus.stored if seq < below]:
            del self.bus.stored[seq]

    async def renew(self) -> str:
        self.bus.incarnation = uuid4().hex
        return self.bus.incarnation

    async def recreate(self) -> str:
        self.bus.stored.clear()
        self.bus.last = 0
        return await self.renew()


class NatsStream:
    """The same on a server."""

    def __init__(self, bus: SlowBus, writing: Bus) -> None:
        self.bus = bus
        self._writing = writing
        self._name = bus.topology.stream
        self._gone: set[int] = set()

    async def append(self, message: Outgoing) -> int:
        answer = await self._writing.request(message.subject, message.data, headers=message.headers)
        return msgspec.json.decode(answer.data)["seq"]

    async def erase(self, seq: int) -> None:
        state = await stream_state(self._writing)
        if seq not in self._gone and state.first_seq <= seq:
            self._gone.add(seq)
            await self._ask("MSG.DELETE", b'{"seq":%d}' % seq)

    async def expire(self, below: int) -> None:
        await self._ask("PURGE", b'{"seq":%d}' % below)

    async def renew(self) -> str:
        return (await renew_incarnation(self._writing)).incarnation

    async def recreate(self) -> str:
        await self._ask("DELETE", b"")
        self._gone.clear()
        return (await ensure_event_stream(self._writing)).incarnation

    async def _ask(self, what: str, body: bytes) -> None:
        answer = msgspec.json.decode((await self._writing.request(f"$JS.API.STREAM.{what}.{self._name}", body)).data)
        assert answer["success"], answer
