"""Taking over messages that were written elsewhere or earlier: demo data now, other systems later.

They go the way of every change: the channel's next numbers under its lock, rows, events, one transaction.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import hold_seats
from tertulia_chat.database import Database
from tertulia_chat.membership import lock_channels, sequenced
from tertulia_chat.messages.reading import read
from tertulia_chat.messages.resolve import resolve
from tertulia_chat.messages.schemas import ImportedMessage, ImportResult
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import ChannelRow, MessageRow, new_id
from tertulia_shared.events import MessageCreated, to_milliseconds
from tertulia_shared.problems import DependencyUnavailable, FieldError, NotFound, ValidationFailed

ATTEMPTS = 4
"""One is enough unless an author sends one of these messages to another channel at the same moment."""


async def take_over(database: Database, channel_id: UUID, messages: Sequence[ImportedMessage]) -> ImportResult:
    """Idempotent by author and `client_msg_id`.

    Raises NotFound, DependencyUnavailable; ValidationFailed for an author who is no member.
    """
    for _ in range(ATTEMPTS):
        try:
            async with database.transaction() as session:
                return await _take_over(session, channel_id, messages)
        except IntegrityError:
            continue
    raise DependencyUnavailable("The authors are sending the same messages.")


async def _take_over(session: AsyncSession, channel_id: UUID, messages: Sequence[ImportedMessage]) -> ImportResult:
    workspace_id = await session.scalar(select(ChannelRow.workspace_id).where(col(ChannelRow.id) == channel_id))
    if workspace_id is None:
        raise NotFound
    await _check_authors(session, workspace_id, messages)
    (channel,) = await lock_channels(session, [channel_id])
    fresh = await _fresh(session, messages)
    texts = [await resolve(session, workspace_id, message.author_id, read(message.text)) for message in fresh]
    events: list[NewEvent] = []
    for message, read_out in zip(fresh, texts, strict=True):
        channel.last_seq += 1
        channel.last_msg_seq = channel.last_seq
        row = MessageRow(
            id=new_id(),
            workspace_id=workspace_id,
            channel_id=channel_id,
            ch_seq=channel.last_seq,
            author_id=message.author_id,
            client_msg_id=message.client_msg_id,
            text=message.text,
            created_at=to_milliseconds(message.created_at),
        )
        read_out.put_on(row)
        session.add(row)
        events.append(sequenced(MessageCreated(message=row.view()), channel, message.author_id))
    session.add(channel)
    await session.flush()
    await record(session, *events)
    return ImportResult(imported=len(fresh), skipped=len(messages) - len(fresh), last_seq=channel.last_seq)


async def _check_authors(session: AsyncSession, workspace_id: UUID, messages: Sequence[ImportedMessage]) -> None:
    members = {user.id for user in await hold_seats(session, workspace_id, {message.author_id for message in messages})}
    errors: list[FieldError] = []
    for index, message in enumerate(messages):
        if message.author_id not in members:
            errors.append(FieldError(detail="Not a member of the workspace.", pointer=f"/messages/{index}/author_id"))
        if message.created_at.tzinfo is None:
            errors.append(FieldError(detail="Without a time zone.", pointer=f"/messages/{index}/created_at"))
    if errors:
        raise ValidationFailed(errors=errors)


async def _fresh(session: AsyncSession, messages: Sequence[ImportedMessage]) -> list[ImportedMessage]:
    """Without those that are stored, and without repetitions within the list."""
    query = select(MessageRow.author_id, MessageRow.client_msg_id).where(
        col(MessageRow.client_msg_id).in_([message.client_msg_id for message in messages])
    )
    known = {(author_id, key) for author_id, key in await session.execute(query)}
    fresh: list[ImportedMessage] = []
    for message in messages:
        key = (message.author_id, message.client_msg_id)
        if key not in known:
            known.add(key)
            fresh.append(message)
    return fresh
