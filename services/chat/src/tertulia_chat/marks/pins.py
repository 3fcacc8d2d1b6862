"""Pinning messages for the channel, and the channel's pins.

Each change takes the channel's next number under its lock and tells the message as it is now, with its text: the log
knows by `pin_seq` where, so that a later edit or deletion takes it out of there too (`outbox.redact`). `pin_seq` also
orders the pins. A deleted message is unpinned (`messages/changes.py`), and its deletion is what tells it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import ChannelSeat
from tertulia_chat.errors import SystemMessage, TooManyPins
from tertulia_chat.marks.holding import hold_message
from tertulia_chat.marks.schemas import PinPage
from tertulia_chat.membership import sequenced
from tertulia_chat.notes import Note, say
from tertulia_chat.outbox import record, redact
from tertulia_chat.permissions import Permission
from tertulia_chat.tables import ChannelRow, MessageRow, now
from tertulia_shared.events import Message, MessagePinned, MessageUnpinned, SystemKind, SystemNote

MAX_PINS = 100
"""In one channel."""


async def pin(session: AsyncSession, caller_id: UUID, message_id: UUID) -> Message:
    """Idempotent: a pinned message stays the pin of whoever was first.

    Raises what `hold_message` raises, SystemMessage and TooManyPins.
    """
    row, channel = await hold_message(session, caller_id, message_id, Permission.PIN_MESSAGES)
    if row.system is not None:
        raise SystemMessage
    if row.pinned_at is None:
        if await _count(session, channel) >= MAX_PINS:
            raise TooManyPins
        row.pinned_by, row.pinned_at = caller_id, now()
        note = Note(channel, SystemNote(kind=SystemKind.PINNED, message_id=str(row.id)))
        await _tell(session, row, channel, MessagePinned, caller_id, [note])
    return row.view()


async def unpin(session: AsyncSession, caller_id: UUID, message_id: UUID) -> Message:
    """Idempotent, whoever pinned it. Raises what `hold_message` raises."""
    row, channel = await hold_message(session, caller_id, message_id, Permission.PIN_MESSAGES)
    if row.pinned_at is not None:
        row.pinned_by, row.pinned_at = None, None
        await _tell(session, row, channel, MessageUnpinned, caller_id)
    return row.view()


async def page(session: AsyncSession, seat: ChannelSeat, limit: int, before: int | None) -> PinPage:
    """The newest pin first."""
    query = (
        select(MessageRow)
        .where(col(MessageRow.channel_id) == seat.channel.id, col(MessageRow.pinned_at).is_not(None))
        .order_by(col(MessageRow.pin_seq).desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(col(MessageRow.pin_seq) < before)
    rows = list(await session.scalars(query))
    more = len(rows) > limit
    return PinPage(items=[row.view() for row in rows[:limit]], next=str(rows[limit - 1].pin_seq) if more else None)


async def _count(session: AsyncSession, channel: ChannelRow) -> int:
    query = select(func.count()).where(col(MessageRow.channel_id) == channel.id, col(MessageRow.pinned_at).is_not(None))
    return (await session.scalar(query)) or 0


async def _tell(
    session: AsyncSession,
    row: MessageRow,
    channel: ChannelRow,
    kind: type[MessagePinned] | type[MessageUnpinned],
    actor_id: UUID,
    notes: Sequence[Note] = (),
) -> None:
    _, *outdone = row.told_at  # this event tells all that an earlier pin's did
    channel.last_seq += 1
    row.pin_seq = channel.last_seq
    session.add_all([channel, row])
    message = row.view()
    event = sequenced(kind(message=message), channel, actor_id)
    said = await say(session, actor_id, notes)
    if outdone:
        await redact(session, channel.id, outdone, message)
    await record(session, event, *said)
