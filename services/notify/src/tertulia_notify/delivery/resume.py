"""Where a connection begins, and how it is caught up without a hole.

    admitted → (catch-up from the stream until its place is inside the ring) → one step: replay the ring, go live

The last step does not await, and the hub handles an event in one step too, so no event can fall between replay and
live and none can come twice. Replay is all or nothing: whatever cannot be replayed completely and within bounds is
answered with a reset, and the connection is live from then on.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from tertulia_notify import metrics
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.limits import Limits
from tertulia_shared.bus import Bus, BusError, Lost, NotYet, StoredMessage, StreamState, read_on, stream_state
from tertulia_shared.cursors import CursorRejected, CursorSealer, Position
from tertulia_shared.problems import DependencyUnavailable

ResetReason = Literal["invalid", "foreign", "expired", "epoch", "too_far"]
Outcome = Literal["live", "ring", "stream", "reset"]


class CannotReplay(Exception):
    def __init__(self, reason: ResetReason) -> None:
        super().__init__(reason)
        self.reason: ResetReason = reason


@dataclass(slots=True)
class Replay:
    """What a connection missed, within bounds."""

    limits: Limits
    frames: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, frame: bytes) -> None:
        """Raises CannotReplay."""
        self.frames.append(frame)
        self.size += len(frame)
        if len(self.frames) > self.limits.max_sent or self.size > self.limits.max_sent_bytes:
            raise CannotReplay("too_far")


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a connection starts: `frames` first, then what its queue gets. `position` is where the frames begin."""

    outcome: Outcome
    position: Position
    reset: ResetReason | None = None
    frames: tuple[bytes, ...] = ()

    @property
    def resumed(self) -> bool:
        return self.outcome in ("ring", "stream")


class Resumer:
    def __init__(self, bus: Bus, hub: Hub, sealer: CursorSealer, limits: Limits) -> None:
        self._bus = bus
        self._hub = hub
        self._sealer = sealer
        self._limits = limits
        self._catch_ups = asyncio.Semaphore(limits.catch_ups)

    async def begin(self, connection: Connection, last_event_id: str | None, cursor: str | None) -> Beginning:
        """Make an admitted connection live. Raises DependencyUnavailable when too many catch up at once."""
        beginning = await self._begin(connection, last_event_id, cursor)
        metrics.RESUMES.labels(beginning.outcome).inc()
        return beginning

    async def _begin(self, connection: Connection, last_event_id: str | None, cursor: str | None) -> Beginning:
        try:
            position = self._requested(connection.user_id, last_event_id, cursor)
            if position is None:
                self._go_live(connection)
                return Beginning("live", self._hub.position)
            return await self._replay(connection, position)
        except CannotReplay as refused:
            self._go_live(connection)
            return Beginning("reset", self._hub.position, refused.reason)

    def _requested(self, user_id: str, last_event_id: str | None, cursor: str | None) -> Position | None:
        """The last event id wins: a browser's EventSource comes back with the URL of its first connection.

        It is the same for everybody, so a cursor beside it still tells when another person signed in.
        """
        now = datetime.now(UTC)
        position: Position | None = None
        try:
            if cursor:
                position = self._sealer.open(cursor, user_id, now)
        except CursorRejected as rejected:
            if rejected.reason == "foreign" or not last_event_id:
                raise CannotReplay(rejected.reason) from rejected
        try:
            return self._sealer.open(last_event_id, user_id, now) if last_event_id else position
        except CursorRejected as rejected:
            raise CannotReplay(rejected.reason) from rejected

    async def _replay(self, connection: Connection, position: Position) -> Beginning:
        await self._wait_for_head(position)
        self._check_reach(position)
        replay = Replay(self._limits)
        seq = position.seq
        outcome: Outcome = "ring"
        if seq < self._hub.ring.floor:
            outcome = "stream"
            seq = await self._from_stream(connection.user_id, position, replay)
        # From here to the end nothing awaits.
        if position.epoch != self._hub.epoch:
            raise CannotReplay("epoch")
        for event in self._hub.ring.after(seq):
            if self._hub.audience.is_for(connection.user_id, event):
                replay.add(event.frame)
        self._go_live(connection)
        return Beginning(outcome, position, frames=tuple(replay.frames))

    def _go_live(self, connection: Connection) -> None:
        self._hub.registry.go_live(connection, self._hub.projection)

    async def _wait_for_head(self, position: Position) -> None:
        deadline = asyncio.get_running_loop().time() + self._limits.ahead_s
        while position.epoch == self._hub.epoch and position.seq > self._hub.head:
            if asyncio.get_running_loop().time() > deadline:
                raise CannotReplay("epoch")
            await asyncio.sleep(0.01)

    def _check_reach(self, position: Position) -> None:
        if position.epoch != self._hub.epoch:
            raise CannotReplay("epoch")
        if self._hub.head - position.seq > self._limits.max_scanned:
            raise CannotReplay("too_far")

    async def _from_stream(self, user_id: str, position: Position, replay: Replay) -> int:
        """Replay up to where the ring begins; answers that place. Raises CannotReplay, DependencyUnavailable."""
        try:
            async with asyncio.timeout(self._limits.catch_up_queue_s):
                await self._catch_ups.acquire()
        except TimeoutError:
            raise DependencyUnavailable("Too many clients are catching up.", retry_after=3) from None
        try:
            async with asyncio.timeout(self._limits.catch_up_s):
                return await self._read_to_ring(user_id, position, replay)
        except (TimeoutError, BusError, Lost, NotYet) as error:
            raise DependencyUnavailable("Missed events cannot be read right now.", retry_after=2) from error
        finally:
            self._catch_ups.release()

    async def _read_to_ring(self, user_id: str, position: Position, replay: Replay) -> int:
        def consider(message: StoredMessage) -> None:
            self._consider(user_id, position.epoch, message, replay)

        seq = position.seq
        while seq < self._hub.ring.floor:
            # The ring moves on while we read: what it let go meanwhile is the next round's.
            last = self._hub.ring.floor
            before = await stream_state(self._bus)
            self._check_complete(before, position)
            await read_on(self._bus, before, seq, consider, until=last)
            # Asked again after reading, so that nothing can have expired between the question and the reading.
            self._check_complete(await stream_state(self._bus), position)
            self._check_reach(position)
            seq = last
        return seq

    def _consider(self, user_id: str, epoch: str, message: StoredMessage, replay: Replay) -> None:
        event = self._hub.read(epoch, message.seq, message.subject, message.headers, message.data)
        if event is not None and self._hub.audience.is_for(user_id, event):
            replay.add(event.frame)

    def _check_complete(self, state: StreamState, position: Position) -> None:
        if Position(state.incarnation, 0).epoch != position.epoch:
            raise CannotReplay("epoch")
        if state.first_seq > position.seq + 1:
            raise CannotReplay("too_far")
