"""How far each shard has come, and which shards are ours.

A shard belongs to whoever holds its advisory lock. The lock lives on the connection that also reads the log: when that
connection is gone the lock is free, and so is nothing left to publish from.

Every relay that can publish holds one more lock, a shared one that says no more than that: so each knows how many there
are, takes its share and gives up what is beyond it when another one comes.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import asyncpg

from tertulia_chat.relay.progress import NOTHING, Page, Progress, Snapshot
from tertulia_shared.events import SHARDS
from tertulia_shared.telemetry import logger

log = logger(__name__)

LOCK_CLASS = 0x7E27
"""First half of the advisory lock's key; the second is the shard."""
PRESENCE = 1_000
"""Second half of the lock that all relays share."""

_IN_DOUBT = "?"
"""Follows the incarnation in its column."""

_APPEAR = "SELECT pg_advisory_lock_shared($1, $2)"
_DISAPPEAR = "SELECT pg_advisory_unlock_shared($1, $2)"
_PRESENT = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = $1::bigint AND objid = $2::bigint AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_CLAIM = "SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock($1, shard)"
_LET_GO = "SELECT pg_advisory_unlock($1, shard) FROM unnest($2::int[]) AS shard"
_LOAD = """
SELECT shard, snapshot::text, page_snapshot::text, page_id, incarnation, stream_seq, log_id
FROM relay_position WHERE shard = ANY($1::smallint[])
"""
_SAVE = """
INSERT INTO relay_position (shard, snapshot, page_snapshot, page_id, incarnation, stream_seq, log_id)
SELECT shard, snapshot::pg_snapshot, page_snapshot::pg_snapshot, page_id, incarnation, stream_seq, log_id
FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[])
    AS new (shard, snapshot, page_snapshot, page_id, incarnation, stream_seq, log_id)
ON CONFLICT (shard) DO UPDATE SET snapshot = excluded.snapshot, page_snapshot = excluded.page_snapshot,
    page_id = excluded.page_id, incarnation = excluded.incarnation, stream_seq = excluded.stream_seq,
    log_id = excluded.log_id, updated_at = now()
"""
_FROM_THE_FUTURE = """
SELECT EXISTS (SELECT FROM event_log WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))
    OR EXISTS (SELECT FROM relay_position WHERE pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot()))
"""
_FORGET = "UPDATE relay_position SET snapshot = '1:1:', page_snapshot = '1:1:', page_id = 0"
_REBASE = "UPDATE event_log SET xid = pg_current_xact_id() WHERE xid > pg_current_xact_id()"


@dataclass(frozen=True, slots=True)
class ShardPosition:
    """`stream_seq` and `log_id` name the newest message of the shard that was acknowledged; 0 when there is none.

    `in_doubt`: something may have been stored after a loss, and whoever held it could not look.
    """

    shard: int
    progress: Progress = NOTHING
    incarnation: str = ""
    stream_seq: int = 0
    log_id: int = 0
    in_doubt: bool = False


async def appear(connection: asyncpg.Connection) -> None:
    """Be counted as a relay that can publish, for as long as the connection lives."""
    await connection.execute(_APPEAR, LOCK_CLASS, PRESENCE)


async def disappear(connection: asyncpg.Connection) -> None:
    await connection.execute(_DISAPPEAR, LOCK_CLASS, PRESENCE)


async def fair_share(connection: asyncpg.Connection, *, able: bool) -> int:
    """How many shards are ours when the relays that can publish divide them.

    Who cannot (is not `able`, and has disappeared) leaves them to those who can, and keeps them while nobody can.
    """
    relays = await connection.fetchval(_PRESENT, LOCK_CLASS, PRESENCE) or 0
    if able:
        return -(-SHARDS // max(1, relays))
    return 0 if relays else SHARDS


async def claim(connection: asyncpg.Connection, held: Collection[int], share: int) -> list[ShardPosition]:
    """Lock shards that nobody holds until we have our share; the positions of those that became ours."""
    wanted = sorted(set(range(SHARDS)) - set(held))
    won: list[int] = []
    while wanted and (missing := share - len(held) - len(won)) > 0:
        attempt, wanted = wanted[:missing], wanted[missing:]
        won += [record["shard"] for record in await connection.fetch(_CLAIM, LOCK_CLASS, attempt)]
    if not won:
        return []
    await _settle_in(connection)
    known = {position.shard: position for position in await load(connection, won)}
    return [known.get(shard, ShardPosition(shard)) for shard in won]


async def load(connection: asyncpg.Connection, shards: Iterable[int]) -> list[ShardPosition]:
    """Those of them that were ever saved."""
    return [_position(record) for record in await connection.fetch(_LOAD, list(shards))]


async def let_go(connection: asyncpg.Connection, shards: Collection[int]) -> None:
    """Others may have them. Their positions must be saved."""
    await connection.execute(_LET_GO, LOCK_CLASS, list(shards))


async def save(connection: asyncpg.Connection, positions: Iterable[ShardPosition]) -> None:
    columns = [
        (
            each.shard,
            str(each.progress.base),
            str(each.progress.page.snapshot) if each.progress.page else None,
            each.progress.page.last_id if each.progress.page else None,
            each.incarnation + (_IN_DOUBT if each.in_doubt else ""),
            each.stream_seq,
            each.log_id,
        )
        for each in positions
    ]
    if columns:
        await connection.execute(_SAVE, *(list(column) for column in zip(*columns, strict=True)))


async def _settle_in(connection: asyncpg.Connection) -> None:
    """A dump that was loaded into a younger cluster carries transaction ids that this one has yet to reach.

    Compared with its snapshots they would never be old, and new events never new. The rows become ours, and the whole
    log is published again.
    """
    if not await connection.fetchval(_FROM_THE_FUTURE):
        return
    log.error("the database was moved here from another cluster: the whole log is published again")
    async with connection.transaction():
        await connection.execute(_REBASE)
        await connection.execute(_FORGET)


def _position(record: asyncpg.Record) -> ShardPosition:
    page = record["page_snapshot"]
    return ShardPosition(
        shard=record["shard"],
        progress=Progress(
            Snapshot.parse(record["snapshot"]), Page(Snapshot.parse(page), record["page_id"]) if page else None
        ),
        incarnation=record["incarnation"].removesuffix(_IN_DOUBT),
        stream_seq=record["stream_seq"],
        log_id=record["log_id"],
        in_doubt=record["incarnation"].endswith(_IN_DOUBT),
    )
