"""Random histories of comings and goings, against a model that remembers everything.

A history is drawn: people write, join, leave, become guests, are banned, lose a session or the workspace; the stream
forgets its oldest messages, loses some, is repeated by the relay, gets another life; two replicas hear of it late and
start anew; clients break off anywhere and come back at either replica from any place they ever had, also while all of
that goes on. The model keeps every message and who belongs where, and reads all of it again for every question. It says
of every connection exactly what has to be sent, or for what reason there has to be a reset.

The hub, the ring, the resumer, the start and the reading of the stream are the real ones. What answers the reads is a
stream in memory, so that there can be a hundred thousand cases; the same histories are played on a NATS server, too.
A case is one client coming back. The model's parts are in `resume_model`.
"""

import asyncio
import importlib.util
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from uuid_utils import uuid4

from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.event import EventReader
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.resume import Beginning, Resumer
from tertulia_notify.ingress.ingress import Ingress
from tertulia_notify.limits import Limits
from tertulia_shared import events
from tertulia_shared.bus import (
    Bus,
    Outgoing,
    ensure_event_stream,
    stream_state,
)
from tertulia_shared.cursors import Position
from tertulia_shared.events import LeaveReason, Role, subjects
from tertulia_shared.membership import Projection, Revocations
from tertulia_shared.problems import DependencyUnavailable


