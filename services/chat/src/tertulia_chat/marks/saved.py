"""What somebody saved for later. Nobody else learns of it.

A saved message is kept as long as it is saved, and shown as it is now, whenever the person may read it.
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat.access import ChannelSeat, WorkspaceSeat, access_message, may_read
from tertulia_chat.errors import MessageDeleted
from tertulia_chat.marks.schemas import SavedMessage, SavedPage
from tertulia_chat.outbox import record
from tertulia_chat.personal import personal
from tertulia_chat.tables import MessageRow, SavedMessageRow
from tertulia_shared.events import SavedUpdated


async def save(session: AsyncSession, caller_id: UUID, message_id: UUID) -> None:
    """Idempotent; in archived channels too. Raises NotFound, MessageDeleted."""
    message, seat = await access_message(session, caller_id, message_id)
    if message.deleted_at is not None:
        raise MessageDeleted
    row = SavedMessageRow(
        user_id=caller_id, message_id=message.id, workspace_id=message.workspace_id, channel_id=message.channel_id
    )
    new = await session.scalar(
        insert(SavedMessageRow).values(row.model_dump()).on_conflict_do_nothing().returning(col(SavedMessageRow.id))
    )
    if new is not None:
        await _tell(session, seat, caller_id, message_id, saved=True)


async def forget(session: AsyncSession, caller_id: UUID, message_id: UUID) -> None:
    """Idempotent. Raises NotFound."""
    _, seat = await access_message(session, caller_id, message_id)
    removed = await session.scalar(
        delete(SavedMessageRow)
        .where(col(SavedMessageRow.user_id) == caller_id, col(SavedMessageRow.message_id) == message_id)
        .returning(col(SavedMessageRow.id))
    )
    if removed is not None:
        await _tell(session, seat, caller_id, message_id, saved=False)


async def page(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, limit: int, before: UUID | None) -> SavedPage:
    """What was saved last comes first; only what the person may read now."""
    query = (
        select(SavedMessageRow, MessageRow)
        .join(MessageRow, col(MessageRow.id) == col(SavedMessageRow.message_id))
        .where(
            col(SavedMessageRow.user_id) == user_id,
            col(SavedMessageRow.workspace_id) == seat.workspace.id,
            may_read(user_id, col(SavedMessageRow.channel_id)),
        )
        .order_by(col(SavedMessageRow.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(col(SavedMessageRow.id) < before)
    found = list(await session.execute(query))
    items = [SavedMessage(message=message.view(), saved_at=saved.saved_at) for saved, message in found[:limit]]
    return SavedPage(items=items, next=str(found[limit - 1][0].id) if len(found) > limit else None)


async def _tell(session: AsyncSession, seat: ChannelSeat, user_id: UUID, message_id: UUID, *, saved: bool) -> None:
    fact = SavedUpdated(channel_id=str(seat.channel.id), message_id=str(message_id), saved=saved)
    channel = seat.channel
    event = personal(fact, user_id, workspace_id=channel.workspace_id, channel_id=channel.id)
    await record(session, event)
