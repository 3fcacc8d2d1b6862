"""Who was told of what and has seen how far, as the event log tells it.

What the log says in the end about each person and message is put together beside the table, page by page. Then the
table is compared with that, while deciding waits: in the order of ids its events are also in the order of commits, so
nothing that the log does not show yet can be in the table.

What is older than the log stays as it is.
"""

from datetime import datetime, timedelta

import asyncpg

from tertulia_chat.notifications.decide import LOCK_KEY
from tertulia_chat.notifications.retention import first_id_at
from tertulia_chat.rebuild.pages import Counts, Tell, affected, rows_of
from tertulia_shared.events import NotificationCreated, NotificationsRead, NotificationWithdrawn

LOG_ROWS = 20_000
"""Numbers of the log for one page."""
MARGIN = timedelta(minutes=1)
"""An id is younger than the transaction that it was made in, and the log goes by the latter."""
REPAIRS = 5_000
"""Differences that are mended while deciding waits."""

_TOLD = """
CREATE TEMPORARY TABLE told (
    user_id uuid, message_id uuid, id uuid, workspace_id uuid, channel_id uuid, ch_seq bigint, thread_id uuid,
    reason text, created_at timestamptz, silent boolean, withdrawn_at timestamptz, PRIMARY KEY (message_id, user_id)
)
"""
_COLUMNS = "id, workspace_id, channel_id, ch_seq, thread_id, reason, created_at, silent"
_GATHER = f"""
INSERT INTO told AS known (user_id, message_id, {_COLUMNS}, withdrawn_at)
SELECT DISTINCT ON (n.message_id, user_id) split_part(e.subject, '.', -1)::uuid AS user_id, n.message_id, n.id,
    e.workspace_id, n.channel_id, n.ch_seq, n.thread_id, n.reason, n.created_at, coalesce(n.silent, false),
    CASE WHEN e.type = '{NotificationWithdrawn.type}' THEN (e.body::jsonb ->> 'time')::timestamptz END
FROM event_log e
CROSS JOIN jsonb_to_record(e.body::jsonb #> '{{data,notification}}') AS n (
    id uuid, channel_id uuid, message_id uuid, ch_seq bigint, thread_id uuid, reason text, created_at timestamptz,
    silent boolean
)
WHERE e.id > $1 AND e.id <= $2 AND e.type IN ('{NotificationCreated.type}', '{NotificationWithdrawn.type}')
ORDER BY n.message_id, user_id, e.id DESC
ON CONFLICT (message_id, user_id) DO UPDATE SET id = excluded.id, withdrawn_at = excluded.withdrawn_at
"""  # noqa: S608 composed of constants only
_SEEN = f"""
INSERT INTO notification_cursor AS known (user_id, workspace_id, read_id)
SELECT DISTINCT ON (user_id, e.workspace_id) split_part(e.subject, '.', -1)::uuid AS user_id, e.workspace_id,
    (e.body::jsonb #>> '{{data,read_id}}')::uuid AS read_id
FROM event_log e WHERE e.id > $1 AND e.id <= $2 AND e.type = '{NotificationsRead.type}'
ORDER BY user_id, e.workspace_id, read_id DESC
ON CONFLICT (user_id, workspace_id) DO UPDATE SET read_id = excluded.read_id WHERE known.read_id < excluded.read_id
"""  # noqa: S608 composed of constants only

_DROP = """
DELETE FROM notification WHERE id IN (
    SELECT n.id FROM notification n LEFT JOIN told ON told.message_id = n.message_id AND told.user_id = n.user_id
    WHERE n.id > $1 AND told.id IS DISTINCT FROM n.id LIMIT $2
)
"""
_PUT = f"""
INSERT INTO notification AS n (user_id, message_id, {_COLUMNS}, withdrawn_at)
SELECT told.user_id, told.message_id, {", ".join(f"told.{name}" for name in _COLUMNS.split(", "))}, told.withdrawn_at
FROM told LEFT JOIN notification n ON n.message_id = told.message_id AND n.user_id = told.user_id
WHERE (n.id, n.reason, n.withdrawn_at IS NULL) IS DISTINCT FROM (told.id, told.reason, told.withdrawn_at IS NULL)
LIMIT $1
ON CONFLICT (message_id, user_id) DO UPDATE
SET id = excluded.id, reason = excluded.reason, withdrawn_at = excluded.withdrawn_at
"""  # noqa: S608 composed of constants only


async def size(connection: asyncpg.Connection) -> int:
    """Rows to look at."""
    return await rows_of(connection, "event_log")


async def rebuild(connection: asyncpg.Connection, tell: Tell) -> Counts:
    oldest = await connection.fetchval("SELECT min(created_at) FROM event_log")
    if oldest is None:
        return Counts(0, 0)
    await connection.execute(_TOLD)
    try:
        log = _Log(connection, tell)
        await log.begin()
        mended = await _mend(connection, log, oldest)
        return Counts(log.checked, mended)
    finally:
        await connection.execute("DROP TABLE told")


class _Log:
    """How far the log has been read. Raises what asyncpg raises."""

    def __init__(self, connection: asyncpg.Connection, tell: Tell) -> None:
        self._connection = connection
        self._tell = tell
        self._read = 0
        self.checked = 0

    async def begin(self) -> None:
        first = await self._connection.fetchval("SELECT min(id) FROM event_log")
        self._read = (first or 1) - 1
        await self.read_on()

    async def read_on(self) -> None:
        """Everything that there is."""
        end = await self._connection.fetchval("SELECT max(id) FROM event_log") or 0
        while self._read < end:
            upper = min(self._read + LOG_ROWS, end)
            for statement in (_GATHER, _SEEN):
                await self._connection.execute(statement, self._read, upper)
            looked_at = upper - self._read
            self._read = upper
            self.checked += looked_at
            self._tell(looked_at)


async def _mend(connection: asyncpg.Connection, log: _Log, oldest: datetime) -> int:
    """Until the table is as the log tells it, with a pause for deciding between two steps."""
    first = first_id_at(oldest + MARGIN)
    mended = 0
    while True:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
            await log.read_on()
            step = affected(await connection.execute(_DROP, first, REPAIRS))
            step += affected(await connection.execute(_PUT, REPAIRS))
        mended += step
        if step == 0:
            return mended
