"""Setting, moving, completing and dropping reminders; and letting them ring.

A reminder is its person's alone and says nothing of what its message says, so nothing has to be taken back when the
message is edited or deleted, or its person no longer reads it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import access_message, access_workspace
from tertulia_chat.errors import MessageDeleted, TimeInThePast, TimeTooFar, TooManyReminders
from tertulia_chat.outbox import record
from tertulia_chat.personal import personal
from tertulia_chat.reminders.queries import count_open, hold, subject_of
from tertulia_chat.reminders.schemas import ChangeReminder
from tertulia_chat.tables import ReminderRow, UserRow
from tertulia_shared.events import Fact, Reminder, ReminderDue, ReminderState, ReminderUpdated, to_milliseconds
from tertulia_shared.problems import FieldError, NotFound

MAX_OPEN = 200
"""By person and workspace."""
LATE = timedelta(minutes=1)
"""A wish may take so long to arrive."""
AHEAD = timedelta(days=366)


async def remind(
    session: AsyncSession, caller_id: UUID, message_id: UUID, remind_at: datetime
) -> tuple[Reminder, bool]:
    """The reminder, and whether there was none of this message; the same time again changes nothing.

    Raises NotFound, MessageDeleted, TooManyReminders, TimeInThePast, TimeTooFar.
    """
    message, _ = await access_message(session, caller_id, message_id)
    if message.deleted_at is not None:
        raise MessageDeleted
    await session.execute(select(UserRow.id).where(col(UserRow.id) == caller_id).with_for_update(key_share=True))
    number, present = await count_open(session, caller_id, message.workspace_id)
    _check(remind_at, present)
    row = await _about(session, caller_id, message_id)
    new = row is None
    if row is None or row.state == ReminderState.COMPLETED:
        if number >= MAX_OPEN:
            raise TooManyReminders
        row = row or ReminderRow(
            user_id=caller_id,
            message_id=message_id,
            workspace_id=message.workspace_id,
            channel_id=message.channel_id,
            due_at=present,
            created_at=present,
        )
    elif row.state == ReminderState.PENDING and row.due_at == to_milliseconds(remind_at):
        return row.view(), False
    _wait(row, remind_at)
    return await _tell(session, row), new


async def change(session: AsyncSession, caller_id: UUID, reminder_id: UUID, wish: ChangeReminder) -> Reminder:
    """Raises NotFound, TimeInThePast, TimeTooFar."""
    row, present = await _hold_mine(session, caller_id, reminder_id)
    before = row.view()
    if wish.remind_at is not UNSET:
        _check(wish.remind_at, present)
        _wait(row, wish.remind_at)
    if wish.completed is True and row.state != ReminderState.COMPLETED:
        row.state, row.wake_at, row.completed_at = ReminderState.COMPLETED, None, present
    elif wish.completed is False and row.state == ReminderState.COMPLETED:
        _wait(row, row.due_at)
        if row.due_at <= present:
            _ring(row)
    return await _tell(session, row) if row.view() != before else before


async def drop(session: AsyncSession, caller_id: UUID, reminder_id: UUID) -> None:
    """Raises NotFound."""
    row, _ = await _hold_mine(session, caller_id, reminder_id)
    await forget(session, row)


async def forget(session: AsyncSession, row: ReminderRow) -> None:
    """Deletes the row, which the caller holds, and tells so."""
    await session.delete(row)
    await session.flush()
    await _record(session, row, ReminderUpdated(reminder_id=str(row.id), reminder=None))


async def ring_due(session: AsyncSession, reminder_id: UUID) -> None:
    """Work for a scheduler."""
    found = await hold(session, reminder_id)
    if found is None:
        return
    row, present = found
    if row.state != ReminderState.PENDING or row.due_at > present:
        return
    _ring(row)
    session.add(row)
    await session.flush()
    await _record(session, row, ReminderDue(reminder=row.view(), subject=await subject_of(session, row)))


def _wait(row: ReminderRow, due_at: datetime) -> None:
    row.due_at = row.wake_at = to_milliseconds(due_at)
    row.state, row.completed_at = ReminderState.PENDING, None


def _ring(row: ReminderRow) -> None:
    row.state, row.wake_at = ReminderState.DUE, None


def _check(at: datetime, present: datetime) -> None:
    if at < present - LATE:
        raise TimeInThePast(errors=[FieldError(detail="This has passed.", pointer="/remind_at")])
    if at > present + AHEAD:
        raise TimeTooFar(errors=[FieldError(detail="At most a year ahead.", pointer="/remind_at")])


async def _about(session: AsyncSession, caller_id: UUID, message_id: UUID) -> ReminderRow | None:
    """Locked: it may be ringing."""
    query = select(ReminderRow).where(col(ReminderRow.user_id) == caller_id, col(ReminderRow.message_id) == message_id)
    return await session.scalar(query.with_for_update(key_share=True))


async def _hold_mine(session: AsyncSession, caller_id: UUID, reminder_id: UUID) -> tuple[ReminderRow, datetime]:
    """Raises NotFound for another's, and for who no longer belongs to the workspace."""
    found = await hold(session, reminder_id)
    if found is None or found[0].user_id != caller_id:
        raise NotFound
    await access_workspace(session, caller_id, found[0].workspace_id)
    return found


async def _tell(session: AsyncSession, row: ReminderRow) -> Reminder:
    session.add(row)
    await session.flush()
    reminder = row.view()
    await _record(session, row, ReminderUpdated(reminder_id=reminder.id, reminder=reminder))
    return reminder


async def _record(session: AsyncSession, row: ReminderRow, fact: Fact) -> None:
    event = personal(fact, row.user_id, workspace_id=row.workspace_id, channel_id=row.channel_id)
    await record(session, event)
