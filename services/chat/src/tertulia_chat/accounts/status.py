"""What people say of themselves for a while, how they want to appear, and when they are left alone.

What is for a while ends by itself: nobody shows what is over (`UserRow.view_status`), so there is nothing to sweep and
no event at the end. A repetition changes nothing and tells nothing.
"""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from msgspec import UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.accounts import queries
from tertulia_chat.accounts.commands import tell_everybody, tell_myself
from tertulia_chat.accounts.schemas import SetPresence, SetQuietHours
from tertulia_chat.clocks import checked_zone
from tertulia_chat.emoji import checked_emoji
from tertulia_chat.tables import UserRow, now
from tertulia_shared.events import PresenceSettings, PresenceUpdated, Status, to_milliseconds
from tertulia_shared.problems import FieldError, ValidationFailed

LONGEST = timedelta(days=366)


async def put_status(
    session: AsyncSession, user_id: UUID, *, emoji: str | None, text: str, until: datetime | None
) -> Status | None:
    """Replaces the one before. Raises ValidationFailed. None only if it ended in this very moment."""
    status = Status(
        emoji=None if emoji is None else checked_emoji(emoji, pointer="/emoji"),
        text=text.strip(),
        until=checked_end(until, "/until"),
    )
    if not status.emoji and not status.text:
        raise ValidationFailed(errors=[FieldError(detail="An emoji or a text.", pointer="/text")])
    row = await queries.myself(session, user_id, lock=True)
    await _store(session, row, status)
    return row.view_status()


async def drop_status(session: AsyncSession, user_id: UUID) -> None:
    """Idempotent."""
    await _store(session, await queries.myself(session, user_id, lock=True), None)


async def _store(session: AsyncSession, row: UserRow, status: Status | None) -> None:
    if row.view_status() == status:
        return
    row.status_emoji = status.emoji if status else None
    row.status_text = status.text if status else ""
    row.status_until = status.until if status else None
    session.add(row)
    await session.flush()
    await tell_everybody(session, row)


async def put_presence(session: AsyncSession, user_id: UUID, wish: SetPresence) -> PresenceSettings:
    """What is UNSET stays. Only the person's own devices hear of it. Raises ValidationFailed, TimezoneUnknown."""
    row = await queries.myself(session, user_id, lock=True)
    before = row.view_presence()
    if not isinstance(wish.state, UnsetType):
        row.presence = wish.state
    if not isinstance(wish.dnd_until, UnsetType):
        row.dnd_until = checked_end(wish.dnd_until, "/dnd_until")
    if not isinstance(wish.time_zone, UnsetType):
        row.time_zone = checked_zone(wish.time_zone, "/time_zone").key
    if not isinstance(wish.quiet_hours, UnsetType):
        row.quiet_starts, row.quiet_ends = _checked_hours(wish.quiet_hours, row.time_zone)
    settings = row.view_presence()
    if settings != before:
        session.add(row)
        await session.flush()
        await tell_myself(session, row, PresenceUpdated(user_id=str(user_id), presence=settings))
    return settings


def _checked_hours(hours: SetQuietHours | None, zone: str | None) -> tuple[time, time] | tuple[None, None]:
    """Raises ValidationFailed: the hours are counted in the person's time zone, and no day is quiet altogether."""
    if hours is None:
        return None, None
    if zone is None:
        raise ValidationFailed(errors=[FieldError(detail="In which time zone?", pointer="/time_zone")])
    if hours.starts == hours.ends:
        raise ValidationFailed(errors=[FieldError(detail="Another time than `starts`.", pointer="/quiet_hours/ends")])
    return time.fromisoformat(hours.starts), time.fromisoformat(hours.ends)


def checked_end(end: datetime | None, pointer: str) -> datetime | None:
    """In UTC, as it is stored. Raises ValidationFailed unless it lies ahead, and not too far."""
    if end is None:
        return None
    if not now() < end <= now() + LONGEST:
        raise ValidationFailed(errors=[FieldError(detail="In the future, at most a year away.", pointer=pointer)])
    return to_milliseconds(end.astimezone(UTC))
