"""Reading the event log for the relay, on the connection that holds the shards' locks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import msgspec

from tertulia_chat.relay.progress import Progress, Snapshot
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

_COLUMNS = """id, shard, subject, type, ch_seq, event_id::text AS event_id, traceparent, body,
    (extract(epoch FROM created_at) * 1000)::bigint AS time_ms"""

_SNAPSHOT = "(SELECT pg_current_snapshot()::text AS snapshot) AS now"
# $1 shards, $2 xmax and $3 running transactions of the newest snapshot, $4 limit. Rows that this snapshot did not see.
_SINCE = """shard = ANY($1::smallint[]) AND (xid >= $2::text::xid8 OR xid = ANY($3::text[]::xid8[]))"""

# Two ways to the same index, each of which it gives in its own order: however many rows PostgreSQL guesses to be new, a
# third of the log where it knows nothing, this stays the cheapest way to the first of them.
_FRESH = f"""
SELECT now.snapshot, fresh.* FROM {_SNAPSHOT} LEFT JOIN (
    (SELECT {_COLUMNS} FROM event_log
     WHERE shard = ANY($1::smallint[]) AND xid >= $2::text::xid8 ORDER BY xid LIMIT $4)
    UNION ALL
    (SELECT {_COLUMNS} FROM event_log
     WHERE shard = ANY($1::smallint[]) AND xid = ANY($3::text[]::xid8[]) ORDER BY xid LIMIT $4)
) AS fresh ON true
ORDER BY fresh.id
"""  # noqa: S608 composed of constants only

# "id + 0" keeps the planner from walking the ids of the whole log to find the few new ones: it is to use the xid index.
_FIRST_PAGE = f"""
SELECT now.snapshot, backlog.* FROM {_SNAPSHOT}
LEFT JOIN (SELECT {_COLUMNS} FROM event_log WHERE {_SINCE} ORDER BY id + 0 LIMIT $4) AS backlog ON true
ORDER BY backlog.id
"""  # noqa: S608 composed of constants only

# $5 last id of the page before, $6 the base. What lies behind the page can only be commits later than its snapshot.
_NEXT_PAGE = f"""
SELECT now.snapshot, backlog.* FROM {_SNAPSHOT} LEFT JOIN (
    SELECT * FROM (
        (SELECT {_COLUMNS} FROM event_log
         WHERE id > $5 AND shard = ANY($1::smallint[]) AND xid >= pg_snapshot_xmin($6::text::pg_snapshot)
           AND NOT pg_visible_in_snapshot(xid, $6::text::pg_snapshot)
         ORDER BY id LIMIT $4)
        UNION ALL
        (SELECT {_COLUMNS} FROM event_log WHERE id <= $5 AND {_SINCE} ORDER BY id + 0 LIMIT $4)
    ) AS both_sides ORDER BY id LIMIT $4
) AS backlog ON true
ORDER BY backlog.id
"""  # noqa: S608 composed of constants only


class _Versioned(msgspec.Struct):
    """What the header needs of the body, which `record.render` wrote."""

    v: int


class LogRow(NamedTuple):
    """One event of the log."""

    id: int
    shard: int
    subject: str
    type: str
    ch_seq: int | None
    event_id: str
    traceparent: str | None
    body: bytes
    time_ms: int

    def outgoing(self, prefix: str, low: int, incarnation: str) -> Outgoing:
        """The message for the stream. Every transaction below `low` was in the stream before.

        The message's id names the stream's life too: JetStream remembers ids of messages that it has lost, and would
        refuse to take them again.
        """
        headers = {
            H_MSG_ID: f"{self.event_id}.{incarnation[:8]}",
            H_TYPE: self.type,
            H_VERSION: str(msgspec.json.decode(self.body, type=_Versioned).v),
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
    """Unpublished rows of `shards` in id order, as `snapshot` sees them; all of them unless it is `full`."""

    shards: Sequence[int]
    progress: Progress
    snapshot: Snapshot
    rows: Sequence[LogRow]
    full: bool


class EventLog:
    """What is new is read hundreds of times a second, always by the same few rows of the index on `xid`: planning that
    over all days of the log anew costs more than reading them. How to get at a page of a backlog depends on how large
    it is, so that is planned each time."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._planning = ""

    async def read(self, groups: dict[Progress, list[int]], limit: int) -> list[Read]:
        """At most `limit` rows for each group of shards that stand at the same place.

        Several groups are read from one snapshot: those that it finds without a backlog stand at one place afterwards.
        """
        if len(groups) <= 1:
            return [await self._read(progress, shards, limit) for progress, shards in groups.items()]
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            return [await self._read(progress, shards, limit) for progress, shards in groups.items()]

    async def _read(self, progress: Progress, shards: Collection[int], limit: int) -> Read:
        newest = progress.page.snapshot if progress.page else progress.base
        values = (list(shards), str(newest.xmax), [str(xid) for xid in newest.running], limit)
        if progress.page is not None:
            records = await self._backlog(_NEXT_PAGE, *values, progress.page.last_id, str(progress.base))
        else:
            await self._plan("force_generic_plan")
            records = await self._connection.fetch(_FRESH, *values)
            if len(records) >= limit:
                # The first by their transactions, of which a page has to be the first by their ids.
                records = await self._backlog(_FIRST_PAGE, *values)
        rows = [_row(record) for record in records if record["id"] is not None]
        snapshot = Snapshot.parse(records[0]["snapshot"])
        return Read(list(shards), progress, snapshot, rows, full=len(rows) >= limit)

    async def _backlog(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        await self._plan("force_custom_plan")
        return await self._connection.fetch(statement, *values)

    async def _plan(self, mode: str) -> None:
        """A round trip only where a backlog begins or ends."""
        if mode != self._planning:
            await self._connection.execute(f"SET plan_cache_mode = {mode}")
            self._planning = mode


def _row(record: asyncpg.Record) -> LogRow:
    return LogRow(
        id=record["id"],
        shard=record["shard"],
        subject=record["subject"],
        type=record["type"],
        ch_seq=record["ch_seq"],
        event_id=record["event_id"],
        traceparent=record["traceparent"],
        body=record["body"].encode(),
        time_ms=record["time_ms"],
    )
