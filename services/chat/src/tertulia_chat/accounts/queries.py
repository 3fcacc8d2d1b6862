"""Reading people and their sessions."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, exists, or_, select

from tertulia_chat.accounts.schemas import SessionView
from tertulia_chat.acquaintance import known_to
from tertulia_chat.caller import Caller
from tertulia_chat.tables import RefreshTokenRow, SessionRow, UserRow, now
from tertulia_shared.events import User, UserKind
from tertulia_shared.problems import NotFound, Unauthenticated


async def person_by_login(session: AsyncSession, login: str) -> UserRow | None:
    """By username or e-mail address, in any case; None also for a deactivated person and for the bot."""
    name = login.strip().lower()
    return await session.scalar(
        select(UserRow).where(
            or_(col(UserRow.username) == name, col(UserRow.email) == name),
            col(UserRow.deactivated_at).is_(None),
            col(UserRow.kind) == UserKind.PERSON,
        )
    )


async def is_first_run(session: AsyncSession) -> bool:
    """Nobody has an account; the bot is no person."""
    somebody = select(col(UserRow.id)).where(col(UserRow.kind) == UserKind.PERSON).limit(1)
    return await session.scalar(somebody) is None


async def myself(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> UserRow:
    """With `lock` nobody else changes the person before the transaction ends: what is told is what is stored."""
    row = await session.get(UserRow, user_id, with_for_update={"key_share": True} if lock else None)
    if row is None:
        raise Unauthenticated
    return row


async def profile(session: AsyncSession, caller_id: UUID, user_id: UUID) -> User:
    """A person's public profile, for whoever knows them. Raises NotFound."""
    row = await session.scalar(select(UserRow).where(col(UserRow.id) == user_id, known_to(caller_id)))
    if row is None:
        raise NotFound
    return row.view()


async def living_sessions(session: AsyncSession, caller: Caller) -> list[SessionView]:
    """The newest use first; a session whose refresh tokens have all run out is over."""
    alive = exists().where(
        col(RefreshTokenRow.session_id) == col(SessionRow.id), col(RefreshTokenRow.expires_at) > now()
    )
    rows = await session.scalars(
        select(SessionRow)
        .where(col(SessionRow.user_id) == caller.user_id, col(SessionRow.revoked_at).is_(None), alive)
        .order_by(col(SessionRow.last_used_at).desc())
    )
    return [
        SessionView(
            id=str(row.id),
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            user_agent=row.user_agent,
            ip=row.ip,
            current=row.id == caller.session_id,
        )
        for row in rows
    ]
