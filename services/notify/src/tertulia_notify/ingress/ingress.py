"""What comes in: the live stream, followed and proven complete (`tertulia_shared.bus.follow`), handed to the hub.

When the proof does not come within five seconds every connection is closed with `bye quarantine` and the process is
not ready until it can prove again. A stream with another incarnation, or one that became shorter, is a new epoch:
memberships and ring are loaded anew and connections get `reset epoch`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import get_args

from tertulia_notify import metrics
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.ring import Ring
from tertulia_notify.limits import Limits
from tertulia_shared.bus import Bus, FollowLimits, Source, StoredMessage, StreamFollower, StreamState, read_on
from tertulia_shared.cursors import Position
from tertulia_shared.membership import Projection
from tertulia_shared.telemetry import logger

log = logger(__name__)

_COUNTED = {source: metrics.EVENTS.labels(source) for source in get_args(Source)}
"""Looked up once instead of with every event."""


class Ingress(StreamFollower):
    """Feeds the hub."""

    name = "ingress"

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        load_projection: Callable[[], Awaitable[Projection]],
        limits: Limits,
    ) -> None:
        super().__init__(
            bus,
            FollowLimits(proof_s=limits.proof_s, restart_s=limits.restart_s, tail_check_s=limits.tail_check_s),
        )
        self._hub = hub
        self._load_projection = load_projection
        self._limits = limits

    def place(self) -> Position:
        return self._hub.position

    def head(self) -> int:
        return self._hub.head

    async def begin(self, state: StreamState) -> None:
        """Memberships and ring from nothing."""
        projection = await self._load_projection()
        epoch = Position(state.incarnation, 0).epoch
        floor = max(state.first_seq - 1, state.last_seq - self._limits.warm_events)
        ring = Ring(floor, self._limits.ring_events, self._limits.ring_bytes)
        await read_on(self._bus, state, floor, lambda message: self._warm(ring, epoch, message))
        ring.pass_over(state.last_seq)
        if self._hub.epoch:
            metrics.EPOCHS.inc()
        self._hub.begin(epoch, ring, projection)
        metrics.MEMBERSHIPS.set(projection.memberships)
        log.info("ingress.begun", ring=len(ring), memberships=projection.memberships)

    def accept(self, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        self._hub.accept(seq, subject, headers, data)

    def settle(self) -> None:
        self._hub.settle()

    def pass_over(self, seq: int) -> None:
        self._hub.ring.pass_over(seq)

    def id_at(self, seq: int) -> str | None:
        known = self._hub.ring.at(seq)
        return None if known is None else known.id

    def on_accepted(self, source: Source) -> None:
        _COUNTED[source].inc()

    def on_doubt(self, reason: str) -> None:
        metrics.GAPS.labels(reason).inc()

    def on_given_up(self) -> None:
        metrics.QUARANTINES.inc()
        log.error("ingress.quarantined", connections=len(self._hub.registry))
        self._hub.end_all(self._hub.registry, "quarantine")

    def _warm(self, ring: Ring, epoch: str, message: StoredMessage) -> None:
        event = self._hub.read(epoch, message.seq, message.subject, message.headers, message.data)
        if event is not None:
            ring.append(event)
        metrics.EVENTS.labels("warm").inc()
