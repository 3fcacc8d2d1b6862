"""Editing, deleting and restoring messages.

Each takes the channel's next number under its lock and tells the message as it is now; the message keeps the number it
was sent with. What the message said before is afterwards neither in its row, nor in the log (`outbox.redact`), nor in
what the bot's answers and runs repeat of it (`erasure`); it is where the workspace keeps it, and nowhere else
(`history`).

Who may not is told so before anything is locked, and asked again once it is.
"""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import ChannelSeat, access_message
from tertulia_chat.audit import Action, Entry, Target, note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.database import Database
from tertulia_chat.errors import ChannelArchived, MessageDeleted, Muted, NotRestorable, SystemMessage
from tertulia_chat.membership import lock_channels, sequenced
from tertulia_chat.messages import history
from tertulia_chat.messages.erasure import (
    Repeated,
    forget_run,
    hold_message,
    in_one_go,
    lock_messages,
    quoted_elsewhere,
    silence,
)
from tertulia_chat.messages.reading import read
from tertulia_chat.messages.resolve import resolve
from tertulia_chat.messages.taken import Taken, take
from tertulia_chat.notices import give_notice
from tertulia_chat.outbox import record, redact
from tertulia_chat.permissions import Permission
from tertulia_chat.replies import summary_now
from tertulia_chat.tables import ChannelRow, MessageRow, NoticeRow, now
from tertulia_shared import events
from tertulia_shared.events import Fact, Message
from tertulia_shared.problems import Forbidden


async def edit(database: Database, caller_id: UUID, message_id: UUID, text: str) -> Message:
    """The same text changes nothing.

    Raises NotFound, Forbidden, SystemMessage, NotAMember, Muted, MessageDeleted, ChannelArchived,
    DependencyUnavailable.
    """
    return await in_one_go(database, lambda session: _edit(session, caller_id, message_id, text))


async def delete(database: Database, caller_id: UUID, message_id: UUID, reason: str = "") -> Message:
    """Idempotent; the row stays, without text and marks. Works in archived channels too: erasing is always possible.

    Who deletes somebody else's says why: it is told to the author and kept in the audit log. Raises NotFound,
    Forbidden, DependencyUnavailable.
    """
    return await in_one_go(database, lambda session: _delete(session, caller_id, message_id, reason))


async def restore(session: AsyncSession, caller_id: UUID, message_id: UUID) -> Message:
    """Undoes a deletion: the message is as it was before, with its reactions and pin. One that is not deleted stays as
    it is.

    What the bot repeated of it stays empty. Raises NotFound, Forbidden, Muted, NotRestorable, UndoExpired,
    ChannelArchived.
    """
    row, seat = await access_message(session, caller_id, message_id)
    _require_may_restore(caller_id, row, seat)
    row, seat = await access_message(session, caller_id, message_id, lock=True)
    _require_may_restore(caller_id, row, seat)
    if row.deleted_at is not None:
        await _bring_back(session, caller_id, row, seat.channel)
    return row.view()


async def _edit(session: AsyncSession, caller_id: UUID, message_id: UUID, text: str) -> Message:
    row, seat = await access_message(session, caller_id, message_id)
    _require_may_edit(caller_id, row, seat)
    policy = await history.hold_policy(session, row.workspace_id)
    row, seat, repeated = await hold_message(session, caller_id, message_id)
    _require_may_edit(caller_id, row, seat)
    if row.text != text:
        at = now()
        await history.keep_former(session, row, policy, caller_id, at)
        reading = read(text)
        if not seat.may(Permission.MENTION_EVERYONE):
            reading = reading.without_audience()
        read_out = await resolve(session, row.workspace_id, caller_id, reading)
        row.text, row.edited_at = text, at
        read_out.put_on(row)
        await _change(session, caller_id, row, seat.channel, repeated)
    return row.view()


async def _delete(session: AsyncSession, caller_id: UUID, message_id: UUID, reason: str) -> Message:
    row, seat = await access_message(session, caller_id, message_id)
    _require_may_delete(caller_id, row, seat)
    policy = await history.hold_policy(session, row.workspace_id)
    row, seat, repeated = await hold_message(session, caller_id, message_id)
    _require_may_delete(caller_id, row, seat)
    if row.deleted_at is None:
        at, length = now(), len(row.text)
        await history.keep_deleted(session, row, policy, caller_id, at)
        run_id = row.ai["run_id"] if row.ai else None
        row.text, row.ai, row.deleted_at = "", None, at
        take(row)
        await _change(session, caller_id, row, seat.channel, repeated)
        if run_id is not None:
            await forget_run(session, run_id)
        if row.author_id != caller_id or row.system is not None:
            await _account_for(session, caller_id, row, length, reason)
    return row.view()


