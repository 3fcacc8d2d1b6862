"""All that is unread in a workspace, and marking all of it read."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import READABLE, READER, access_workspace, hold_seats
from tertulia_chat.attention.schemas import ChannelCursor, ChannelUnread, Count, FormerCursors, ThreadCursor, Unread
from tertulia_chat.membership import lock_channels
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.personal import personal
from tertulia_chat.tables import ChannelMemberRow, ThreadFollowRow
from tertulia_chat.unread import direct, mentions_in_channel, mentions_in_thread, unread_in_channel, unread_in_thread
from tertulia_shared.events import ReadUpdated

_CHANNELS = sa.text(f"""
SELECT m.channel_id, m.read_seq, c.last_seq, m.muted, counted.unread,
    CASE WHEN {direct("c.kind")} THEN counted.unread
         ELSE {mentions_in_channel("m.user_id", "m.channel_id", "m.read_seq")} END AS mentions
FROM channel_member m
JOIN channel c ON c.id = m.channel_id AND c.last_msg_seq > m.read_seq
CROSS JOIN LATERAL {unread_in_channel("m.user_id", "m.channel_id", "m.read_seq")} AS counted (unread)
WHERE m.user_id = :user_id AND m.workspace_id = :workspace_id AND counted.unread > 0
ORDER BY m.channel_id
""")  # noqa: S608 composed of constants only

# The threads that I follow and may read, where somebody answered after my cursor.
_ANSWERED = f"""
FROM thread_follow f
JOIN message r ON r.id = f.thread_id AND r.last_reply_seq > f.read_seq
JOIN channel c ON c.id = f.channel_id
{READER}
"""
_WHERE_ANSWERED = f"WHERE f.user_id = :user_id AND f.workspace_id = :workspace_id AND f.following AND {READABLE}"

_NAMED = mentions_in_thread("f.user_id", "f.thread_id", "f.read_seq")
_THREADS = sa.text(f"""
SELECT CAST(coalesce(sum(counted.unread), 0) AS bigint) AS unread, CAST(coalesce(sum(
    CASE WHEN counted.unread = 0 OR {direct("c.kind")} THEN counted.unread ELSE {_NAMED} END), 0) AS bigint) AS mentions
{_ANSWERED}
CROSS JOIN LATERAL {unread_in_thread("f.user_id", "f.thread_id", "f.read_seq")} AS counted (unread)
{_WHERE_ANSWERED}
""")

_TO_READ = sa.text(f"""
SELECT m.channel_id, CAST(NULL AS uuid) AS thread_id
FROM channel_member m JOIN channel c ON c.id = m.channel_id AND c.last_msg_seq > m.read_seq
WHERE m.user_id = :user_id AND m.workspace_id = :workspace_id
UNION ALL SELECT f.channel_id, f.thread_id {_ANSWERED} {_WHERE_ANSWERED}
""")  # noqa: S608 composed of constants only


async def unread(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> Unread:
    """In three statements, however many channels there are. Raises NotFound."""
    await access_workspace(session, user_id, workspace_id)
    values = {"user_id": user_id, "workspace_id": workspace_id}
    channels = [
        ChannelUnread(
            channel_id=str(row.channel_id),
            read_seq=row.read_seq,
            last_seq=row.last_seq,
            unread=row.unread,
            mentions=row.mentions,
            muted=row.muted,
        )
        for row in await session.execute(_CHANNELS, values)
    ]
    threads = (await session.execute(_THREADS, values)).one()
    return Unread(
        channels=channels,
        threads=Count(unread=threads.unread, mentions=threads.mentions),
        total=Count(
            unread=sum(each.unread for each in channels if not each.muted),
            mentions=sum(each.mentions for each in channels),
        ),
    )


async def read_all(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> FormerCursors:
    """Every channel of mine and thread that I follow is read up to its end. Idempotent. Raises NotFound."""
    await access_workspace(session, user_id, workspace_id)
    await hold_seats(session, workspace_id, [user_id])
    values = {"user_id": user_id, "workspace_id": workspace_id}
    found = (await session.execute(_TO_READ, values)).all()
    locked = await lock_channels(session, {row.channel_id for row in found})
    ends = {channel.id: channel.last_seq for channel in locked}
    mine = await _my_cursors(session, user_id, {row.channel_id for row in found if row.thread_id is None})
    followed = await _my_threads(session, user_id, {row.thread_id for row in found if row.thread_id is not None})
    channels = [cursor for cursor in mine if cursor.read_seq < ends[cursor.channel_id]]
    threads = [cursor for cursor in followed if cursor.read_seq < ends[cursor.channel_id]]
    former = FormerCursors(
        channels=[ChannelCursor(channel_id=str(one.channel_id), read_seq=one.read_seq) for one in channels],
        threads=[
            ThreadCursor(thread_id=str(one.thread_id), channel_id=str(one.channel_id), read_seq=one.read_seq)
            for one in threads
        ],
    )
    for cursor in (*channels, *threads):
        cursor.read_seq = ends[cursor.channel_id]
        session.add(cursor)
    await session.flush()
    await record(session, *(_all_read(cursor) for cursor in (*channels, *threads)))
    return former


async def _my_cursors(session: AsyncSession, user_id: UUID, channel_ids: set[UUID]) -> list[ChannelMemberRow]:
    """Locked; who reads on another device comes before or after."""
    query = (
        select(ChannelMemberRow)
        .where(col(ChannelMemberRow.user_id) == user_id, col(ChannelMemberRow.channel_id).in_(channel_ids))
        .order_by(col(ChannelMemberRow.channel_id))
        .with_for_update(key_share=True)
    )
    return list(await session.scalars(query))


async def _my_threads(session: AsyncSession, user_id: UUID, thread_ids: set[UUID]) -> list[ThreadFollowRow]:
    """Locked, as the channels are."""
    query = (
        select(ThreadFollowRow)
        .where(
            col(ThreadFollowRow.user_id) == user_id,
            col(ThreadFollowRow.thread_id).in_(thread_ids),
            col(ThreadFollowRow.following),
        )
        .order_by(col(ThreadFollowRow.thread_id))
        .with_for_update(key_share=True)
    )
    return list(await session.scalars(query))


def _all_read(cursor: ChannelMemberRow | ThreadFollowRow) -> NewEvent:
    thread_id = str(cursor.thread_id) if isinstance(cursor, ThreadFollowRow) else None
    fact = ReadUpdated(
        channel_id=str(cursor.channel_id), thread_id=thread_id, read_seq=cursor.read_seq, unread=0, mentions=0
    )
    return personal(fact, cursor.user_id, workspace_id=cursor.workspace_id, channel_id=cursor.channel_id)