def load_model() -> Any:
    spec = importlib.util.spec_from_file_location("resume_model", Path(__file__).with_name("resume_model.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


model = load_model()

BOUNDS = [
    {"ring_events": 1_000, "warm_events": 1_000},
    {"ring_events": 4, "warm_events": 4},
    {"ring_events": 3, "warm_events": 9},
    {"ring_events": 5, "warm_events": 2, "max_sent": 12},
    {"ring_events": 6, "warm_events": 6, "max_scanned": 25},
    {"ring_events": 2, "warm_events": 1, "max_sent": 20, "max_scanned": 40},
]


@dataclass(slots=True)
class Visit:
    """One connection: what the service made of it, and what the model says that it has to be sent."""

    connection: Connection
    begun: Beginning | None = None
    expected: list[model.Item] = field(default_factory=list)
    live: bool = False
    over: bool = False

    @property
    def person(self) -> str:
        return self.connection.user_id

    def expect(self, item: model.Item) -> None:
        if not self.over:
            self.expected.append(item)
            self.over = item[0] == "bye"


# -- the service ---------------------------------------------------------------------------------------------------


class Replica:
    """One process of notify, beside what the model knows of it."""

    def __init__(self, story: "Story", limits: Limits) -> None:
        self.limits = limits
        self.visits: list[Visit] = []
        self.standing = model.Standing()
        self.life = ""
        self.head = 0
        self._story = story
        bus = story.stream.bus
        self._revocations = Revocations()
        self.hub = Hub(EventReader(bus.topology, model.SEALER), model.SEALER, self._revocations)
        self.resumer = Resumer(bus, self.hub, model.SEALER, limits)
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
        story = self._story
        await self._ingress.begin(await stream_state(story.stream.bus))
        self.standing, self.life, self.head = story.truth.copy(), story.life, len(story.log.entries)
        self._begun_at = max(story.log.first - 1, self.head - self.limits.warm_events)
        self._kept = {
            entry.seq: None
            for entry in story.log.entries[self._begun_at :]
            if entry.seq in story.log.stored and entry.what != "spoilt"
        }
        for visit in self.visits:
            if visit.connection.session_id in self.standing.ended:
                visit.expect(("bye", "revoked"))
            elif visit.live:
                visit.expect(("reset", self.place))

    async def hear(self, count: int) -> None:
        """The next messages, handled in one step as if they had come with one read of the socket."""
        if self.life != self._story.life:
            await self.begin()
            return
        for entry in self._story.log.entries[self.head : self.head + count]:
            message = entry.outgoing
            self.hub.accept(entry.seq, message.subject, message.headers, message.data)
            self._note(entry)
        self.hub.settle()

    def shown(self, person: str, after: int) -> list[int]:
        """The full replay: every message up to here that the person may see now."""
        entries = self._story.lives[self.life].entries[after : self.head]
        return [entry.seq for entry in entries if self.standing.shows(person, entry)]

    def holds(self, seq: int) -> bool:
        """Whether a replay must have a message: it may only lack what was deleted singly before the ring had it."""
        return seq in self._kept if seq > self.floor else seq not in self._story.lives[self.life].erased

    def _note(self, entry: model.Entry) -> None:
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
        story, projection = self._story, Projection()
        for (workspace, person), role in story.truth.roles.items():
            projection.join_workspace(workspace, person, role)
        for (channel, person), deed in story.truth.members.items():
            projection.join(channel, model.HOMES[channel], person, deed)
        for channel in model.CHANNELS:
            projection.reflects(channel, story.deeds)
        for (channel, person), (deed, banned) in story.truth.bans.items():
            projection.ban(channel, person, float("inf") if banned else 0.0, model.time_of(deed).timestamp())
        for session in story.truth.ended:
            self._revocations.add(session)
        return projection


# -- a history -----------------------------------------------------------------------------------------------------


class Story:
    """Plays the steps of a history and holds every answer against the model."""

    def __init__(self, stream: model.MemoryStream | model.NatsStream, life: str, bounds: dict[str, int]) -> None:
        self.stream = stream
        self.life = life[:16]
        self.lives = {self.life: model.Log()}
        self.truth = model.Standing()
        self.deeds = 0
        self.cases: Counter[str] = Counter()
        self._bounds = bounds
        self._done: list[model.Entry] = []
        self._sessions = 0
        self._devices = [model.Device(person, self._new_session()) for person in (model.ADA, model.ADA, model.BOB)]
        for person, role in ((model.ADA, "member"), (model.BOB, "guest")):
            self.truth.roles["west", person] = role
            self.truth.members["tea", person] = 0
        self.replicas = [Replica(self, self._limits()) for _ in range(2)]

    @property
    def log(self) -> model.Log:
        return self.lives[self.life]

    async def play(self, steps: list[int]) -> None:
        for replica in self.replicas:
            await replica.begin()
        for device in self._devices:
            await self._come(device, self.replicas[0], 0, iter(()))
        waiting = iter(steps)
        for step in waiting:
            await self._step(step, waiting)
        for device in self._devices:
            await self._part(device, 1_000)
            await self.replicas[0].hear(1_000)
            await self._come(device, self.replicas[0], 0, iter(()))
            await self._part(device, 1_000)

    async def _step(self, step: int, waiting: Iterator[int]) -> None:
        step, what = divmod(step, 16)
        step, who = divmod(step, 8)
        replica, device = self.replicas[who % 2], self._devices[who % 3]
        if what < 7:
            await self._write(step, who)
        elif what < 9:
            await self._happen_to_stream(step)
        elif what < 12:
            await replica.hear(step % 7 + 1)
        elif what < 13:
            await self._happen_to_replica(step, who % 2)
        elif what < 14:
            await self._part(device, step % 12)
        else:
            await self._part(device, 1_000)
            await self._come(device, replica, step, waiting)

    # -- what people do --------------------------------------------------------------------------------------------

    async def _write(self, step: int, who: int) -> None:
        step, what = divmod(step, 12)
        person = model.PEOPLE[who % 2]
        channel, workspace = model.CHANNELS[step % 3], model.WORKSPACES[step % 2]
        match what:
            case 0 | 1 | 2:
                for _ in range(step // 3 % 4 + 1):
                    await self._say(channel)
            case 3 | 4:
                about = model.ABOUT[workspace][step // 2 % 2]
                fact = events.ChannelUpdated(channel=model.channel_of(about or "tea"))
                await self._deed("announced", fact, workspace, value=about, channel=about)
            case 5:
                wish = events.PresenceSettings(state=events.PresenceWish.AUTO)
                await self._deed("told", events.PresenceUpdated(user_id=person, presence=wish), person)
            case 6 | 7 | 8:
                await self._move(channel, person)
            case 9:
                await self._change_workspace(workspace, person, "member" if step % 4 else "guest")
            case 10:
                await self._change_role(workspace, person)
            case _:
                await (self._ban(channel, person) if step % 3 else self._revoke(self._devices[who % 3]))

    async def _say(self, channel: str) -> None:
        author = self.deeds + 1
        message = events.Message(
            id=str(UUID(int=author)),
            workspace_id=model.HOMES[channel],
            channel_id=channel,
            ch_seq=author,
            author_id=model.EVE,
            text=f"number {author}",
            client_msg_id=str(UUID(int=author)),
            created_at=model.NOW,
        )
        await self._deed("said", events.MessageCreated(message=message), channel)

    async def _move(self, channel: str, person: str) -> None:
        """In or out. Nobody is in a channel of a workspace that they do not belong to, or that they are banned from."""
        if (channel, person) in self.truth.members:
            await self._deed("left", events.MemberLeft(user_id=person, reason=LeaveReason.LEFT), channel, person)
        elif (model.HOMES[channel], person) in self.truth.roles and not self._banned(channel, person):
            fact = events.MemberJoined(channel=model.channel_of(channel), user=model.user_of(person), role=Role.MEMBER)
            await self._deed("joined", fact, channel, person)

    async def _change_workspace(self, workspace: str, person: str, role: str) -> None:
        if (workspace, person) not in self.truth.roles:
            fact = events.WorkspaceMemberJoined(user=model.user_of(person), role=Role(role))
            await self._deed("admitted", fact, workspace, person, role)
            return
        for channel, home in model.HOMES.items():
            if home == workspace and (channel, person) in self.truth.members:
                await self._move(channel, person)
        fact = events.WorkspaceMemberLeft(user_id=person, reason=LeaveReason.REMOVED)
        await self._deed("dismissed", fact, workspace, person)

    async def _change_role(self, workspace: str, person: str) -> None:
        role = self.truth.roles.get((workspace, person))
        if role is not None:
            new = "guest" if role == "member" else "member"
            fact = events.WorkspaceMemberUpdated(user_id=person, role=Role(new))
            await self._deed("role", fact, workspace, person, new)

    async def _ban(self, channel: str, person: str) -> None:
        banned = not self._banned(channel, person)
        if banned and (channel, person) in self.truth.members:
            await self._move(channel, person)
        fact = events.BanUpdated(channel_id=channel, user_id=person, banned=banned, at=model.time_of(self.deeds + 1))
        await self._deed("ban", fact, person, person, f"{channel}/{'yes' if banned else 'no'}", channel=channel)

    async def _revoke(self, device: model.Device) -> None:
        reason = events.RevokeReason.LOGOUT
        fact = events.SessionRevoked(session_id=device.session, user_id=device.person, reason=reason)
        await self._deed("revoked", fact, device.person, device.person, device.session)

    def _banned(self, channel: str, person: str) -> bool:
        return self.truth.bans.get((channel, person), (0, False))[1]

    async def _deed(
        self,
        what: str,
        fact: events.Fact,
        target: str,
        person: str = "",
        value: str | None = None,
        channel: str | None = None,
    ) -> None:
        self.deeds += 1
        entry = model.Entry(what, target, Outgoing("", b"", {}), person, value, self.deeds)
        entry.outgoing = self._outgoing(entry, fact, channel)
        self.truth.take(entry)
        self._done.append(entry)
        await self._append(entry)

    def _outgoing(self, entry: model.Entry, fact: events.Fact, channel: str | None) -> Outgoing:
        of_channel = entry.scope == "ch"
        envelope = events.envelope_of(
            fact,
            event_id=str(UUID(int=entry.deed)),
            time=model.NOW,
            workspace_id=model.HOMES[entry.target] if of_channel else entry.target if entry.scope == "ws" else None,
            channel_id=entry.target if of_channel else channel,
            ch_seq=entry.deed if of_channel else None,
        )
        headers = {subjects.H_MSG_ID: envelope.id, subjects.H_TYPE: envelope.type}
        if of_channel:
            headers[subjects.H_CH_SEQ] = str(entry.deed)
        address = events.Address(0, envelope.workspace_id, entry.scope, entry.target)
        return Outgoing(self.stream.bus.topology.evt(address), events.encode(envelope), headers)

    async def _append(self, entry: model.Entry) -> None:
        entry.seq = await self.stream.append(entry.outgoing)
        self.log.entries.append(entry)
        self.log.stored.add(entry.seq)
        assert entry.seq == len(self.log.entries)

    # -- what happens to the stream and to the processes -----------------------------------------------------------

    async def _happen_to_stream(self, step: int) -> None:
        step, what = divmod(step, 16)
        log = self.log
        if what < 3:
            await self._expire(step)
        elif what < 6 and log.stored:
            erased = sorted(log.stored)[step % len(log.stored)]
            await self.stream.erase(erased)
            log.stored.discard(erased)
            log.erased.add(erased)
        elif what < 11:
            await self._repeat(step % 6 + 1)
        elif what < 15:
            header = {subjects.H_MSG_ID: uuid4().hex}
            await self._append(model.Entry("spoilt", "tea", Outgoing(self._subject_of("tea"), b"nonsense", header)))
        else:
            await self._begin_anew(recreate=step % 2 == 0)

    async def _expire(self, step: int) -> None:
        log = self.log
        below = min(log.first + step % 12, len(log.entries) + 1)
        if log.stored:
            await self.stream.expire(below)
            log.stored = {seq for seq in log.stored if seq >= below}

    async def _repeat(self, count: int) -> None:
        """The relay went back, so long after the first time that the stream does not know them again."""
        for entry in self._done[-count:]:
            headers = {**entry.outgoing.headers, subjects.H_MSG_ID: uuid4().hex}
            again = Outgoing(entry.outgoing.subject, entry.outgoing.data, headers)
            await self._append(model.Entry(entry.what, entry.target, again, entry.person, entry.value, entry.deed))

    async def _begin_anew(self, *, recreate: bool) -> None:
        before = self.log
        life = await (self.stream.recreate() if recreate else self.stream.renew())
        self.life = life[:16]
        self.lives[self.life] = (
            model.Log() if recreate else model.Log([*before.entries], {*before.stored}, {*before.erased})
        )

    async def _happen_to_replica(self, step: int, number: int) -> None:
        replica = self.replicas[number]
        if step % 4:
            for visit in replica.visits:
                visit.connection.push(replica.hub.heartbeat())
                visit.expect(("beat", replica.place))
            return
        for device in self._devices:
            if device.replica is replica:
                await self._part(device, step // 4 % 12)
        self.replicas[number] = Replica(self, self._limits())
        await self.replicas[number].begin()

    def _limits(self) -> Limits:
        return Limits(**self._bounds, ahead_s=-1.0)  # type: ignore[arg-type]

    def _subject_of(self, channel: str) -> str:
        return self.stream.bus.topology.evt(events.Address(0, model.HOMES[channel], "ch", channel))

    # -- what clients do -------------------------------------------------------------------------------------------

    async def _come(self, device: model.Device, replica: Replica, step: int, waiting: Iterator[int]) -> None:
        """With one of its places, while more steps of the history go on."""
        connection = Connection(device.person, device.session, float("inf"))
        if device.session in replica.standing.ended:
            assert device.session in replica.hub.revocations
            device.session = self._new_session()
            self.cases["refused"] += 1
            return
        asked = model.Asked.drawn(device, step)
        visit = Visit(connection)
        moments = [Moment.of(replica, device.person, asked)]
        replica.hub.registry.admit(connection)
        replica.visits.append(visit)
        self.stream.bus.meanwhile = lambda: self._meanwhile(device, replica, asked, waiting, moments)
        try:
            visit.begun = await replica.resumer.begin(connection, asked.last_event_id, asked.cursor)
        except DependencyUnavailable:
            self._leave(replica, visit)
            assert len(moments) > 1, "nothing had happened"
            self.cases["again"] += 1
            return
        finally:
            self.stream.bus.meanwhile = None
        if visit.connection.bye == "revoked":
            self._leave(replica, visit)
            assert visit.expected == [("bye", "revoked")]
            self.cases["revoked"] += 1
            return
        visit.live = True
        device.replica, device.visit = replica, visit
        self._judge_beginning(device, visit.begun, asked, moments)

    async def _meanwhile(
        self,
        device: model.Device,
        replica: Replica,
        asked: model.Asked,
        waiting: Iterator[int],
        moments: list["Moment"],
    ) -> None:
        """The history goes on, or nothing happens. Nobody else comes or goes."""
        step = next(waiting, None)
        if step is None or len(moments) > 4:
            return
        meanwhile, self.stream.bus.meanwhile = self.stream.bus.meanwhile, None
        step, what = divmod(step, 16)
        if what < 6:
            await self._proceed(what, step, device, replica)
            moments.append(Moment.of(replica, device.person, asked))
        self.stream.bus.meanwhile = meanwhile

    async def _proceed(self, what: int, step: int, device: model.Device, replica: Replica) -> None:
        match what:
            case 0:
                await self._write(step // 8, step % 8)
            case 1:
                await self._happen_to_stream(step)
            case 2:
                await self._expire(step)
            case 3 if step % 8 == 0:
                await self._revoke(device)
                await replica.hear(1_000)
            case 3 if step % 8 == 1:
                await self._begin_anew(recreate=step % 16 == 1)
                await replica.hear(1)
            case _:
                await replica.hear(step % 7 + 1)

    async def _part(self, device: model.Device, frames: int) -> None:
        """It read so many frames of what was sent; everything that was sent is compared."""
        visit, replica = device.visit, device.replica
        if visit is None or replica is None:
            return
        assert visit.begun is not None
        device.visit = device.replica = None
        queued = [model.read(frame) for frame in visit.connection.take_frames()]
        self._leave(replica, visit)
        self._judge_queue(visit, [item for item, _ in queued])
        sent = [model.read(frame) for frame in visit.begun.frames] + queued
        for (what, about), event_id in sent[:frames]:
            if what == "reset":
                device.restart(model.SEALER.open(about["cursor"], device.person, datetime.now(UTC)))
            elif what == "event":
                assert not device.had or about.seq > device.had[-1], "twice, or not in order"
                device.had.append(about.seq)
            if event_id:
                device.keep(about, event_id, "id")
        if frames >= len(sent) and not visit.over:
            self._judge_possession(device, replica)

    def _leave(self, replica: Replica, visit: Visit) -> None:
        replica.hub.registry.remove(visit.connection, replica.hub.projection)
        replica.visits.remove(visit)

    def _new_session(self) -> str:
        self._sessions += 1
        return f"session {self._sessions}"

    # -- what the model says ---------------------------------------------------------------------------------------

    def _judge_beginning(
        self, device: model.Device, begun: Beginning, asked: model.Asked, moments: list["Moment"]
    ) -> None:
        replica = device.replica
        assert replica is not None
        note(f"{asked} -> {begun.outcome} {begun.reset} {len(begun.frames)} frames, {len(moments) - 1} steps meanwhile")
        if len(moments) == 1:
            assert begun.reset == moments[0].reset
        elif begun.reset is not None:
            may = set[int]().union(*(moment.visible for moment in moments))
            too_many = begun.reset == "too_far" and len(may) > replica.limits.max_sent
            assert too_many or begun.reset in {moment.reset for moment in moments}
        self.cases[begun.reset or begun.outcome] += 1
        self.cases["meanwhile"] += len(moments) > 1
        where = begun.position
        if asked.place is None or not begun.resumed:
            assert (where, begun.frames) == (replica.place, ())
            device.restart(where)
        else:
            assert where == asked.place.position
            self._judge_replay(begun, moments)
            device.start, device.had = asked.place.start, list(asked.place.had)
        device.keep(where, replica.hub.cursor(device.person, where), "cursor")

    def _judge_replay(self, begun: Beginning, moments: list["Moment"]) -> None:
        """As long as nothing happened meanwhile exactly what may be seen; else what could be seen all the time, and
        nothing that never could."""
        where, first, last = begun.position, moments[0], moments[-1]
        got = [model.read(frame)[0][1] for frame in begun.frames]
        numbers = [place.seq for place in got]
        assert {place.epoch for place in got} <= {where.epoch}
        assert numbers == sorted(set(numbers)), "twice, or not in order"
        for seq, frame in zip(numbers, begun.frames, strict=True):
            assert frame.endswith(self.lives[where.epoch].entries[seq - 1].outgoing.data + b"\n\n")
        must = {seq for seq in last.visible if all(moment.head < seq or seq in moment.held for moment in moments)}
        assert must <= set(numbers) <= set().union(*(moment.visible for moment in moments))
        if len(moments) == 1:
            assert numbers == [seq for seq in first.visible if seq in first.held]

    def _judge_queue(self, visit: Visit, items: list[model.Item]) -> None:
        found: list[model.Item] = []
        for what, about in items:
            if what == "reset":
                assert about["reason"] == "epoch"
                found.append((what, model.SEALER.open(about["cursor"], visit.person, datetime.now(UTC))))
            else:
                found.append((what, about["reason"] if what == "bye" else about))
        assert found == visit.expected

    def _judge_possession(self, device: model.Device, replica: Replica) -> None:
        """It has everything that it may see now, as far as it was its to see since it began."""
        assert device.start is not None
        assert device.start.epoch == replica.life
        entries = self.lives[replica.life].entries
        changes = [entry.seq for entry in entries[: replica.head] if entry.person == device.person]
        since = max([device.start.seq, *changes])
        missed = set(replica.shown(device.person, since)) - set(device.had) - self.lives[replica.life].erased
        assert not missed


@dataclass(slots=True)
class Moment:
    """What the model says while a client comes back: whether there has to be a reset, and else what it may see."""

    reset: str | None
    head: int
    visible: list[int] = field(default_factory=list)
    held: set[int] = field(default_factory=set)

    @staticmethod
    def of(replica: Replica, person: str, asked: model.Asked) -> "Moment":
        if asked.place is None:
            return Moment(asked.refused, replica.head)
        place, limits = asked.place.position, replica.limits
        if place.epoch != replica.life or place.seq > replica.head:
            return Moment("epoch", replica.head)
        visible = replica.shown(person, place.seq)
        held = {seq for seq in visible if replica.holds(seq)}
        moment = Moment(None, replica.head, visible, held)
        story = replica._story
        if replica.head - place.seq > limits.max_scanned:
            moment.reset = "too_far"
        elif place.seq < replica.floor and story.life != replica.life:
            moment.reset = "epoch"
        elif (place.seq < replica.floor and story.log.first > place.seq + 1) or len(held) > limits.max_sent:
            moment.reset = "too_far"
        return moment


# -- the tests -----------------------------------------------------------------------------------------------------

STEPS = st.lists(st.integers(0, 2**20 - 1), min_size=40, max_size=70)
RUN = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every start and every message that is nonsense would be told."""
    former = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**former)


CASES = ("ring", "stream", "too_far", "epoch", "invalid", "foreign", "expired", "again", "revoked")
"""How it ends for a client that comes with a place. Not counted: who comes without, or after the session's end."""


async def play_in_memory(bounds: dict[str, int], steps: list[int]) -> Counter[str]:
    stream = model.MemoryStream(events.Topology())
    story = Story(stream, stream.bus.incarnation, bounds)
    await story.play(steps)
    return story.cases


async def play_on_server(url: str, bounds: dict[str, int], steps: list[int]) -> Counter[str]:
    topology = events.Topology(f"m{uuid4().hex[:8]}_")
    async with model.SlowBus(url, "model", topology) as bus, Bus(url, "writer", topology) as writing:
        await bus.wait_connected(10)
        await writing.wait_connected(10)
        story = Story(model.NatsStream(bus, writing), (await ensure_event_stream(writing)).incarnation, bounds)
        await story.play(steps)
        await writing.request(f"$JS.API.STREAM.DELETE.{topology.stream}", b"")
    return story.cases


@given(bounds=st.sampled_from(BOUNDS), steps=STEPS)
@settings(max_examples=150, **RUN)
async def test_who_comes_back_gets_what_is_theirs_or_is_told_why_not(bounds: dict[str, int], steps: list[int]) -> None:
    await play_in_memory(bounds, steps)


@given(bounds=st.sampled_from(BOUNDS), steps=STEPS)
@settings(max_examples=15, derandomize=True, **RUN)
async def test_the_same_on_a_server(nats_url: str, bounds: dict[str, int], steps: list[int]) -> None:
    await play_on_server(nats_url, bounds, steps)


PIECES = 10
HISTORIES = 1_250
"""In each piece; each has some eight cases."""
WANTED = 100_000


@pytest.fixture
def counted() -> Iterator[Counter[str]]:
    """The cases of every history of a test; fails when they were too few."""
    cases: Counter[str] = Counter()
    yield cases
    came_back = sum(cases[how] for how in CASES)
    print(f"{came_back:,} cases, no difference: {dict(cases)}")
    assert came_back >= WANTED / PIECES


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("piece", range(PIECES))
def test_who_comes_back_gets_what_is_theirs_in_100_000_cases(piece: int, counted: Counter[str]) -> None:
    """In pieces, each with a seed of its own: hypothesis remembers every example of a test."""

    @seed(piece)
    @given(bounds=st.sampled_from(BOUNDS), steps=STEPS)
    @settings(max_examples=HISTORIES, **RUN)
    def play(bounds: dict[str, int], steps: list[int]) -> None:
        counted.update(runner.run(play_in_memory(bounds, steps)))

    with asyncio.Runner() as runner:
        play()
