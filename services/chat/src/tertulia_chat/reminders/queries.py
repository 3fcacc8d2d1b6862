"""Reading reminders: one to change it, what there is of its message, and a person's list."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from tertulia_chat.access import WorkspaceSeat, may_read
from tertulia_chat.reminders.schemas import ListedReminder, ReminderFilter, ReminderPage
from tertulia_chat.tables import MessageRow, ReminderRow
from tertulia_shared.events import ReminderSubject, to_milliseconds

_COMPLETED = literal_column("'completed'")
"""Written out, so that a prepared statement uses the indexes of what is open and what is completed, too."""


async def hold(session: AsyncSession, reminder_id: UUID) -> tuple[ReminderRow, datetime] | None:
    """The row, locked, and PostgreSQL's time."""
    query = (
        select(ReminderRow, func.clock_timestamp())
        .where(col(ReminderRow.id) == reminder_id)
        .with_for_update(key_share=True, of=ReminderRow)
    )
    found = (await session.execute(query)).one_or_none()
    return (found[0], to_milliseconds(found[1])) if found else None


async def count_open(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> tuple[int, datetime]:
    """How many are not completed, and PostgreSQL's time."""
    query = select(func.count(), func.clock_timestamp()).where(
        col(ReminderRow.user_id) == user_id,
        col(ReminderRow.workspace_id) == workspace_id,
        _among(ReminderFilter.OPEN),
    )
    number, present = (await session.execute(query)).one()
    return number, to_milliseconds(present)


async def subject_of(session: AsyncSession, row: ReminderRow) -> ReminderSubject:
    query = select(MessageRow, may_read(row.user_id, col(MessageRow.channel_id))).where(
        col(MessageRow.id) == row.message_id
    )
    message, readable = (await session.execute(query)).one()
    return _subject(message, readable=readable)


async def page(
    session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, which: ReminderFilter, limit: int, before: UUID | None
) -> ReminderPage:
    """What was set last comes first: an order that ringing and changing leave as it is."""
    query = (
        select(ReminderRow, MessageRow, may_read(user_id, col(ReminderRow.channel_id)))
        .join(MessageRow, col(MessageRow.id) == col(ReminderRow.message_id))
        .where(
            col(ReminderRow.user_id) == user_id,
            col(ReminderRow.workspace_id) == seat.workspace.id,
            _among(which),
        )
        .order_by(col(ReminderRow.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(col(ReminderRow.id) < before)
    found = list(await session.execute(query))
    return ReminderPage(
        items=[_listed(row, message, readable=readable) for row, message, readable in found[:limit]],
        next=str(found[limit - 1][0].id) if len(found) > limit else None,
    )


def _listed(row: ReminderRow, message: MessageRow, *, readable: bool) -> ListedReminder:
    subject = _subject(message, readable=readable)
    return ListedReminder(
        reminder=row.view(), subject=subject, message=message.view() if subject is ReminderSubject.THERE else None
    )


def _subject(message: MessageRow, *, readable: bool) -> ReminderSubject:
    """Whether what is hidden was deleted is hidden, too."""
    if not readable:
        return ReminderSubject.HIDDEN
    return ReminderSubject.THERE if message.deleted_at is None else ReminderSubject.DELETED


def _among(which: ReminderFilter) -> ColumnElement[bool]:
    state = col(ReminderRow.state)
    return state == _COMPLETED if which is ReminderFilter.COMPLETED else state != _COMPLETED
