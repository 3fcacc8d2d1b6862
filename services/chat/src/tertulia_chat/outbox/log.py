"""Reading the event log for the relay, on the connection that holds the shards' locks.

A serial id is drawn before its transaction commits, so "everything after the last id" would skip late commits. These
reads go by transaction instead: whatever a snapshot does not show yet belongs to a transaction at or above its `xmin`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from tertulia_shared.bus import Outgoing
from tertulia_shared.events.subjects import (
    H_CH_SEQ,
    H_LOG_ID,
    H_LOW,
    H_MSG_ID,
    H_TIME,
    H_TRACEPARENT,
    H_TYPE,
    H_VERSION,
)

_COLUMNS = """id, xid::text AS xid, shard, subject, type, ch_seq, event_id, traceparent, body,
    (extract(epoch FROM created_at) * 1000)::bigint AS time_ms"""

# The inner part is materialised and unordered, so that it is an index scan over recent transactions; ordering by id
# inside would tempt the planner to walk a whole day's ids.
_FRESH = f"""
WITH fresh AS MATERIALIZED (
    SELECT {_COLUMNS} FROM event_log
    WHERE xid >= $1::text::xid8 AND shard = ANY($2::smallint[]) AND id <> ALL($3::bigint[])
    LIMIT $4
)
SELECT snapshot.xmin AS snapshot_xmin, fresh.*
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin) AS snapshot LEFT JOIN fresh ON true
ORDER BY fresh.id
"""  # noqa: S608 composed of constants only

_PAGE = f"""
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS snapshot_xmin, {_COLUMNS} FROM event_log
WHERE id > $1 AND shard = ANY($2::smallint[]) AND xid >= $3::text::xid8
ORDER BY id LIMIT $4
"""  # noqa: S608 composed of constants only

_FIRST_ID = "SELECT min(id) FROM event_log WHERE xid >= $1::text::xid8 AND shard = ANY($2::smallint[])"

_LOWEST_BEYOND = """
SELECT xid::text FROM event_log
WHERE xid >= $1::text::xid8 AND shard = ANY($2::smallint[]) AND id > $3
ORDER BY xid LIMIT 1
"""


class LogRow(NamedTuple):
    """One event of the log. `xid` is the 64-bit id of the transaction that wrote it."""

    id: int
    xid: int
    shard: int
    subject: str
    type: str
    ch_seq: int | None
    event_id: str
    traceparent: str | None
    body: bytes
    time_ms: int

    def outgoing(self, prefix: str, low: int) -> Outgoing:
        """The message for the stream. `low` is the relay's watermark as it publishes."""
        headers = {
            H_MSG_ID: self.event_id,
            H_TYPE: self.type,
            H_VERSION: "1",
            H_LOG_ID: str(self.id),
            H_LOW: str(low),
            H_TIME: str(self.time_ms),
        }
        if self.ch_seq is not None:
            headers[H_CH_SEQ] = str(self.ch_seq)
        if self.traceparent is not None:
            headers[H_TRACEPARENT] = self.traceparent
        return Outgoing(prefix + self.subject, self.body, headers)


@dataclass(frozen=True, slots=True)
class Read:
    """Rows in id order. `xmin`: every transaction below it was over when the rows were read."""

    rows: Sequence[LogRow]
    xmin: int


class EventLog:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fresh(self, low: int, shards: Collection[int], published: Collection[int], limit: int) -> Read | None:
        """All rows with xid >= low that are not in `published`; None when there are `limit` or more of them."""
        records = await self._connection.fetch(_FRESH, str(low), list(shards), list(published), limit)
        rows = [_row(record) for record in records if record["id"] is not None]
        return None if len(rows) >= limit else Read(rows, int(records[0]["snapshot_xmin"]))

    async def page(self, after_id: int, low: int, shards: Collection[int], limit: int) -> Read:
        """The next rows by id. `xmin` is 0 when there is none."""
        records = await self._connection.fetch(_PAGE, after_id, list(shards), str(low), limit)
        return Read([_row(record) for record in records], int(records[0]["snapshot_xmin"]) if records else 0)

    async def first_id(self, low: int, shards: Collection[int]) -> int:
        """The smallest id with xid >= low, 0 when there is none."""
        return int(await self._connection.fetchval(_FIRST_ID, str(low), list(shards)) or 0)

    async def lowest_xid_beyond(self, last_id: int, low: int, shards: Collection[int]) -> int | None:
        """The smallest xid >= low among the visible rows with an id above `last_id`."""
        found = await self._connection.fetchval(_LOWEST_BEYOND, str(low), list(shards), last_id)
        return None if found is None else int(found)


def _row(record: asyncpg.Record) -> LogRow:
    return LogRow(
        id=record["id"],
        xid=int(record["xid"]),
        shard=record["shard"],
        subject=record["subject"],
        type=record["type"],
        ch_seq=record["ch_seq"],
        event_id=str(record["event_id"]),
        traceparent=record["traceparent"],
        body=record["body"].encode(),
        time_ms=record["time_ms"],
    )
