"""What the devices of an author are told of their scheduled messages.

Only the newest event of one tells its text: the next takes it out of the one before, as with drafts.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.outbox import record, redact_scheduled
from tertulia_chat.personal import personal
from tertulia_chat.tables import ScheduledMessageRow
from tertulia_shared.events import ScheduledMessage, ScheduledUpdated


async def tell(session: AsyncSession, row: ScheduledMessageRow) -> ScheduledMessage:
    """Stores the row, which the caller holds, and tells what it is now."""
    told_at = row.log_id
    scheduled = row.view()
    place = await _tell(session, row, scheduled)
    row.log_id = place if row.text else None
    session.add(row)
    await session.flush()
    if told_at is not None:
        await redact_scheduled(session, told_at)
    return scheduled


async def tell_gone(session: AsyncSession, row: ScheduledMessageRow) -> None:
    """Deletes the row, which the caller holds, and tells so."""
    await session.delete(row)
    await session.flush()
    await _tell(session, row, None)
    if row.log_id is not None:
        await redact_scheduled(session, row.log_id)


async def _tell(session: AsyncSession, row: ScheduledMessageRow, scheduled: ScheduledMessage | None) -> int:
    fact = ScheduledUpdated(scheduled_id=str(row.id), scheduled=scheduled)
    event = personal(fact, row.author_id, workspace_id=row.workspace_id, channel_id=row.channel_id)
    (place,) = await record(session, event)
    return place
