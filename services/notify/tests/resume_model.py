"""What the model of a client's coming back is made of: the messages of a stream, who belongs where after some part of
it, clients with the places that they come back with, and two streams to play on, in memory and on a server.

It shares nothing with the service but the contracts: events, subjects, headers and sealed positions.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from uuid_utils import uuid4

from tertulia_shared import events
from tertulia_shared.bus import (
    Bus,
    BusMessage,
    Outgoing,
    ensure_event_stream,
    renew_incarnation,
    stream_state,
)
from tertulia_shared.bus.message import encode_headers
from tertulia_shared.cursors import LIFETIME, CursorSealer, Position
from tertulia_shared.events import ChannelKind
from tertulia_shared.settings import SecretKeys

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SEALER = CursorSealer(SecretKeys(b"m" * 32))
SCOPES: dict[str, events.Scope] = {
    **dict.fromkeys(("said", "joined", "left"), "ch"),
    **dict.fromkeys(("told", "ban", "revoked"), "user"),
}
"""What else there is goes to a workspace."""
EVENT_KINDS = ("said", "announced", "told", "joined", "left", "admitted", "dismissed", "role", "ban")

ADA, BOB, EVE = (str(UUID(int=number)) for number in (1, 2, 3))
PEOPLE = (ADA, BOB)
HOMES = {"tea": "west", "den": "west", "yard": "east"}
"""Each channel's workspace. Tea and yard are public."""
CHANNELS, WORKSPACES = tuple(HOMES), ("west", "east")
ABOUT = {"west": (None, "tea"), "east": (None, "yard")}
"""What an event for a whole workspace is about: nothing, or a public channel of it."""


@dataclass(slots=True)
class Entry:
    """One message of the stream, as it was meant. `target` is the channel, the workspace or the person it is for."""

    what: str
    target: str
    outgoing: Outgoing
    person: str = ""
    value: str | None = None
    deed: int = 0
    """Chat's own counting; a repetition by the relay has the number of the first time."""
    seq: int = 0

    @property
    def scope(self) -> events.Scope:
        return SCOPES.get(self.what, "ws")


class Standing:
    """Who belongs where after some part of the stream, as plainly as it can be written down."""

    def __init__(self) -> None:
        self.members: dict[tuple[str, str], int] = {}
        self.roles: dict[tuple[str, str], str] = {}
        self.bans: dict[tuple[str, str], tuple[int, bool]] = {}
        self.changed: dict[str, int] = dict.fromkeys(CHANNELS, 0)
        self.ended: set[str] = set()

    def copy(self) -> "Standing":
        other = Standing()
        other.members, other.roles, other.bans = self.members.copy(), self.roles.copy(), self.bans.copy()
        other.changed, other.ended = self.changed.copy(), self.ended.copy()
        return other

    def take(self, entry: Entry) -> bool:
        """Whether somebody's belonging to the workspace ended."""
        key = (entry.target, entry.person)
        if entry.what in ("joined", "left"):
            if entry.deed > self.changed[entry.target]:
                self.changed[entry.target] = entry.deed
                if entry.what == "joined":
                    self.members[key] = entry.deed
                else:
                    self.members.pop(key, None)
        elif entry.what == "admitted":
            self.roles.setdefault(key, str(entry.value))
        elif entry.what == "dismissed":
            return self.roles.pop(key, None) is not None
        elif entry.what == "role":
            if key in self.roles:
                self.roles[key] = str(entry.value)
        elif entry.what == "ban":
            self._ban(entry)
        elif entry.what == "revoked":
            self.ended.add(str(entry.value))
        return False

    def _ban(self, entry: Entry) -> None:
        channel, banned = str(entry.value).split("/")
        if entry.deed >= self.bans.get((channel, entry.person), (0, False))[0]:
            self.bans[channel, entry.person] = (entry.deed, banned == "yes")

    def reaches(self, person: str, entry: Entry) -> bool:
        """Live: by what holds at this moment."""
        if entry.what not in EVENT_KINDS:
            return False
        if entry.what in ("left", "dismissed") and entry.person == person:
            return True
        if entry.scope == "ch":
            return (entry.target, person) in self.members
        if entry.scope == "user":
            return entry.target == person
        return self._hears(person, entry)

    def shows(self, person: str, entry: Entry) -> bool:
        """In a replay: by what holds now, and nothing of a channel from before the latest joining."""
        if not self.reaches(person, entry):
            return False
        own_leaving = entry.what == "left" and entry.person == person
        return entry.scope != "ch" or own_leaving or self.members[entry.target, person] <= entry.deed

    def _hears(self, person: str, entry: Entry) -> bool:
        role = self.roles.get((entry.target, person))
        if role is None:
            return False
        if entry.what != "announced" or entry.value is None:
            return True
        channel = str(entry.value)
        if role == "guest":
            return (channel, person) in self.members
        return not self.bans.get((channel, person), (0, False))[1]


