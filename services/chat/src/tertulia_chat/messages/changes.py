"""Editing and deleting messages.

Each takes the channel's next number under its lock and tells the message as it is now; the message keeps the number it
was sent with. What the message said before is nowhere afterwards: not in its row, not in the log (`outbox.redact`), and
not in what the bot's answers and runs repeat of it (`erasure`).

Who may not is told so before anything is locked, and asked again once it is.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import ChannelSeat, access_message
from tertulia_chat.errors import ChannelArchived, MessageDeleted
from tertulia_chat.membership import lock_channels, sequenced
from tertulia_chat.messages.erasure import forget_run, hold_message, silence
from tertulia_chat.outbox import record, redact
from tertulia_chat.tables import ChannelRow, MessageRow, now
from tertulia_shared import events
from tertulia_shared.events import Message, Role
from tertulia_shared.problems import Forbidden


async def edit(session: AsyncSession, caller_id: UUID, message_id: UUID, text: str) -> Message:
    """The same text changes nothing. Raises NotFound, Forbidden, NotAMember, MessageDeleted, ChannelArchived."""
    row, seat = await access_message(session, caller_id, message_id)
    _require_may_edit(caller_id, row, seat)
    row, seat, answers = await hold_message(session, caller_id, message_id)
    _require_may_edit(caller_id, row, seat)
    if row.text != text:
        row.text, row.edited_at = text, now()
        await _change(session, caller_id, row, seat.channel, answers)
    return row.view()


async def delete(session: AsyncSession, caller_id: UUID, message_id: UUID) -> Message:
    """Idempotent; the row stays, without text and marks. Works in archived channels too: erasing is always possible.

    Raises NotFound, Forbidden.
    """
    row, seat = await access_message(session, caller_id, message_id)
    _require_may_delete(caller_id, row, seat)
    row, seat, answers = await hold_message(session, caller_id, message_id)
    _require_may_delete(caller_id, row, seat)
    if row.deleted_at is None:
        run_id = row.ai["run_id"] if row.ai else None
        row.text, row.ai, row.deleted_at = "", None, now()
        row.reactions, row.pinned_by, row.pinned_at = [], None, None
        await _change(session, caller_id, row, seat.channel, answers)
        if run_id is not None:
            await forget_run(session, run_id)
    return row.view()


def _require_may_edit(caller_id: UUID, row: MessageRow, seat: ChannelSeat) -> None:
    if row.author_id != caller_id:
        raise Forbidden("Only who wrote a message edits it.")
    seat.require_member()
    if row.deleted_at is not None:
        raise MessageDeleted
    if seat.channel.archived_at is not None:
        raise ChannelArchived


def _require_may_delete(caller_id: UUID, row: MessageRow, seat: ChannelSeat) -> None:
    if row.author_id != caller_id and seat.role not in (Role.ADMIN, Role.OWNER):
        raise Forbidden("Only who wrote a message and admins delete it.")


async def _change(
    session: AsyncSession, caller_id: UUID, row: MessageRow, channel: ChannelRow, answers: dict[UUID, UUID]
) -> None:
    await _tell(session, channel, row, caller_id)
    channels = {channel.id: channel for channel in await lock_channels(session, set(answers.values()))}
    for answer in await silence(session, row.id, answers):
        await _tell(session, channels[answer.channel_id], answer, caller_id)


async def _tell(session: AsyncSession, channel: ChannelRow, row: MessageRow, actor_id: UUID) -> None:
    told_at = row.told_at
    channel.last_seq += 1
    row.changed_seq = channel.last_seq
    session.add_all([channel, row])
    await session.flush()
    message = row.view()
    await redact(session, channel.id, told_at, message)
    deleted = row.deleted_at is not None
    fact = events.MessageDeleted(message=message) if deleted else events.MessageUpdated(message=message)
    await record(session, sequenced(fact, channel, actor_id))
