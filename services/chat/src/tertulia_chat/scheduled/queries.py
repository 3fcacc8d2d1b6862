"""Reading scheduled messages: one to change it, and a person's list."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from tertulia_chat.access import WorkspaceSeat, access_workspace
from tertulia_chat.scheduled.schemas import ScheduledFilter, ScheduledPage
from tertulia_chat.tables import ScheduledMessageRow
from tertulia_shared.events import to_milliseconds
from tertulia_shared.problems import NotFound

_SENT = literal_column("'sent'")
"""Written out, so that a prepared statement uses the indexes of what is open and what is sent, too."""


async def hold(session: AsyncSession, scheduled_id: UUID) -> tuple[ScheduledMessageRow, datetime] | None:
    """The row, locked before anything else is, and PostgreSQL's time."""
    query = (
        select(ScheduledMessageRow, func.clock_timestamp())
        .where(col(ScheduledMessageRow.id) == scheduled_id)
        .with_for_update(key_share=True, of=ScheduledMessageRow)
    )
    found = (await session.execute(query)).one_or_none()
    return (found[0], to_milliseconds(found[1])) if found else None


async def hold_mine(session: AsyncSession, user_id: UUID, scheduled_id: UUID) -> tuple[ScheduledMessageRow, datetime]:
    """Raises NotFound for another's, and for who no longer belongs to the workspace."""
    found = await hold(session, scheduled_id)
    if found is None or found[0].author_id != user_id:
        raise NotFound
    await access_workspace(session, user_id, found[0].workspace_id)
    return found


async def count_open(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> tuple[int, datetime]:
    """How many are not sent, and PostgreSQL's time."""
    query = select(func.count(), func.clock_timestamp()).where(
        col(ScheduledMessageRow.author_id) == user_id,
        col(ScheduledMessageRow.workspace_id) == workspace_id,
        _among(ScheduledFilter.OPEN),
    )
    number, present = (await session.execute(query)).one()
    return number, to_milliseconds(present)


async def page(
    session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, which: ScheduledFilter, limit: int, before: UUID | None
) -> ScheduledPage:
    """What was scheduled last comes first: an order that sending and changing leave as it is."""
    query = (
        select(ScheduledMessageRow)
        .where(
            col(ScheduledMessageRow.author_id) == user_id,
            col(ScheduledMessageRow.workspace_id) == seat.workspace.id,
            _among(which),
        )
        .order_by(col(ScheduledMessageRow.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(col(ScheduledMessageRow.id) < before)
    rows = list(await session.scalars(query))
    return ScheduledPage(
        items=[row.view() for row in rows[:limit]], next=str(rows[limit - 1].id) if len(rows) > limit else None
    )


def _among(which: ScheduledFilter) -> ColumnElement[bool]:
    state = col(ScheduledMessageRow.state)
    return state == _SENT if which is ScheduledFilter.SENT else state != _SENT