@dataclass(slots=True)
class Log:
    """One life of the stream: all that was ever in it, the numbers that are still there, and which were deleted one by
    one (the only ones that a replay may be without)."""

    entries: list[Entry] = field(default_factory=list)
    stored: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)

    @property
    def first(self) -> int:
        return min(self.stored, default=len(self.entries) + 1)


Item = tuple[str, Any]
"""What a client reads: ("event" | "beat" | "reset", position) or ("bye", reason)."""


# -- clients -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Place:
    """Something that a client may come back with: an event's id, or a cursor of its own.

    `had` are the numbers of the events that it had when it was there, all after `start`.
    """

    position: Position
    text: str
    kind: Literal["id", "cursor"]
    start: Position
    had: tuple[int, ...]


@dataclass(slots=True)
class Device:
    """What it has is of one life of the stream."""

    person: str
    session: str
    places: list[Place] = field(default_factory=list)
    start: Position | None = None
    had: list[int] = field(default_factory=list)
    replica: Any = None
    visit: Any = None
    """Of the test: the connection that it has, and where."""

    def keep(self, position: Position, text: str, kind: Literal["id", "cursor"]) -> None:
        """A place to come back to."""
        assert self.start is not None
        self.places.append(Place(position, text, kind, self.start, tuple(self.had)))

    def restart(self, position: Position) -> None:
        """It knows nothing but a snapshot of then."""
        self.start, self.had = position, []


def channel_of(channel: str) -> events.Channel:
    return events.Channel(
        id=channel,
        workspace_id=HOMES[channel],
        kind=ChannelKind.PRIVATE if channel == "den" else ChannelKind.PUBLIC,
        name=channel,
        topic="",
        created_by=EVE,
        created_at=NOW,
    )


def user_of(person: str) -> events.User:
    return events.User(id=person, username=f"u{person[-1]}", display_name="Somebody", created_at=NOW)


def time_of(deed: int) -> datetime:
    return NOW + timedelta(milliseconds=deed)


def read(frame: bytes) -> tuple[Item, str]:
    """What a frame is, and its id."""
    if frame.startswith(b"id: "):
        sealed, _, rest = frame[4:].partition(b"\n")
        text = sealed.decode()
        return ("beat" if rest == b"\n" else "event", SEALER.open(text, EVE, NOW)), text
    head, _, rest = frame.partition(b"\ndata: ")
    return (head.removeprefix(b"event: ").decode(), msgspec.json.decode(rest)), ""


@dataclass(slots=True)
class Asked:
    """What a client comes with. `place` is None when it asks for no replay, or for what must be refused."""

    place: Place | None
    last_event_id: str | None = None
    cursor: str | None = None
    refused: str | None = None

    @staticmethod
    def drawn(device: Device, step: int) -> "Asked":
        step, what = divmod(step, 16)
        if not device.places:
            return Asked(None)
        place = device.places[-1 - (0 if what < 6 else step % len(device.places))]
        now = datetime.now(UTC)
        match what:
            case 11:
                return Asked(None, cursor=place.text[:-3] + "AAA", refused="invalid")
            case 14:
                another = SEALER.seal_user(EVE, place.position, now)
                return Asked(None, last_event_id=place.text, cursor=another, refused="foreign")
            case 13:
                old = SEALER.seal_user(device.person, place.position, now - LIFETIME - timedelta(hours=1))
                return Asked(None, cursor=old, refused="expired")
            case 12:
                return Asked(None)
            case 9 | 10:
                # As an EventSource does: the address of its first connection, and where it is now.
                first = next(known.text for known in device.places if known.kind == "cursor")
                return Asked(place, last_event_id=place.text, cursor=first)
            case _ if place.kind == "id":
                return Asked(place, last_event_id=place.text)
            case _:
                return Asked(place, cursor=place.text)


# -- the stream in memory ------------------------------------------------------------------------------------------


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
