"""Following a thread, and no longer following it.

Both are held in order with the replies by the channel's lock, though they change nothing in the channel. Writing in a
thread follows it as well (`replies`), except for who said here that they do not want to.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import access_message
from tertulia_chat.outbox import record
from tertulia_chat.replies import followed
from tertulia_chat.tables import MessageRow, ThreadFollowRow
from tertulia_shared.problems import NotFound


async def follow(session: AsyncSession, user_id: UUID, thread_id: UUID) -> None:
    """Begins with nothing unread. Idempotent. Any message that is no reply may be followed. Raises NotFound."""
    root, seat = await access_message(session, user_id, thread_id, lock=True)
    row = await _row(session, user_id, root)
    if row.following:
        return
    row.following, row.read_seq = True, seat.channel.last_seq
    session.add(row)
    await session.flush()
    await record(session, followed(root, user_id, user_id, following=True))


async def unfollow(session: AsyncSession, user_id: UUID, thread_id: UUID) -> None:
    """For good, until the person follows it again. Idempotent. Raises NotFound."""
    root, _ = await access_message(session, user_id, thread_id, lock=True)
    row = await _row(session, user_id, root)
    was_following, row.following = row.following, False
    session.add(row)
    await session.flush()
    if was_following:
        await record(session, followed(root, user_id, user_id, following=False))


async def _row(session: AsyncSession, user_id: UUID, root: MessageRow) -> ThreadFollowRow:
    """What is known of this person and thread; for a stranger to the thread a new row, not stored yet."""
    if root.thread_id is not None:
        raise NotFound
    return await session.get(ThreadFollowRow, (root.id, user_id)) or ThreadFollowRow(
        thread_id=root.id,
        user_id=user_id,
        channel_id=root.channel_id,
        workspace_id=root.workspace_id,
        following=False,
        read_seq=0,
    )
