"""Sessions and their chain of refresh tokens.

A refresh token is exchanged once, for its successor. Coming back with one that was exchanged means that an answer was
lost or that somebody copied the token:

* within thirty seconds, and while no successor has been used, it is taken for a lost answer and gets a fresh successor;
* anything else ends the session for everybody who holds one of its tokens.

Only SHA-256 digests are stored; the tokens are 256 random bits, so that is enough.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.errors import RefreshTokenInvalid, RefreshTokenReused
from tertulia_chat.revocation import revoke
from tertulia_chat.tables import RefreshTokenRow, SessionRow, now
from tertulia_shared.events import RevokeReason

REFRESH_LIFETIME = timedelta(days=30)
LOST_ANSWER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login comes from, shown in the list of sessions."""

    user_agent: str | None
    ip: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A living session and the refresh token that continues it."""

    session: SessionRow
    refresh_token: str


async def start_session(session: AsyncSession, user_id: UUID, device: Device) -> Grant:
    row = SessionRow(user_id=user_id, user_agent=device.user_agent, ip=device.ip)
    session.add(row)
    await session.flush()
    return Grant(row, await _issue(session, row.id, parent=None))


async def rotate(session: AsyncSession, token: str) -> Grant | RefreshTokenReused:
    """Exchange a refresh token.

    A reuse is *returned*, because ending the session must be committed before the caller hears of it. Raises
    RefreshTokenInvalid.
    """
    link, owner = await _locked(session, token)
    if owner.revoked_at is not None or link.expires_at <= now():
        raise RefreshTokenInvalid
    if await _is_reuse(session, link):
        await revoke(session, owner, RevokeReason.REFRESH_REUSED)
        return RefreshTokenReused()
    link.used_at = link.used_at or now()
    owner.last_used_at = now()
    session.add_all([link, owner])
    await session.flush()
    return Grant(owner, await _issue(session, owner.id, parent=link.token_hash))


async def session_of(session: AsyncSession, token: str) -> SessionRow:
    """The session that a refresh token belongs to, whatever state both are in. Raises RefreshTokenInvalid."""
    return (await _locked(session, token))[1]


async def _locked(session: AsyncSession, token: str) -> tuple[RefreshTokenRow, SessionRow]:
    """The session's row is locked, so that two exchanges of one token come one after the other."""
    digest = _digest(token)
    owner = await session.scalar(
        select(SessionRow)
        .join(RefreshTokenRow, col(RefreshTokenRow.session_id) == col(SessionRow.id))
        .where(col(RefreshTokenRow.token_hash) == digest)
        .with_for_update(of=SessionRow)
    )
    link = await session.get(RefreshTokenRow, digest)
    if owner is None or link is None:
        raise RefreshTokenInvalid
    return link, owner


async def _is_reuse(session: AsyncSession, link: RefreshTokenRow) -> bool:
    if link.used_at is None:
        return link.parent_hash is not None and await _any_used(session, link.parent_hash)
    return now() - link.used_at > LOST_ANSWER or await _any_used(session, link.token_hash)


async def _any_used(session: AsyncSession, parent: bytes) -> bool:
    """Whether a successor of that link was exchanged already."""
    query = select(RefreshTokenRow.token_hash).where(
        col(RefreshTokenRow.parent_hash) == parent, col(RefreshTokenRow.used_at).is_not(None)
    )
    return (await session.scalar(query.limit(1))) is not None


async def _issue(session: AsyncSession, session_id: UUID, *, parent: bytes | None) -> str:
    token = secrets.token_urlsafe(32)
    row = RefreshTokenRow(
        token_hash=_digest(token), session_id=session_id, parent_hash=parent, expires_at=now() + REFRESH_LIFETIME
    )
    session.add(row)
    await session.flush()
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
