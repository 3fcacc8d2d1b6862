"""How far somebody has read a channel, or a thread that they follow.

Moving a cursor is one statement in one round trip: it finds the seat, moves the cursor, counts what is left above it
and records `read.updated`, or does nothing when the cursor stands there already. It changes nothing in the channel,
takes no number, and touches no row but the person's own.

What the event tells must be true at its place between the channel's messages. So the statement holds the channel's row
from the counting to the commit, and goes through only if the channel is still as it was when the statement began to
look. Otherwise it begins again; and because a channel that is written to all the time would never let it through, the
last attempt locks first. The lock is exclusive so that readers and writers of a busy channel queue in turn.
"""

from uuid import UUID

import asyncpg

from tertulia_chat.access import POSTING_SEAT, access_message
from tertulia_chat.attention.schemas import MarkRead, ReadState
from tertulia_chat.database import Database
from tertulia_chat.errors import NotAMember, ThreadNotFollowed
from tertulia_chat.outbox import render
from tertulia_chat.personal import personal
from tertulia_chat.tables import new_id, now
from tertulia_chat.unread import direct, mentions_in_channel, mentions_in_thread, unread_in_channel, unread_in_thread
from tertulia_shared.events import ReadUpdated
from tertulia_shared.problems import DependencyUnavailable, NotFound
from tertulia_shared.telemetry import traceparent

ATTEMPTS = 3
"""One is enough unless the channel changes, or another of the person's devices reads, at the same moment."""

UNKNOWN_WORKSPACE = UUID(int=0)
_LOCK = "SELECT FROM channel WHERE id = $1 FOR NO KEY UPDATE"


def _statement(*, cursor: str, mine: str, unread: str, mentions: str) -> str:
    """$3 the number, $4 whether it is meant exactly, $10 the thread. `cursor` is the table, `mine` the person's row."""
    return f"""
WITH seat AS ({POSTING_SEAT}),
place AS (
    SELECT seat.workspace_id, seat.member, c.kind, c.last_seq, x.read_seq,
        CASE WHEN $4 THEN least($3, c.last_seq) ELSE greatest(least($3, c.last_seq), x.read_seq) END AS wanted
    FROM seat JOIN channel c ON c.id = $1 LEFT JOIN {cursor} x ON {mine}
),
held AS (
    SELECT c.id FROM channel c JOIN place ON place.last_seq = c.last_seq
    WHERE c.id = $1 AND place.wanted <> place.read_seq
    FOR NO KEY UPDATE OF c
),
moved AS (
    UPDATE {cursor} x SET read_seq = place.wanted
    FROM place CROSS JOIN held
    WHERE {mine} AND x.read_seq = place.read_seq
    RETURNING x.read_seq
),
state AS (
    SELECT place.*, counted.unread, CASE WHEN {direct("place.kind")} THEN counted.unread ELSE {mentions} END AS mentions
    FROM place CROSS JOIN LATERAL {unread} AS counted (unread)
),
logged AS (
    INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, event_id, traceparent, body)
    SELECT $5, replace($6, '{UNKNOWN_WORKSPACE}', state.workspace_id::text), '{ReadUpdated.type}', state.workspace_id,
        $1, $7, $8,
        replace(replace(replace(replace($9,
            '"read_seq":-1', '"read_seq":' || moved.read_seq),
            '"unread":-1', '"unread":' || state.unread),
            '"mentions":-1', '"mentions":' || state.mentions),
            '{UNKNOWN_WORKSPACE}', state.workspace_id::text)
    FROM moved CROSS JOIN state
)
SELECT state.*, EXISTS (SELECT FROM moved) AS moved FROM state
"""  # noqa: S608 composed of constants only


_CHANNEL = _statement(
    cursor="channel_member",
    mine="x.channel_id = $1 AND x.user_id = $2 AND $10::uuid IS NULL",
    unread=unread_in_channel("$2", "$1", "place.wanted"),
    mentions=mentions_in_channel("$2", "$1", "place.wanted"),
)
_THREAD = _statement(
    cursor="thread_follow",
    mine="x.thread_id = $10 AND x.user_id = $2 AND x.following",
    unread=unread_in_thread("$2", "$10", "place.wanted"),
    mentions=mentions_in_thread("$2", "$10", "place.wanted"),
)


async def read_channel(database: Database, user_id: UUID, channel_id: UUID, wish: MarkRead) -> ReadState:
    """Raises NotFound, NotAMember, DependencyUnavailable."""
    row = await _move(database, _CHANNEL, user_id, channel_id, None, wish)
    if not row["member"]:
        raise NotAMember
    return _state(row, channel_id, None)


async def read_thread(database: Database, user_id: UUID, thread_id: UUID, wish: MarkRead) -> ReadState:
    """Raises NotFound, ThreadNotFollowed, DependencyUnavailable."""
    async with database.transaction() as session:
        root, _ = await access_message(session, user_id, thread_id)
    if root.thread_id is not None:
        raise NotFound
    row = await _move(database, _THREAD, user_id, root.channel_id, thread_id, wish)
    if row["read_seq"] is None:
        raise ThreadNotFollowed
    return _state(row, root.channel_id, thread_id)


async def _move(
    database: Database, statement: str, user_id: UUID, channel_id: UUID, thread_id: UUID | None, wish: MarkRead
) -> asyncpg.Record:
    fact = ReadUpdated(
        channel_id=str(channel_id),
        thread_id=str(thread_id) if thread_id else None,
        read_seq=-1,
        unread=-1,
        mentions=-1,
    )
    event = personal(fact, user_id, workspace_id=UNKNOWN_WORKSPACE, channel_id=channel_id)
    for attempt in range(ATTEMPTS):
        event_id = new_id()
        body = render(event, event_id=str(event_id), time=now())
        told = (event.shard, event.subject, event_id, traceparent(), body)
        values = (channel_id, user_id, wish.seq, wish.exact, *told, thread_id)
        if attempt < ATTEMPTS - 1:
            row = await database.hot_row(statement, *values)
        else:
            row = await database.hot_row_holding(_LOCK, [channel_id], statement, *values)
        if row is None:
            raise NotFound
        if row["moved"]:
            database.wake((event.shard,))
        if row["moved"] or row["read_seq"] in (None, row["wanted"]):
            return row
    raise DependencyUnavailable("The channel is changing too fast.")


def _state(row: asyncpg.Record, channel_id: UUID, thread_id: UUID | None) -> ReadState:
    return ReadState(
        channel_id=str(channel_id),
        thread_id=str(thread_id) if thread_id else None,
        read_seq=row["wanted"],
        unread=row["unread"],
        mentions=row["mentions"],
    )
