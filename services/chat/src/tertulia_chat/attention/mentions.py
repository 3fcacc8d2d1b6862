"""Where somebody is mentioned, by name or among an audience.

By name counts wherever they may read, an audience only in channels they were in at the time. What was deleted, and what
an edit took the mention out of, is not among them.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import READABLE, READER, access_workspace
from tertulia_chat.attention.schemas import MentionPage
from tertulia_chat.tables import EVERYBODY, MessageRow

_END = UUID(int=2**128 - 1)

_NAMED = f"""
SELECT n.message_id FROM mention n JOIN channel c ON c.id = n.channel_id {READER}
WHERE n.workspace_id = :workspace_id AND n.user_id = :user_id AND n.message_id < :before AND {READABLE}
"""  # noqa: S608 composed of constants only
# Asked of each, so that the index is walked from its end until the page is full: joined to the members, all would be
# sorted.
_JOINED = "(SELECT m.joined_seq FROM channel_member m WHERE m.channel_id = n.channel_id AND m.user_id = :user_id)"
_ADDRESSED = f"""
SELECT n.message_id FROM mention n
WHERE n.workspace_id = :workspace_id AND n.user_id = '{EVERYBODY}' AND n.message_id < :before
  AND n.author_id <> :user_id AND n.ch_seq > {_JOINED}
"""  # noqa: S608 composed of constants only

_FOUND = sa.text(f"""
({_NAMED} ORDER BY n.message_id DESC LIMIT :limit)
UNION
({_ADDRESSED} ORDER BY n.message_id DESC LIMIT :limit)
ORDER BY message_id DESC LIMIT :limit
""")


async def page(session: AsyncSession, user_id: UUID, workspace_id: UUID, limit: int, after: UUID | None) -> MentionPage:
    """The newest first, by message id. Raises NotFound."""
    await access_workspace(session, user_id, workspace_id)
    values = {"user_id": user_id, "workspace_id": workspace_id, "before": after or _END, "limit": limit + 1}
    ids = list(await session.scalars(_FOUND, values))
    rows = await session.scalars(
        select(MessageRow)
        .where(col(MessageRow.id).in_(ids[:limit]), col(MessageRow.deleted_at).is_(None))
        .order_by(col(MessageRow.id).desc())
    )
    return MentionPage(items=[row.view() for row in rows], next=str(ids[limit - 1]) if len(ids) > limit else None)
