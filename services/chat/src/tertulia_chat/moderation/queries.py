"""What somebody was told of the moderators' deeds."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.moderation.schemas import NoticePage
from tertulia_chat.tables import NoticeRow


async def notices_of(session: AsyncSession, user_id: UUID, limit: int, before: UUID | None) -> NoticePage:
    """The newest first, from all workspaces, also those that they are no longer in."""
    query = (
        select(NoticeRow).where(col(NoticeRow.user_id) == user_id).order_by(col(NoticeRow.id).desc()).limit(limit + 1)
    )
    if before is not None:
        query = query.where(col(NoticeRow.id) < before)
    rows = list(await session.scalars(query))
    items = [row.view() for row in rows[:limit]]
    return NoticePage(items=items, next=items[-1].id if len(rows) > limit else None)
