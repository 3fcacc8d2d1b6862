"""What a reply changes beside itself: the summary on its thread's first message, and who follows the thread.

For whoever holds the channel's lock and writes, deletes or restores a reply through the session. The statement that
sends one does the same within itself (`messages/reply.py`).
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.outbox import NewEvent
from tertulia_chat.personal import personal
from tertulia_chat.tables import MessageRow
from tertulia_shared.events import BOT_USER_ID, ThreadFollowed, ThreadSummary

MAX_REPLIERS = 5
"""Faces under a thread's first message."""


def summary_of(thread: str) -> str:
    """One row: what stands under the first message of this thread, an SQL expression; deleted replies do not count."""
    return f"""
    SELECT coalesce(sum(replies), 0) AS replies, max(ch_seq) AS ch_seq,
        (array_agg(created_at ORDER BY ch_seq DESC))[1] AS created_at,
        coalesce((array_agg(author_id ORDER BY ch_seq DESC))[1:{MAX_REPLIERS}], '{{}}') AS people
    FROM (
        SELECT author_id, count(*) AS replies, max(ch_seq) AS ch_seq,
            (array_agg(created_at ORDER BY ch_seq DESC))[1] AS created_at
        FROM message WHERE thread_id = {thread} AND deleted_at IS NULL GROUP BY author_id
    ) AS by_author
"""  # noqa: S608 composed of constants only


_RECOUNT = sa.text(f"""
UPDATE message SET reply_count = summary.replies, last_reply_seq = summary.ch_seq,
    last_reply_at = summary.created_at, last_repliers = summary.people
FROM ({summary_of(":thread_id")}) AS summary
WHERE id = :thread_id
""")  # noqa: S608 composed of constants only

_FOLLOW = sa.text(f"""
INSERT INTO thread_follow (thread_id, user_id, channel_id, workspace_id, following, read_seq)
SELECT :thread_id, m.user_id, m.channel_id, m.workspace_id, true, CAST(:ch_seq AS bigint) - 1
FROM channel_member m
WHERE m.channel_id = :channel_id AND m.user_id = ANY (:people) AND m.user_id <> '{BOT_USER_ID}'
ON CONFLICT DO NOTHING
RETURNING user_id
""").bindparams(sa.bindparam("people", type_=sa.ARRAY(sa.Uuid)))  # noqa: S608 composed of constants only


async def recount(session: AsyncSession, thread_id: UUID) -> MessageRow:
    """The thread's first message with its summary counted anew; deleted replies do not count."""
    await session.flush()
    await session.execute(_RECOUNT, {"thread_id": thread_id})
    return await session.get_one(MessageRow, thread_id, populate_existing=True)


async def summary_now(session: AsyncSession, reply: MessageRow) -> ThreadSummary | None:
    """What stands under the thread's first message once this reply has gone or is back; None: nothing, or it is no
    reply."""
    return (await recount(session, reply.root_id)).view_thread() if reply.root_id else None


async def summary_with(session: AsyncSession, reply: MessageRow) -> tuple[ThreadSummary | None, list[NewEvent]]:
    """What stands under the thread's first message with this new reply, and who follows the thread because of it.

    The events are to be recorded before the reply's own, so that it is new to them.
    """
    if reply.thread_id is None:
        return None, []
    root = await recount(session, reply.thread_id)
    values = {"thread_id": root.id, "channel_id": root.channel_id, "ch_seq": reply.ch_seq}
    people = [reply.author_id, root.author_id, *reply.mentions]
    followers = await session.scalars(_FOLLOW, {**values, "people": people})
    return root.view_thread(), [followed(root, user_id, reply.author_id, following=True) for user_id in followers]


def followed(root: MessageRow, user_id: UUID, actor_id: UUID, *, following: bool) -> NewEvent:
    """Tells one person that they follow this thread or no longer do."""
    fact = ThreadFollowed(channel_id=str(root.channel_id), thread_id=str(root.id), following=following)
    return personal(fact, user_id, workspace_id=root.workspace_id, channel_id=root.channel_id, actor_id=actor_id)
