"""How far each shard has come, and which shards are ours.

A shard belongs to whoever holds its advisory lock. The lock lives on the connection that also reads the log: when that
connection is gone the lock is free, and so is nothing left to publish from.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import asyncpg

from tertulia_shared.events import SHARDS

LOCK_CLASS = 0x7E27
"""First half of the advisory lock's key; the second is the shard."""

_CLAIM = "SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock($1, shard)"
_LOAD = """
SELECT shard, low::text, incarnation, stream_seq, event_id::text FROM relay_position WHERE shard = ANY($1::smallint[])
"""
_SAVE = """
INSERT INTO relay_position (shard, low, incarnation, stream_seq, event_id)
SELECT shard, low::xid8, incarnation, stream_seq, event_id
FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::uuid[])
    AS new (shard, low, incarnation, stream_seq, event_id)
ON CONFLICT (shard) DO UPDATE SET low = excluded.low, incarnation = excluded.incarnation,
    stream_seq = excluded.stream_seq, event_id = excluded.event_id, updated_at = now()
"""


@dataclass(frozen=True, slots=True)
class ShardPosition:
    """See `schema` for the columns. A shard that was never published starts with the whole log."""

    shard: int
    low: int = 0
    incarnation: str = ""
    stream_seq: int = 0
    event_id: str | None = None


async def claim(connection: asyncpg.Connection, held: Collection[int]) -> list[ShardPosition]:
    """Lock every shard that nobody holds; the positions of those that became ours."""
    wanted = sorted(set(range(SHARDS)) - set(held))
    if not wanted:
        return []
    won = [record["shard"] for record in await connection.fetch(_CLAIM, LOCK_CLASS, wanted)]
    records = await connection.fetch(_LOAD, won)
    known = {record["shard"]: _position(record) for record in records}
    return [known.get(shard, ShardPosition(shard)) for shard in won]


async def save(connection: asyncpg.Connection, positions: Iterable[ShardPosition]) -> None:
    columns = [(each.shard, str(each.low), each.incarnation, each.stream_seq, each.event_id) for each in positions]
    if columns:
        await connection.execute(_SAVE, *(list(column) for column in zip(*columns, strict=True)))


def _position(record: asyncpg.Record) -> ShardPosition:
    return ShardPosition(
        shard=record["shard"],
        low=int(record["low"]),
        incarnation=record["incarnation"],
        stream_seq=record["stream_seq"],
        event_id=record["event_id"],
    )


def rewound(
    position: ShardPosition, low: int, incarnation: str, stream_seq: int, event_id: str | None
) -> ShardPosition:
    """The position after the stream came back shorter: never ahead of where it was."""
    return replace(
        position, low=min(position.low, low), incarnation=incarnation, stream_seq=stream_seq, event_id=event_id
    )
