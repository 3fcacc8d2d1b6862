"""Forwarding a message: a new one by who forwards it, with the text of the original and where that comes from.

It is said to nobody in particular: who was mentioned by the original is not told again. It stays when the original is
edited or deleted, as though it had been copied by hand. The original's channel is locked with the target, so that what
is forwarded is what the message says, and that its author may still read it, when it is posted.
"""

from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import ChannelSeat, access_channel, access_message, access_thread
from tertulia_chat.database import Database
from tertulia_chat.errors import ChannelArchived, ClientMsgIdReused, MessageDeleted, SystemMessage
from tertulia_chat.membership import sequenced
from tertulia_chat.messages.reading import read
from tertulia_chat.messages.resolve import resolve
from tertulia_chat.messages.schemas import ForwardMessage
from tertulia_chat.outbox import record
from tertulia_chat.permissions import Permission
from tertulia_chat.replies import summary_with
from tertulia_chat.slow_mode import take_turn
from tertulia_chat.tables import MessageRow, new_id, now
from tertulia_shared.events import Message, MessageCreated, Origin
from tertulia_shared.problems import DependencyUnavailable, Forbidden

ATTEMPTS = 4
"""One is enough unless the caller sends with the same `client_msg_id` to another channel at the same moment."""


async def forward(database: Database, caller_id: UUID, message_id: UUID, wish: ForwardMessage) -> tuple[Message, bool]:
    """The new message, and whether it is new.

    Raises NotFound, Forbidden, SystemMessage, NotAMember, Muted, PostingRestricted, MessageDeleted, ChannelArchived,
    ThreadNotFound, SlowMode, ClientMsgIdReused, DependencyUnavailable.
    """
    for _ in range(ATTEMPTS):
        try:
            async with database.transaction() as session:
                return await _forward(session, caller_id, message_id, wish)
        except IntegrityError:
            continue
    raise DependencyUnavailable("The same message is being sent.")


async def _forward(
    session: AsyncSession, caller_id: UUID, message_id: UUID, wish: ForwardMessage
) -> tuple[Message, bool]:
    original, source = await access_message(session, caller_id, message_id)
    target = await access_channel(session, caller_id, wish.channel_id)
    if source.channel.workspace_id != target.channel.workspace_id:
        raise Forbidden("What was said in a workspace is forwarded within it.")
    original, _ = await access_message(session, caller_id, message_id, lock=True, beside=[wish.channel_id])
    target = await access_channel(session, caller_id, wish.channel_id)
    first = await _sent_before(session, caller_id, wish.client_msg_id)
    if first is not None:
        return _first_one(first, original, wish), False
    await _require_may_forward(session, original, target, wish)
    return await _post(session, caller_id, original, target, wish), True


async def _require_may_forward(
    session: AsyncSession, original: MessageRow, target: ChannelSeat, wish: ForwardMessage
) -> None:
    target.require_poster()
    if original.system is not None:
        raise SystemMessage
    if original.deleted_at is not None:
        raise MessageDeleted
    if target.channel.archived_at is not None:
        raise ChannelArchived
    if wish.thread_id is not None:
        await access_thread(session, target, wish.thread_id)
    if not target.may(Permission.SET_SLOW_MODE):
        await take_turn(session, target.channel, target.require_member().user_id)


async def _post(
    session: AsyncSession, caller_id: UUID, original: MessageRow, target: ChannelSeat, wish: ForwardMessage
) -> Message:
    channel = target.channel
    read_out = await resolve(session, channel.workspace_id, caller_id, read(original.text).unaddressed())
    channel.last_seq += 1
    channel.last_msg_seq = channel.last_seq
    row = MessageRow(
        id=new_id(),
        workspace_id=channel.workspace_id,
        channel_id=channel.id,
        ch_seq=channel.last_seq,
        author_id=caller_id,
        client_msg_id=wish.client_msg_id,
        text=original.text,
        thread_id=wish.thread_id,
        created_at=now(),
        forwarded=original.forwarded or _origin(original),
    )
    read_out.put_on(row)
    session.add_all([channel, row])
    await session.flush()
    thread, followers = await summary_with(session, row)
    message = row.view()
    await record(session, *followers, sequenced(MessageCreated(message=message, thread=thread), channel, caller_id))
    return message


def _origin(original: MessageRow) -> dict[str, object]:
    origin = Origin(
        message_id=str(original.id),
        channel_id=str(original.channel_id),
        ch_seq=original.ch_seq,
        author_id=str(original.author_id),
        created_at=original.created_at,
    )
    return msgspec.to_builtins(origin)


async def _sent_before(session: AsyncSession, caller_id: UUID, client_msg_id: UUID) -> MessageRow | None:
    query = select(MessageRow).where(
        col(MessageRow.author_id) == caller_id, col(MessageRow.client_msg_id) == client_msg_id
    )
    return await session.scalar(query.execution_options(populate_existing=True))


def _first_one(first: MessageRow, original: MessageRow, wish: ForwardMessage) -> Message:
    """As it is now. Raises ClientMsgIdReused when it was something else that was sent."""
    origin = original.forwarded or _origin(original)
    if (first.channel_id, first.thread_id, first.forwarded) != (wish.channel_id, wish.thread_id, origin):
        raise ClientMsgIdReused
    return first.view()
