"""What somebody was told of, and how far they have seen it."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import READABLE, READER, access_workspace
from tertulia_chat.notifications.rules import read_already
from tertulia_chat.notifications.schemas import NotificationItem, NotificationPage, Seen
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import MessageRow, NotificationCursorRow, NotificationRow
from tertulia_shared.events import NotificationsRead

_END = UUID(int=2**128 - 1)

_PAGE = sa.text(f"""
SELECT n.*, {read_already("n", "t")} AS read
FROM notification n
JOIN message t ON t.id = n.message_id
JOIN channel c ON c.id = n.channel_id
{READER}
WHERE n.user_id = :user_id AND n.workspace_id = :workspace_id AND n.withdrawn_at IS NULL AND n.id < :before
  AND {READABLE}
ORDER BY n.id DESC LIMIT :limit
""")  # noqa: S608 composed of constants only

# Only up to one that there is: a number from the future would make what comes next read.
_SEE = sa.text("""
INSERT INTO notification_cursor AS known (user_id, workspace_id, read_id)
SELECT user_id, workspace_id, id FROM notification
WHERE user_id = :user_id AND workspace_id = :workspace_id AND withdrawn_at IS NULL AND id <= :id
ORDER BY id DESC LIMIT 1
ON CONFLICT (user_id, workspace_id) DO UPDATE SET read_id = excluded.read_id WHERE known.read_id < excluded.read_id
RETURNING read_id
""")


async def page(
    session: AsyncSession, user_id: UUID, workspace_id: UUID, limit: int, before: UUID | None
) -> NotificationPage:
    """The newest first; only of what the person may read now. Raises NotFound."""
    await access_workspace(session, user_id, workspace_id)
    values = {"user_id": user_id, "workspace_id": workspace_id, "before": before or _END, "limit": limit + 1}
    found = [dict(row) for row in (await session.execute(_PAGE, values)).mappings()]
    shown = [(row.pop("read"), NotificationRow(**row)) for row in found[:limit]]
    query = select(MessageRow).where(col(MessageRow.id).in_([row.message_id for _, row in shown]))
    messages = {message.id: message for message in await session.scalars(query)}
    return NotificationPage(
        items=[
            NotificationItem(notification=row.view(), message=messages[row.message_id].view(), read=read)
            for read, row in shown
        ],
        next=str(shown[-1][1].id) if len(found) > limit else None,
        read_id=await _read_id(session, user_id, workspace_id),
    )


async def see(session: AsyncSession, user_id: UUID, workspace_id: UUID, up_to: UUID) -> Seen:
    """Told to all devices when it moves. Raises NotFound."""
    await access_workspace(session, user_id, workspace_id)
    values = {"user_id": user_id, "workspace_id": workspace_id, "id": up_to}
    moved = await session.scalar(_SEE, values)
    if moved is None:
        return Seen(read_id=await _read_id(session, user_id, workspace_id))
    me, seen = str(user_id), str(moved)
    fact = NotificationsRead(read_id=seen)
    await record(session, NewEvent(fact=fact, workspace_id=str(workspace_id), scope="user", scope_id=me, actor_id=me))
    return Seen(read_id=seen)


async def _read_id(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> str | None:
    found = await session.scalar(
        select(NotificationCursorRow.read_id).where(
            col(NotificationCursorRow.user_id) == user_id, col(NotificationCursorRow.workspace_id) == workspace_id
        )
    )
    return None if found is None else str(found)
