"""When a scheduled message is sent: what its author wishes, and where that leads in its row."""

from datetime import UTC, datetime, timedelta

from tertulia_chat.errors import RecurrenceOver, TimeInThePast, TimeTooFar
from tertulia_chat.scheduled.recurrence import Place, Recurring, Times
from tertulia_chat.scheduled.schemas import WishedRecurrence
from tertulia_chat.tables import ScheduledMessageRow
from tertulia_shared.events import ScheduledState, to_milliseconds
from tertulia_shared.problems import FieldError, ValidationFailed

LATE = timedelta(minutes=1)
"""A wish may take so long to arrive."""
AHEAD = timedelta(days=366)


def put_when(
    row: ScheduledMessageRow, send_at: datetime | None, recurrence: WishedRecurrence | None, present: datetime
) -> None:
    """Raises TimeInThePast, TimeTooFar, RecurrenceInvalid, RecurrenceOver, TimezoneUnknown, ValidationFailed."""
    if (send_at is None) == (recurrence is None):
        raise ValidationFailed(errors=[FieldError(detail="Either send_at or recurrence.", pointer="/send_at")])
    if send_at is not None:
        _check(send_at, present, "/send_at")
        row.rrule = row.timezone = row.starts_at = row.anchor = row.remaining = None
        wake(row, to_milliseconds(send_at))
    elif recurrence is not None:
        _put_recurrence(row, recurrence, present)


def resume(row: ScheduledMessageRow, present: datetime) -> None:
    """Go on with the next occurrence. Raises RecurrenceOver."""
    if not go_on(row, around(row, present, since=present)):
        raise RecurrenceOver


def go_on(row: ScheduledMessageRow, times: Times | None) -> bool:
    """Wait for the occurrence that follows. False: there is none."""
    if times is None or times.following is None:
        return False
    row.anchor, row.remaining = times.place.anchor, times.place.remaining
    wake(row, times.following)
    return True


def around(row: ScheduledMessageRow, present: datetime, *, since: datetime) -> Times | None:
    """None: it is sent once."""
    recurrence = row.view_recurrence()
    if recurrence is None or row.anchor is None:
        return None
    recurring = Recurring.parse(recurrence.rrule, recurrence.timezone)
    return recurring.around(present, since=since, place=Place(row.anchor, row.remaining))


def wake(row: ScheduledMessageRow, due_at: datetime) -> None:
    row.due_at = row.wake_at = due_at
    row.state, row.error = ScheduledState.SCHEDULED, None


def rest(row: ScheduledMessageRow, state: ScheduledState, error: str | None = None) -> None:
    """No scheduler looks at it."""
    row.state, row.error, row.wake_at = state, error, None


def _put_recurrence(row: ScheduledMessageRow, wish: WishedRecurrence, present: datetime) -> None:
    _check(wish.starts_at, present, "/recurrence/starts_at")
    starts_at = wish.starts_at.astimezone(UTC).replace(microsecond=0)
    recurring = Recurring.parse(wish.rrule, wish.timezone)
    times = recurring.begin(starts_at)
    if times.following is not None and times.following > present + AHEAD:
        raise _too_far("/recurrence/rrule")
    row.rrule, row.timezone, row.starts_at = recurring.rule.text, wish.timezone, starts_at
    if not go_on(row, times):
        raise RecurrenceOver(errors=[FieldError(detail="It names no time.", pointer="/recurrence/rrule")])


def _check(at: datetime, present: datetime, pointer: str) -> None:
    if at < present - LATE:
        raise TimeInThePast(errors=[FieldError(detail="This has passed.", pointer=pointer)])
    if at > present + AHEAD:
        raise _too_far(pointer)


def _too_far(pointer: str) -> TimeTooFar:
    return TimeTooFar(errors=[FieldError(detail="At most a year ahead.", pointer=pointer)])
