"""Telling somebody what the moderators did that concerns them, and why. By whom stands in the audit log only.

Told in the transaction of the deed, before it: who is seen off hears why, and then that they are out.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import NoticeRow
from tertulia_shared.events import NoticeCreated


async def give_notice(session: AsyncSession, row: NoticeRow) -> None:
    session.add(row)
    await session.flush()
    event = NewEvent(
        fact=NoticeCreated(notice=row.view()),
        workspace_id=str(row.workspace_id),
        scope="user",
        scope_id=str(row.user_id),
        channel_id=str(row.channel_id) if row.channel_id else None,
    )
    await record(session, event)
