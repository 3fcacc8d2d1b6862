"""Ending sessions: once, and told to the services that act on it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, update

from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import SessionRow, now
from tertulia_shared.events import RevokeReason, SessionRevoked


async def revoke(session: AsyncSession, row: SessionRow, reason: RevokeReason) -> None:
    """End a session, once."""
    if row.revoked_at is not None:
        return
    row.revoked_at, row.revoked_reason = now(), reason
    session.add(row)
    await session.flush()
    await record(session, _revoked(row, reason))


async def revoke_all(session: AsyncSession, user_id: UUID, reason: RevokeReason, *, keep: UUID | None = None) -> int:
    """End every session of a person, except the one to keep. How many there were."""
    ended = await session.scalars(
        update(SessionRow)
        .where(
            col(SessionRow.user_id) == user_id,
            col(SessionRow.revoked_at).is_(None),
            col(SessionRow.id).is_distinct_from(keep),
        )
        .values(revoked_at=now(), revoked_reason=reason)
        .returning(SessionRow)
    )
    events = [_revoked(row, reason) for row in ended]
    await record(session, *events)
    return len(events)


def _revoked(row: SessionRow, reason: RevokeReason) -> NewEvent:
    fact = SessionRevoked(session_id=str(row.id), user_id=str(row.user_id), reason=reason)
    return NewEvent(fact=fact, workspace_id=None, scope="user", scope_id=str(row.user_id), actor_id=str(row.user_id))
