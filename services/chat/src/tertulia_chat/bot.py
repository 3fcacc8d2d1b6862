"""The installation's bot: one account that belongs to every workspace.

It is nobody: it has no password, no session and no seat in a channel but the direct conversations that people open with
it, and it is not counted where people are. What it says is posted for the person who asked (`runs`).
"""

from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, inspect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import UserRow, WorkspaceMemberRow, now
from tertulia_shared.events import BOT_USER_ID, Role, WorkspaceMemberJoined

BOT_ID = UUID(BOT_USER_ID)
# Made once: every run asks it, and nearly always it does nothing.
_SEAT = (
    insert(cast("Table", inspect(WorkspaceMemberRow).local_table))
    .values(workspace_id=bindparam("workspace_id"), user_id=BOT_ID, role=Role.MEMBER, joined_at=bindparam("joined_at"))
    .on_conflict_do_nothing()
    .returning(col(WorkspaceMemberRow.user_id))
)


async def seat_bot(session: AsyncSession, workspace_id: UUID) -> None:
    """Idempotent. The workspace hears of it as of anybody who joins."""
    seated = await session.scalar(_SEAT, {"workspace_id": workspace_id, "joined_at": now()})
    if seated is None:
        return
    bot = await session.get_one(UserRow, BOT_ID)
    here = str(workspace_id)
    fact = WorkspaceMemberJoined(user=bot.view(), role=Role.MEMBER)
    await record(session, NewEvent(fact=fact, workspace_id=here, scope="ws", scope_id=here, actor_id=BOT_USER_ID))
