"""The log's partitions: one per day, made ahead of time, dropped when the retention is over.

A partition is dropped only when the saved snapshots of the relay see everything in it: an event that was never
published is never thrown away, however old.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg

from tertulia_shared.telemetry import logger

log = logger(__name__)

DAYS_AHEAD = 7
EVERY_S = 3600.0
RETRY_S = 30.0
LOCK_KEY = 0x7E2701
LOCK_TIMEOUT = "1s"
"""Writers queue behind a lock that waits; better to try again later than to hold them up."""

_EXISTING = """
SELECT child.relname FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'event_log'::regclass AND child.relname ~ '^event_log_[0-9]{8}$'
ORDER BY child.relname
"""


class PartitionKeeper:
    """A component of the relay's process; one of several does the work at a time."""

    name = "partitions"

    def __init__(self, postgres_url: str, retention_days: int) -> None:
        self._postgres_url = postgres_url
        self._retention = timedelta(days=retention_days)

    async def run(self) -> None:
        while True:
            try:
                await keep(self._postgres_url, datetime.now(UTC).date(), self._retention)
            except (
                OSError,
                TimeoutError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as error:
                log.warning("partitions were not kept up", error=str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            await asyncio.sleep(EVERY_S)


async def keep(postgres_url: str, today: date, retention: timedelta) -> None:
    """Make the partitions up to a week ahead; drop those that are over and published."""
    connection = await asyncpg.connect(postgres_url, timeout=5, server_settings={"lock_timeout": LOCK_TIMEOUT})
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
            existing = {_day_of(record["relname"]) for record in await connection.fetch(_EXISTING)}
        for offset in range(-1, DAYS_AHEAD + 1):
            day = today + timedelta(days=offset)
            if day not in existing:
                await _make(connection, day)
        for day in sorted(existing):
            if day + timedelta(days=1) <= today - retention:
                await _drop_if_published(connection, day)
    finally:
        await connection.close(timeout=5)


async def _make(connection: asyncpg.Connection, day: date) -> None:
    """Rows of that day that had to go to the default partition move over in the same transaction."""
    name, start, end = _name_of(day), _midnight(day), _midnight(day + timedelta(days=1))
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
            return
        # The whole table, for the moment this takes: a read that was planned before the partition was attached and that
        # ran after the move would find the rows in neither place, and the relay would take them for published.
        await connection.execute("LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE")
        await connection.execute(f"CREATE TABLE {name} (LIKE event_log INCLUDING DEFAULTS INCLUDING INDEXES)")
        await connection.execute(
            f"WITH moved AS (DELETE FROM event_log_default WHERE created_at >= '{start}' AND created_at < '{end}' "  # noqa: S608 dates only
            f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        )
        await connection.execute(
            f"ALTER TABLE event_log ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"
        )
    log.info("partition made", partition=name)


async def _drop_if_published(connection: asyncpg.Connection, day: date) -> None:
    name = _name_of(day)
    async with connection.transaction():
        unpublished = await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM {name} AS event LEFT JOIN relay_position AS position USING (shard) "  # noqa: S608 a name of ours
            "WHERE pg_visible_in_snapshot(event.xid, position.snapshot) IS NOT TRUE)"
        )
        if unpublished:
            log.error("partition is over but not published", partition=name)
            return
        await connection.execute(f"ALTER TABLE event_log DETACH PARTITION {name}")
        await connection.execute(f"DROP TABLE {name}")
    log.info("partition dropped", partition=name)


def _name_of(day: date) -> str:
    return f"event_log_{day:%Y%m%d}"


def _day_of(name: str) -> date:
    return datetime.strptime(name.removeprefix("event_log_"), "%Y%m%d").replace(tzinfo=UTC).date()


def _midnight(day: date) -> str:
    return f"{day:%Y-%m-%d} 00:00:00+00"