def _require_may_edit(caller_id: UUID, row: MessageRow, seat: ChannelSeat) -> None:
    if row.system is not None:
        raise SystemMessage
    if row.author_id != caller_id:
        raise Forbidden("Only who wrote a message edits it.")
    if row.forwarded is not None:
        raise Forbidden("The words of a forwarded message are somebody else's.")
    seat.require_unmuted()
    if row.deleted_at is not None:
        raise MessageDeleted
    if seat.channel.archived_at is not None:
        raise ChannelArchived


def _require_may_delete(caller_id: UUID, row: MessageRow, seat: ChannelSeat) -> None:
    if row.author_id != caller_id or row.system is not None:
        seat.require_permission(Permission.DELETE_MESSAGES)


def _require_may_restore(caller_id: UUID, row: MessageRow, seat: ChannelSeat) -> None:
    """It says the message again."""
    _require_may_delete(caller_id, row, seat)
    if seat.muted_until is not None:
        raise Muted(seat.muted_until)


async def _account_for(session: AsyncSession, actor_id: UUID, row: MessageRow, length: int, reason: str) -> None:
    """Somebody else's message was deleted: its author is told, and the audit log. What a channel says is nobody's."""
    if row.author_id != BOT_ID and row.system is None:
        notice = NoticeRow(
            user_id=row.author_id,
            workspace_id=row.workspace_id,
            channel_id=row.channel_id,
            message_id=row.id,
            kind=events.NoticeKind.MESSAGE_DELETED,
            reason=reason,
        )
        await give_notice(session, notice)
    entry = Entry(
        workspace_id=row.workspace_id,
        actor_id=actor_id,
        action=Action.MESSAGE_DELETED,
        target_type=Target.MESSAGE,
        target_id=row.id,
        channel_id=row.channel_id,
        before={"author_id": str(row.author_id), "length": length},
        reason=reason or None,
    )
    await note(session, entry)


async def _bring_back(session: AsyncSession, caller_id: UUID, row: MessageRow, channel: ChannelRow) -> None:
    if row.author_id == BOT_ID:
        raise NotRestorable
    taken = await history.deletion_of(session, row)
    if taken.replaced_by != caller_id:
        raise Forbidden("Only who deleted a message brings it back.")
    if channel.archived_at is not None:
        raise ChannelArchived
    row.text, row.deleted_at = taken.text, None
    msgspec.convert(taken.read_out, Taken).put_on(row)
    await session.delete(taken)
    await _tell(session, channel, row, caller_id, back=True)


async def _change(
    session: AsyncSession, caller_id: UUID, row: MessageRow, channel: ChannelRow, repeated: Repeated
) -> None:
    await _tell_instead(session, channel, row, caller_id)
    if repeated.nowhere:
        return
    channels = {channel.id: channel for channel in await lock_channels(session, set(repeated.answers.values()))}
    for answer in await silence(session, row.id, repeated):
        await _tell_instead(session, channels[answer.channel_id], answer, caller_id)


async def unquote(session: AsyncSession, channel_id: UUID, ids: list[UUID]) -> bool:
    """Before messages of a deleted channel go for good: locks them, and takes their words out of answers elsewhere,
    which is told. False: an answer appeared in a channel that is not locked; try again in another transaction.

    In the order of `hold_message`: first the channels of the answers, then the messages.
    """
    known = await quoted_elsewhere(session, channel_id, ids)
    places = {place for repeated in known.values() for place in repeated.answers.values()}
    channels = {channel.id: channel for channel in await lock_channels(session, places)} if places else {}
    await lock_messages(session, {*ids, *(answer for repeated in known.values() for answer in repeated.answers)})
    for message_id, repeated in (await quoted_elsewhere(session, channel_id, ids)).items():
        if not repeated.answers.keys() <= known.get(message_id, Repeated({}, asked=False)).answers.keys():
            return False
        for answer in await silence(session, message_id, repeated):
            await _tell_instead(session, channels[answer.channel_id], answer, BOT_ID)
    return True


async def _tell_instead(session: AsyncSession, channel: ChannelRow, row: MessageRow, actor_id: UUID) -> None:
    """What told the message so far loses its words. Its row is written once, with the number that tells it."""
    with session.no_autoflush:
        await redact(session, channel.id, row.told_at, row.view())
    await _tell(session, channel, row, actor_id)


async def _tell(
    session: AsyncSession, channel: ChannelRow, row: MessageRow, actor_id: UUID, *, back: bool = False
) -> None:
    """A reply that goes or comes `back` changes what stands under its thread's first message."""
    channel.last_seq += 1
    row.changed_seq = channel.last_seq
    session.add_all([channel, row])
    await session.flush()
    thread = await summary_now(session, row) if back or row.deleted_at is not None else None
    message = row.view()
    if row.deleted_at is None:
        fact: Fact = events.MessageUpdated(message=message, thread=thread)
    else:
        fact = events.MessageDeleted(message=message, thread=thread)
    await record(session, sequenced(fact, channel, actor_id))
