"""Is what was acknowledged still in the stream? If not, how far back must the relay go?

A JetStream acknowledgement is a very good sign, not a promise: a stream can come back shorter, empty or not at all.

* Another incarnation than the one we published into: nothing of ours is known to be there; the whole log again.
* The same, but shorter: the incarnation is renewed, so that nobody resumes at a number that now means another event.
  `Low` in a message's headers tells that everything below was in the stream before it, so the newest surviving message
  of a shard says where to begin. That holds only while nothing was published after the loss; in doubt, the whole log.
* The message is gone because it was old: no loss. An idle installation's stream becomes empty in the end.
* An incarnation that a later one has replaced (an old store was put back): renewed too, and the whole log again.

Publishing again what survived is harmless. The incarnations seen are kept in PostgreSQL, under a lock, so that several
relays agree which is the newest. Whoever dies half-way leaves positions of the former incarnation: the whole log again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import asyncpg

from tertulia_chat.relay.position import ShardPosition
from tertulia_chat.relay.progress import NOTHING, Progress
from tertulia_shared.bus import (
    Bus,
    RequestTimeout,
    StreamState,
    ensure_event_stream,
    last_on_shard,
    read_range,
    renew_incarnation,
)
from tertulia_shared.events.subjects import H_LOG_ID, H_LOW
from tertulia_shared.telemetry import logger

log = logger(__name__)

LOCK_KEY = 0x7E2702
LOOK_S = 2.0
"""Less than a session may be silent (`lease.SILENT_S`)."""

_REPLACED = """
SELECT EXISTS (SELECT FROM relay_incarnation WHERE incarnation = $1)
    AND $1 <> (SELECT incarnation FROM relay_incarnation ORDER BY generation DESC LIMIT 1)
"""
_OVER = "SELECT NOT EXISTS (SELECT FROM event_log WHERE id = $1 AND created_at > now() - $2::interval)"
CLOCKS_AGREE = 0.99
"""The part of the stream's age after which a message may be gone: NATS and PostgreSQL have clocks of their own."""
_ADOPT = "INSERT INTO relay_incarnation (incarnation) VALUES ($1) ON CONFLICT DO NOTHING"


class Loss(StrEnum):
    NONE = "none"
    TAIL = "tail"
    """The newest messages are gone and nothing was published since."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Witness:
    """What the relay saw since it last looked.

    `present`: a sequence that was in the stream, 0 when none is known; `log_id`: the event there. `in_doubt`: something
    was stored while the connection changed, perhaps after a loss.
    """

    present: int = 0
    log_id: int = 0
    in_doubt: bool = False
    regressed: bool = False
    """The stream gave out a number a second time."""


@dataclass(frozen=True, slots=True)
class Found:
    """The stream was in its life `former` and lost something or not; from now on it is in `incarnation`."""

    former: str
    incarnation: str
    loss: Loss


async def look(
    bus: Bus, connection: asyncpg.Connection, positions: Sequence[ShardPosition], witness: Witness, max_age_s: int
) -> Found:
    """Raises BusError while NATS is away. `max_age_s` is how long the stream keeps a message."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
        # Others wait behind the lock, and the session must not be silent for long.
        try:
            async with asyncio.timeout(LOOK_S):
                return await _look(bus, connection, positions, witness, max_age_s)
        except TimeoutError:
            raise RequestTimeout(f"the stream could not be looked at within {LOOK_S} s") from None


async def go_on_from(bus: Bus, positions: Sequence[ShardPosition], found: Found) -> list[ShardPosition]:
    """The positions to go on from, the same ones when all is well. Raises BusError while NATS is away."""
    return [
        await _after_lost_tail(bus, position, found.incarnation)
        if found.loss is Loss.TAIL and position.incarnation == found.former
        else _into(position, found.incarnation)
        for position in positions
    ]


async def _look(
    bus: Bus, connection: asyncpg.Connection, positions: Sequence[ShardPosition], witness: Witness, max_age_s: int
) -> Found:
    state = await ensure_event_stream(bus, max_age_s=max_age_s)
    former = state.incarnation
    ours = [each for each in positions if each.incarnation == former]
    age = _Age(connection, timedelta(seconds=max_age_s * CLOCKS_AGREE))
    loss = await _look_for_loss(bus, state, ours, witness, age)
    if loss is not Loss.NONE or await connection.fetchval(_REPLACED, former):
        state = await renew_incarnation(bus)
        log.error("the stream came back shorter", loss=loss, former=former, incarnation=state.incarnation)
    await connection.execute(_ADOPT, state.incarnation)
    return Found(former, state.incarnation, loss)


@dataclass(frozen=True, slots=True)
class _Age:
    """After `limit` the stream lets a message go by itself."""

    connection: asyncpg.Connection
    limit: timedelta

    async def is_over(self, log_id: int) -> bool:
        """True as well when the log dropped the event: there is nothing left to publish again."""
        return bool(await self.connection.fetchval(_OVER, log_id, self.limit))


async def _look_for_loss(
    bus: Bus, state: StreamState, ours: Sequence[ShardPosition], witness: Witness, age: _Age
) -> Loss:
    newest = max(ours, key=lambda position: position.stream_seq, default=None)
    if newest is None or newest.stream_seq == 0:
        return Loss.NONE
    if witness.regressed:
        return Loss.UNKNOWN
    if state.first_seq > witness.present > 0 and not await age.is_over(witness.log_id):
        return Loss.UNKNOWN
    if state.first_seq > newest.stream_seq:
        # An idle installation's stream becomes empty by itself; its numbers go on, and so do the clients' positions.
        return Loss.NONE if await age.is_over(newest.log_id) else Loss.UNKNOWN
    if state.messages == 0:
        return Loss.UNKNOWN
    if await _holds(bus, state, newest):
        return Loss.NONE
    return Loss.UNKNOWN if witness.in_doubt else Loss.TAIL


async def _holds(bus: Bus, state: StreamState, newest: ShardPosition) -> bool:
    if state.last_seq < newest.stream_seq:
        return False
    stored = [message async for message in read_range(bus, newest.stream_seq, newest.stream_seq)]
    return bool(stored) and stored[0].headers.get(H_LOG_ID) == str(newest.log_id)


def _into(position: ShardPosition, incarnation: str) -> ShardPosition:
    """Unchanged within one life of the stream, from the beginning in another."""
    if position.incarnation == incarnation:
        return position
    return ShardPosition(position.shard, NOTHING, incarnation)


async def _after_lost_tail(bus: Bus, position: ShardPosition, incarnation: str) -> ShardPosition:
    last = await last_on_shard(bus, position.shard)
    low = last.headers.get(H_LOW, "") if last else ""
    if last is None or not low.isdigit():
        return ShardPosition(position.shard, NOTHING, incarnation)
    # The backlog that was being worked off is forgotten with the pages: its base says where it began.
    xid = min(int(low), position.progress.base.xmin)
    log_id = int(last.headers.get(H_LOG_ID, "0"))
    return replace(
        position,
        progress=Progress.from_xid(xid),
        incarnation=incarnation,
        stream_seq=last.seq,
        log_id=log_id,
    )
