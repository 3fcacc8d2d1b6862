"""The middle of the service: every event passes here once, in stream order, and goes to whom it is for.

Nothing here awaits. What came in with one read of the socket changes the projection, reaches the queues and lands in
the ring in one step of the event loop, so whoever looks between two steps sees all three in agreement. The hole-free
hand-over from replay to live (`resume.py`) rests on that. Within the step, events that follow each other to the same
audience are gathered and queued together: a burst of twenty costs each connection what one event costs. `settle` ends
the step; whatever changes who hears what settles first.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from tertulia_notify import metrics
from tertulia_notify.canary import Canary
from tertulia_notify.delivery import frames
from tertulia_notify.delivery.batch import Batch
from tertulia_notify.delivery.connection import ByeReason, Connection
from tertulia_notify.delivery.event import Event, EventReader, NotAnEvent
from tertulia_notify.delivery.outbox import Outbox
from tertulia_notify.delivery.registry import Registry
from tertulia_notify.delivery.ring import Ring
from tertulia_notify.delivery.tracing import delivered
from tertulia_notify.membership.audience import Audience
from tertulia_shared.cursors import CursorSealer, Position
from tertulia_shared.events import (
    CanarySent,
    MemberJoined,
    MemberLeft,
    PresenceUpdated,
    SessionRevoked,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
)
from tertulia_shared.membership import Projection, Revocations, Settling
from tertulia_shared.telemetry import logger

log = logger(__name__)


class Hub:
    def __init__(self, reader: EventReader, sealer: CursorSealer, revocations: Revocations) -> None:
        self.reader = reader
        self.revocations = revocations
        self.registry = Registry()
        self.outbox = Outbox()
        self.canary = Canary()
        self.epoch = ""
        self.ring = Ring(0, 0, 0)
        self.projection = Projection()
        self.settling = Settling(lambda: self.projection)
        self.audience = Audience(self.projection)
        self._sealer = sealer
        self._sealed_head: tuple[Position, str] | None = None
        self._heartbeat: tuple[str, Batch] | None = None
        self._gathered: list[Event] = []

    @property
    def head(self) -> int:
        """The newest sequence number that was handled; everything up to it is delivered, queued or replayable."""
        return self.ring.head

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.head)

    def head_id(self) -> str:
        """The head as an event id, sealed once however many heartbeats carry it."""
        position = self.position
        if self._sealed_head is None or self._sealed_head[0] != position:
            self._sealed_head = (position, self._sealer.seal_event(position))
        return self._sealed_head[1]

    def heartbeat(self) -> Batch:
        """Moves a quiet client's position to the head."""
        head = self.head_id()
        if self._heartbeat is None or self._heartbeat[0] != head:
            self._heartbeat = (head, Batch([frames.heartbeat(head)]))
        return self._heartbeat[1]

    def cursor(self, user_id: str, position: Position | None = None) -> str:
        """A cursor of this user's own, at `position` or at the head."""
        return self._sealer.seal_user(user_id, position or self.position, datetime.now(UTC))

    def begin(self, epoch: str, ring: Ring, projection: Projection) -> None:
        """A (new) life of the stream. Connections of the former one are told to start over.

        Sessions may have ended in between; no event will tell, the snapshot did.
        """
        self.settle()
        self.epoch, self.ring, self.projection = epoch, ring, projection
        self.settling.tell()
        self.audience = Audience(projection)
        self.registry.rebuild(projection)
        self.end_all((c for c in self.registry if c.session_id in self.revocations), "revoked")
        for connection in self.registry.live():
            connection.push_reset("epoch", frames.reset("epoch", self.cursor(connection.user_id)))

    def accept(self, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        """The next message of the stream. `settle` must follow in the same step, after the last of several."""
        event = self.read(self.epoch, seq, subject, headers, data)
        if event is None:
            self.ring.pass_over(seq)
            return
        self._act_on(event)
        self.ring.append(event)

    def read(self, epoch: str, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> Event | None:
        """None for a message that is not an event: one bad message must not stop delivery for everybody."""
        try:
            return self.reader.read(epoch, seq, subject, headers, data)
        except NotAnEvent as error:
            metrics.MALFORMED.inc()
            log.error("event.malformed", seq=seq, error=str(error))
            return None

    def end_all(self, connections: Iterable[Connection], reason: ByeReason) -> None:
        for connection in connections:
            end(connection, reason)

    def settle(self) -> None:
        """Queue what was gathered for everybody it is for."""
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, []
        readers = self._readers(gathered[0])
        if not readers:
            return
        started_ns = time.time_ns()
        batch = Batch([event.frame for event in gathered])
        for connection in readers:
            if not connection.push(batch):
                metrics.OVERFLOWS.inc()
                metrics.BYES.labels("slow").inc()
        self.outbox.arrived(len(gathered))
        metrics.DELIVERIES.inc(len(readers) * len(gathered))
        _observe(gathered, len(readers), started_ns)

    def _act_on(self, event: Event) -> None:
        match event.fact:
            case None:
                self._gather(event)
            case CanarySent():
                self.canary.arrived(event.time_ms)
            case SessionRevoked() as fact:
                self.settle()
                self.revocations.add(fact.session_id)
                ended = [c for c in self.registry.of_user(fact.user_id) if c.session_id == fact.session_id]
                self.end_all(ended, "revoked")
            case MemberLeft() | WorkspaceMemberLeft():
                # Routed first: the one who left sees that, and nothing after it.
                self._gather(event)
                self._project(event)
            case _:
                self._project(event)
                self._gather(event)

    def _gather(self, event: Event) -> None:
        if not event.visible:
            return
        if self._gathered and not _same_audience(self._gathered[0], event):
            self.settle()
        self._gathered.append(event)

    def _project(self, event: Event) -> None:
        self.settle()
        if isinstance(event.fact, PresenceUpdated):
            self.registry.note(event.fact.user_id)
        channel_id = event.target if event.scope == "ch" else event.channel_id
        changed = self.projection.apply(event.fact, event.workspace_id, channel_id, event.ch_seq)
        self.settling.tell()
        if not changed:
            return
        workspace_id = event.workspace_id or ""
        match event.fact:
            case MemberJoined() as fact:
                self.registry.joined_channel(fact.user.id, event.target)
            case MemberLeft() as fact:
                self.registry.left_channel(fact.user_id, channel_id or "")
            case WorkspaceMemberJoined() as fact:
                self.registry.joined_workspace(fact.user.id, workspace_id)
            case WorkspaceMemberLeft() as fact:
                self.registry.left_workspace(fact.user_id, workspace_id)
                self.end_all(self.registry.of_user(fact.user_id), "rotate")
            case _:
                pass

    def _readers(self, event: Event) -> Collection[Connection]:
        if event.scope == "ch":
            readers = self.registry.in_channel(event.target)
        elif event.scope == "ws":
            readers = self.registry.in_workspace(event.target)
            if event.channel_id is not None:
                readers = [reader for reader in readers if self.audience.may_know(reader.user_id, event)]
        else:
            readers = self.registry.live_of_user(event.target)
        if event.leaver is not None:
            return {*readers, *self.registry.live_of_user(event.leaver)}
        return readers


def _same_audience(first: Event, second: Event) -> bool:
    return (
        first.scope == second.scope
        and first.target == second.target
        and first.channel_id == second.channel_id
        and first.leaver is None
        and second.leaver is None
    )


def _observe(events: Iterable[Event], sent: int, started_ns: int) -> None:
    now = time.time()
    for event in events:
        delivered(event, sent, started_ns)
        if event.time_ms is not None:
            metrics.DELIVERY_SECONDS.observe(max(0.0, now - event.time_ms / 1000))


def end(connection: Connection, reason: ByeReason) -> None:
    """End one connection with a bye, and count it."""
    if not connection.ended:
        metrics.BYES.labels(reason).inc()
        connection.end(reason)
