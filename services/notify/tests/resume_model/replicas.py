"""One process of notify, beside what the model knows of it."""

from dataclasses import dataclass, field

from resume_model.chronicle import Chronicle
from resume_model.clients import SEALER, Item
from resume_model.standing import CHANNELS, HOMES, Entry, Standing, time_of
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.event import EventReader
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.resume import Beginning, Resumer
from tertulia_notify.ingress.ingress import Ingress
from tertulia_notify.limits import Limits
from tertulia_shared.bus import stream_state
from tertulia_shared.cursors import Position
from tertulia_shared.membership import Projection, Revocations


@dataclass(slots=True)
class Visit:
    """One connection: what the service made of it, and what the model says that it has to be sent."""

    connection: Connection
    begun: Beginning | None = None
    expected: list[Item] = field(default_factory=list)
    live: bool = False
    over: bool = False

    @property
    def person(self) -> str:
        return self.connection.user_id

    def expect(self, item: Item) -> None:
        if not self.over:
            self.expected.append(item)
            self.over = item[0] == "bye"


class Replica:
    """One process of notify, beside what the model knows of it."""

    def __init__(self, chronicle: Chronicle, limits: Limits) -> None:
        self.limits = limits
        self.visits: list[Visit] = []
        self.standing = Standing()
        self.life = ""
        self.head = 0
        self.chronicle = chronicle
        bus = chronicle.stream.bus
        self._revocations = Revocations()
        self.hub = Hub(EventReader(bus.topology, SEALER), SEALER, self._revocations)
        self.resumer = Resumer(bus, self.hub, SEALER, limits)
        self._ingress = Ingress(bus, self.hub, self._snapshot, limits)
        self._kept: dict[int, None] = {}
        self._begun_at = 0

    @property
    def place(self) -> Position:
        return Position(self.life, self.head)

    @property
    def floor(self) -> int:
        """What is above it must be in the ring: as many events as that may hold."""
        over = len(self._kept) - self.limits.ring_events
        return list(self._kept)[over - 1] if over > 0 else self._begun_at

    async def begin(self) -> None:
        """From nothing: at the start, and in another life of the stream."""
        chronicle = self.chronicle
        await self._ingress.begin(await stream_state(chronicle.stream.bus))
        self.standing, self.life, self.head = chronicle.truth.copy(), chronicle.life, len(chronicle.log.entries)
        self._begun_at = max(chronicle.log.first - 1, self.head - self.limits.warm_events)
        self._kept = {
            entry.seq: None
            for entry in chronicle.log.entries[self._begun_at :]
            if entry.seq in chronicle.log.stored and entry.what != "spoilt"
        }
        for visit in self.visits:
            if visit.connection.session_id in self.standing.ended:
                visit.expect(("bye", "revoked"))
            elif visit.live:
                visit.expect(("reset", self.place))

    async def hear(self, count: int) -> None:
        """The next messages, handled in one step as if they had come with one read of the socket."""
        if self.life != self.chronicle.life:
            await self.begin()
            return
        for entry in self.chronicle.log.entries[self.head : self.head + count]:
            message = entry.outgoing
            self.hub.accept(entry.seq, message.subject, message.headers, message.data)
            self._note(entry)
        self.hub.settle()

    def shown(self, person: str, after: int) -> list[int]:
        """The full replay: every message up to here that the person may see now."""
        entries = self.chronicle.lives[self.life].entries[after : self.head]
        return [entry.seq for entry in entries if self.standing.shows(person, entry)]

    def holds(self, seq: int) -> bool:
        """Whether a replay must have a message: it may only lack what was deleted singly before the ring had it."""
        return seq in self._kept if seq > self.floor else seq not in self.chronicle.lives[self.life].erased

    def _note(self, entry: Entry) -> None:
        leaving = entry.what in ("left", "dismissed")
        readers = [visit for visit in self.visits if leaving and self.standing.reaches(visit.person, entry)]
        dismissed = self.standing.take(entry)
        if not leaving:
            readers = [visit for visit in self.visits if self.standing.reaches(visit.person, entry)]
        self.head = entry.seq
        if entry.what != "spoilt":
            self._kept[entry.seq] = None
        for visit in readers:
            if visit.live:
                visit.expect(("event", self.place))
        for visit in self.visits:
            if dismissed and visit.person == entry.person:
                visit.expect(("bye", "rotate"))
            if entry.what == "revoked" and visit.connection.session_id == entry.value:
                visit.expect(("bye", "revoked"))

    async def _snapshot(self) -> Projection:
        """What chat would answer."""
        chronicle, projection = self.chronicle, Projection()
        for (workspace, person), role in chronicle.truth.roles.items():
            projection.join_workspace(workspace, person, role)
        for (channel, person), deed in chronicle.truth.members.items():
            projection.join(channel, HOMES[channel], person, deed)
        for channel in CHANNELS:
            projection.reflects(channel, chronicle.deeds)
        for (channel, person), (deed, banned) in chronicle.truth.bans.items():
            projection.ban(channel, person, float("inf") if banned else 0.0, time_of(deed).timestamp())
        for session in chronicle.truth.ended:
            self._revocations.add(session)
        return projection
