"""What a run gets to read: nothing but what its asker sees in that channel."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import ChannelSeat
from tertulia_chat.membership import view_channel
from tertulia_chat.runs.schemas import OpenedRun
from tertulia_chat.tables import BotRunRow, MessageRow, UserRow


async def opened(session: AsyncSession, run: BotRunRow, seat: ChannelSeat, limit: int) -> OpenedRun:
    messages = await _newest(session, run, limit)
    people = await _people(session, {run.asker_id, *(message.author_id for message in messages)})
    authors = {message.author_id for message in messages}
    answer = await session.get(MessageRow, run.message_id) if run.message_id else None
    return OpenedRun(
        run=run.view(answer.view() if answer else None),
        channel=await view_channel(session, seat.channel),
        asker=people[run.asker_id].view(),
        messages=[message.view() for message in messages],
        users=[people[author].view() for author in sorted(authors)],
    )


async def _newest(session: AsyncSession, run: BotRunRow, limit: int) -> list[MessageRow]:
    """A thread's first message is among them however long the thread is."""
    if limit == 0:
        return []
    root = await session.get(MessageRow, run.thread_id) if run.thread_id else None
    place = (
        col(MessageRow.channel_id) == run.channel_id
        if run.thread_id is None
        else col(MessageRow.thread_id) == run.thread_id
    )
    rows = await session.scalars(
        select(MessageRow)
        .where(place, col(MessageRow.deleted_at).is_(None))
        .order_by(col(MessageRow.ch_seq).desc())
        .limit(limit - (root is not None))
    )
    first = [root] if root is not None and root.deleted_at is None else []
    return [*first, *list(rows)[::-1]]


async def _people(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, UserRow]:
    rows = await session.scalars(select(UserRow).where(col(UserRow.id).in_(list(ids))))
    return {row.id: row for row in rows}
