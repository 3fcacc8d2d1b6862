"""What people say of themselves for a while, how they want to appear, and until when they are left alone.

Everything here ends by itself: nobody shows what is over (`UserRow.view_status`), so there is nothing to sweep and no
event at the end. A repetition changes nothing and tells nothing.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.accounts import queries
from tertulia_chat.accounts.commands import tell_everybody, tell_myself
from tertulia_chat.emoji import checked_emoji
from tertulia_chat.tables import UserRow, now
from tertulia_shared.events import PresenceSettings, PresenceUpdated, PresenceWish, Status, to_milliseconds
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


async def put_presence(
    session: AsyncSession,
    user_id: UUID,
    *,
    state: PresenceWish | UnsetType = UNSET,
    dnd_until: datetime | UnsetType | None = UNSET,
) -> PresenceSettings:
    """What is UNSET stays. Only the person's own devices hear of it. Raises ValidationFailed."""
    end = dnd_until if isinstance(dnd_until, UnsetType) else checked_end(dnd_until, "/dnd_until")
    row = await queries.myself(session, user_id, lock=True)
    before = row.view_presence()
    if not isinstance(state, UnsetType):
        row.presence = state
    if not isinstance(end, UnsetType):
        row.dnd_until = end
    settings = row.view_presence()
    if settings != before:
        session.add(row)
        await session.flush()
        await tell_myself(session, row, PresenceUpdated(user_id=str(user_id), presence=settings))
    return settings


def checked_end(end: datetime | None, pointer: str) -> datetime | None:
    """In UTC, as it is stored. Raises ValidationFailed unless it lies ahead, and not too far."""
    if end is None:
        return None
    if not now() < end <= now() + LONGEST:
        raise ValidationFailed(errors=[FieldError(detail="In the future, at most a year away.", pointer=pointer)])
    return to_milliseconds(end.astimezone(UTC))
