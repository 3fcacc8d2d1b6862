"""All messages, for whoever builds a projection of them."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.projections.schemas import ExportedMessages, MessageCount, MessageCounts
from tertulia_chat.tables import DeletedChannelRow, MessageRow
from tertulia_shared.events import Message

AT_ONCE = 500
"""Rows between two looks at the event loop: others are served by it too."""

# Of a deleted channel nothing is told, whether it was removed already or not.
_THERE = ~(
    select(DeletedChannelRow)
    .where(col(DeletedChannelRow.channel_id) == col(MessageRow.channel_id))
    .correlate(MessageRow)
    .exists()
)
_LONG = sa.text("SET LOCAL statement_timeout = '60s'")


async def export(session: AsyncSession, after: UUID | None, limit: int) -> ExportedMessages:
    """The next ones by id. Ids roughly follow time: one that is sent meanwhile may be missed and comes as an event."""
    query = select(MessageRow).where(_THERE).order_by(col(MessageRow.id)).limit(limit + 1)
    if after is not None:
        query = query.where(col(MessageRow.id) > after)
    items: list[Message] = []
    async for row in await session.stream_scalars(query.execution_options(yield_per=AT_ONCE)):
        items.append(row.view())
    more = len(items) > limit
    return ExportedMessages(items=items[:limit], next=items[limit - 1].id if more else None)


async def counts(session: AsyncSession) -> MessageCounts:
    await session.execute(_LONG)
    query = (
        select(col(MessageRow.workspace_id), sa.func.count())
        .where(col(MessageRow.deleted_at).is_(None), col(MessageRow.system).is_(None), _THERE)
        .group_by(col(MessageRow.workspace_id))
        .order_by(col(MessageRow.workspace_id))
    )
    found = await session.execute(query)
    return MessageCounts(items=[MessageCount(workspace_id=str(place), messages=number) for place, number in found])
