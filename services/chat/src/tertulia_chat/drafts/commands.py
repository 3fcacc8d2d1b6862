"""Writing and dropping a draft.

There is one for each person and place, in a row that stays when the draft is gone. The last writer wins, by the
server's time: a late writer also loses against whoever dropped the draft after them. What a draft said before is
nowhere afterwards, neither in its row nor in the event that told it.
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import access_channel, access_thread
from tertulia_chat.drafts.queries import draft_row
from tertulia_chat.drafts.schemas import WriteDraft
from tertulia_chat.outbox import record, redact_draft
from tertulia_chat.personal import personal
from tertulia_chat.tables import ChannelRow, DraftRow, now
from tertulia_shared.events import Draft, DraftUpdated, to_milliseconds

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


async def write(session: AsyncSession, caller_id: UUID, channel_id: UUID, wish: WriteDraft) -> Draft | None:
    """The draft as it is then, which is another one when this one came too late; None: there is none.

    The same text changes nothing. Raises NotFound, ThreadNotFound.
    """
    seat = await access_channel(session, caller_id, channel_id)
    if wish.thread_id is not None:
        await access_thread(session, seat, wish.thread_id)
    row = await _hold(session, caller_id, seat.channel, wish.thread_id)
    written_at = _written_at(wish, row)
    if written_at >= row.updated_at:
        await _change(session, row, seat.channel, wish.text if wish.text.strip() else "", written_at)
    return row.view()


async def drop(session: AsyncSession, caller_id: UUID, channel_id: UUID, thread_id: UUID | None) -> None:
    """Idempotent. Raises NotFound."""
    seat = await access_channel(session, caller_id, channel_id)
    row = await session.scalar(draft_row(caller_id, channel_id, thread_id).with_for_update())
    if row is not None:
        await _change(session, row, seat.channel, "", max(now(), row.updated_at))


async def _hold(session: AsyncSession, user_id: UUID, channel: ChannelRow, thread_id: UUID | None) -> DraftRow:
    """The row, locked; a new one says that there was never anything."""
    new = DraftRow(
        user_id=user_id,
        place_id=thread_id or channel.id,
        workspace_id=channel.workspace_id,
        channel_id=channel.id,
        text="",
        updated_at=LONG_AGO,
    )
    await session.execute(insert(DraftRow).values(new.model_dump()).on_conflict_do_nothing())
    found = await session.execute(draft_row(user_id, channel.id, thread_id).with_for_update())
    return found.scalar_one()


def _written_at(wish: WriteDraft, row: DraftRow) -> datetime:
    """Never in the future. Who writes now is the last, even if another replica's clock is ahead."""
    present = now()
    if wish.updated_at is None:
        return max(present, row.updated_at)
    return to_milliseconds(min(max(wish.updated_at, LONG_AGO), present))


async def _change(session: AsyncSession, row: DraftRow, channel: ChannelRow, text: str, written_at: datetime) -> None:
    if row.text == text:
        return
    told_at, row.text, row.updated_at = row.log_id, text, written_at
    fact = DraftUpdated(
        channel_id=str(channel.id), thread_id=str(row.thread_id) if row.thread_id else None, draft=row.view()
    )
    event = personal(fact, row.user_id, workspace_id=channel.workspace_id, channel_id=channel.id)
    (place,) = await record(session, event)
    row.log_id = place if text else None
    session.add(row)
    await session.flush()
    if told_at is not None:
        await redact_draft(session, told_at)
