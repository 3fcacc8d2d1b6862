"""The installation's bot: one account that belongs to every workspace.

It is nobody: it has no password, no session and no seat in a channel but the direct conversations that people open with
it, and it is not counted where people are. What it says is posted for the person who asked (`runs`).
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import UserRow, WorkspaceMemberRow, now
from tertulia_shared.events import BOT_USER_ID, Role, WorkspaceMemberJoined

BOT_ID = UUID(BOT_USER_ID)


async def seat_bot(session: AsyncSession, workspace_id: UUID) -> None:
    """Idempotent. The workspace hears of it as of anybody who joins."""
    bot = await session.get_one(UserRow, BOT_ID)
    seated = await session.scalar(
        insert(WorkspaceMemberRow)
        .values(workspace_id=workspace_id, user_id=BOT_ID, role=Role.MEMBER, joined_at=now())
        .on_conflict_do_nothing()
        .returning(col(WorkspaceMemberRow.user_id))
    )
    if seated is None:
        return
    here = str(workspace_id)
    fact = WorkspaceMemberJoined(user=bot.view(), role=Role.MEMBER)
    await record(session, NewEvent(fact=fact, workspace_id=here, scope="ws", scope_id=here, actor_id=BOT_USER_ID))
