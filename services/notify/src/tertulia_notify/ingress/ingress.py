"""One core subscription to the republished stream, and the proof that nothing of it was missed.

Messages carry the stream's own sequence numbers. While they are contiguous they go straight to the hub. Anything that
casts doubt (a hole, a broken connection, a dropped message, numbers going backwards, a tail that the stream has and we
do not) stops that: what arrives is put aside, the stream is read from the last number handled, what was put aside is
joined on, and delivery goes on. When the proof does not come within five seconds every connection is closed with
`bye quarantine` and the process is not ready until it can prove again. A stream with another incarnation, or one that
became shorter, is a new epoch: memberships and ring are loaded anew and connections get `reset epoch`.

    starting ──► live ⇄ repairing ──► quarantined
                  ▲                        │
                  └────────────────────────┘
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from tertulia_notify import metrics
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.ring import Ring
from tertulia_notify.ingress.proof import EpochChanged, Lost, NotYet, check_same_life, read_on, state_of
from tertulia_notify.limits import Limits
from tertulia_notify.membership.projection import Projection
from tertulia_notify.membership.snapshot import SnapshotFailed
from tertulia_shared.bus import Bus, BusError, BusMessage, StoredMessage, StreamState
from tertulia_shared.cursors import Position
from tertulia_shared.telemetry import logger

log = logger(__name__)

PUT_ASIDE = 10_000
FIRST_RETRY_S, LAST_RETRY_S = 0.05, 1.0
TAIL_SETTLE_S = 0.2

H_SEQUENCE = "Nats-Sequence"
H_SUBJECT = "Nats-Subject"


class State(StrEnum):
    STARTING = "starting"
    LIVE = "live"
    REPAIRING = "repairing"
    QUARANTINED = "quarantined"


class Ingress:
    """Feeds the hub."""

    name = "ingress"

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        load_projection: Callable[[], Awaitable[Projection]],
        limits: Limits,
    ) -> None:
        self.state = State.STARTING
        self._bus = bus
        self._hub = hub
        self._load_projection = load_projection
        self._limits = limits
        self._cold = True
        self._rewritten = False
        self._doubt = asyncio.Event()
        self._aside: deque[tuple[int, BusMessage]] = deque(maxlen=PUT_ASIDE)

    @property
    def serving(self) -> bool:
        """Whether connections may be open: everything handled so far is contiguous."""
        return self.state in (State.LIVE, State.REPAIRING)

    async def check(self) -> None:
        """For /readyz."""
        if not self.serving:
            raise RuntimeError(f"the event stream is {self.state}")

    async def run(self) -> None:
        await self._bus.subscribe(self._bus.topology.live_all, self.receive)
        self._bus.on_disconnected(lambda: self.suspect("disconnected"))
        self._bus.on_reconnected(lambda: self.suspect("reconnected"))
        self._bus.on_lost(lambda: self.suspect("dropped"))
        while True:
            await self._recover(None)
            await self._stay_live()
            self._quarantine()

    def receive(self, message: BusMessage) -> None:
        """A republished message. Runs in the bus's reader, so it must not wait."""
        headers = message.headers or {}
        seq = int(headers.get(H_SEQUENCE, 0))
        head = self._hub.head
        if seq <= head and not self._cold:
            self._look_back(seq, headers.get("Nats-Msg-Id"))
        elif self.state is not State.LIVE:
            self._aside.append((seq, message))
        elif seq == head + 1:
            self._hub.accept(seq, message.subject, headers, message.data)
            metrics.EVENTS.labels("live").inc()
        else:
            self._aside.append((seq, message))
            self.suspect("gap")

    def suspect(self, reason: str) -> None:
        """Contiguity is in doubt until the stream was asked."""
        if self.state is State.LIVE:
            metrics.GAPS.labels(reason).inc()
            log.warning("ingress.doubt", reason=reason, head=self._hub.head)
            self.state = State.REPAIRING
        self._doubt.set()

    def _look_back(self, seq: int, event_id: str | None) -> None:
        """A number that was handled before: an echo of what a repair already read, unless it is another event.

        Another event proves that the stream was written anew from there, even if it says that it is the same.
        """
        known = self._hub.ring.at(seq)
        if known is not None and known.id == event_id:
            return
        self._rewritten = self._rewritten or known is not None
        self.suspect("backwards")

    async def _stay_live(self) -> None:
        """Returns when contiguity could not be proven in time."""
        while True:
            try:
                async with asyncio.timeout(self._limits.tail_check_s):
                    await self._doubt.wait()
            except TimeoutError:
                await self._check_tail()
                continue
            # A doubt may have come up while another was being resolved; nothing is live while the stream is read.
            self.state = State.REPAIRING
            try:
                async with asyncio.timeout(self._limits.proof_s) as limit:
                    await self._recover(limit)
            except TimeoutError:
                return

    async def _check_tail(self) -> None:
        """Contiguity cannot see that the very last messages were missed; the stream can."""
        position = self._hub.position
        try:
            state = await state_of(self._bus)
            check_same_life(state, position)
            if state.last_seq != self._hub.head:
                await asyncio.sleep(TAIL_SETTLE_S)
            if state.last_seq > self._hub.head:
                self.suspect("tail")
        except EpochChanged:
            self.suspect("epoch")
        except BusError as error:
            log.warning("ingress.tail_unknown", error=str(error))
            self.suspect("tail_unknown")

    async def _recover(self, limit: asyncio.Timeout | None) -> None:
        """Until the hub is proven to be at the stream's end, trying for ever; `limit` bounds it from outside."""
        delay = FIRST_RETRY_S
        while True:
            self._doubt.clear()
            try:
                if self._cold:
                    await self._start()
                await self._catch_up()
                return
            except (EpochChanged, Lost) as reason:
                log.warning("ingress.starting_over", reason=str(reason))
                if limit is not None and not self._cold:
                    limit.reschedule(asyncio.get_running_loop().time() + self._limits.restart_s)
                self._cold = True
            except (BusError, NotYet, SnapshotFailed) as error:
                log.warning("ingress.not_yet", state=self.state, error=str(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY_S)

    async def _start(self) -> None:
        """Memberships and ring from nothing.

        The subscription is already there, the stream's end is read first and the snapshot after it, so everything up
        to that end is in the snapshot, and everything after it comes as an event.
        """
        self._aside.clear()
        await self._bus.flush()
        state = await state_of(self._bus)
        projection = await self._load_projection()
        epoch = Position(state.incarnation, 0).epoch
        floor = max(state.first_seq - 1, state.last_seq - self._limits.warm_events)
        ring = Ring(floor, self._limits.ring_events, self._limits.ring_bytes)
        await read_on(self._bus, state, floor, lambda message: self._warm(ring, epoch, message))
        ring.pass_over(state.last_seq)
        if self._hub.epoch:
            metrics.EPOCHS.inc()
        self._hub.begin(epoch, ring, projection)
        self._cold = self._rewritten = False
        metrics.MEMBERSHIPS.set(projection.memberships)
        log.info("ingress.started", epoch=epoch, head=ring.head, ring=len(ring), memberships=projection.memberships)

    def _warm(self, ring: Ring, epoch: str, message: StoredMessage) -> None:
        event = self._hub.read(epoch, message.seq, message.subject, message.headers, message.data)
        if event is not None:
            ring.append(event)
        metrics.EVENTS.labels("warm").inc()

    async def _catch_up(self) -> None:
        """Read the stream's end, join on what arrived meanwhile; live in the same step as the join.

        Raises EpochChanged, Lost, NotYet or BusError.
        """
        if self._rewritten:
            raise EpochChanged("another event came at a number that was handled")
        while True:
            # What came before the question is below the stream's end, which the answer tells.
            self._aside.clear()
            state = await state_of(self._bus)
            check_same_life(state, self._hub.position)
            await self._read_missed(state)
            if self._join_aside():
                self.state = State.LIVE
                log.info("ingress.live", head=self._hub.head)
                return

    async def _read_missed(self, state: StreamState) -> None:
        await read_on(self._bus, state, self._hub.head, self._take_stored)
        if self._hub.head < state.last_seq:
            self._hub.ring.pass_over(state.last_seq)

    def _take_stored(self, message: StoredMessage) -> None:
        self._hub.accept(message.seq, message.subject, message.headers, message.data)
        metrics.EVENTS.labels("repair").inc()

    def _join_aside(self) -> bool:
        """False when there is another hole."""
        while self._aside:
            seq, message = self._aside.popleft()
            if seq > self._hub.head + 1:
                return False
            if seq == self._hub.head + 1:
                self._hub.accept(seq, message.subject, message.headers or {}, message.data)
                metrics.EVENTS.labels("live").inc()
        return True

    def _quarantine(self) -> None:
        self.state = State.QUARANTINED
        metrics.QUARANTINES.inc()
        log.error("ingress.quarantined", head=self._hub.head, connections=len(self._hub.registry))
        self._hub.end_all(self._hub.registry, "quarantine")
