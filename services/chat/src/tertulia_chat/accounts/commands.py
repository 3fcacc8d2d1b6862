"""Changing people and their sessions."""

from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, union_all

from tertulia_chat.accounts import queries, sessions
from tertulia_chat.accounts.passwords import Passwords
from tertulia_chat.accounts.schemas import Register
from tertulia_chat.accounts.sessions import Device, Grant
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.errors import EmailTaken, InvalidCredentials, UsernameTaken
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.revocation import revoke, revoke_all
from tertulia_chat.tables import DeactivatedMemberRow, SessionRow, UserRow, WorkspaceMemberRow
from tertulia_shared.events import Fact, RevokeReason, UserUpdated
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed

MAX_PREFERENCES_BYTES = 16 * 1024
MAX_PREFERENCES_DEPTH = 32


async def register(database: Database, passwords: Passwords, wish: Register, device: Device) -> tuple[UserRow, Grant]:
    """Raises UsernameTaken or EmailTaken; of two who ask at once, the database decides."""
    row = UserRow(
        username=wish.username,
        email=wish.email.lower(),
        display_name=wish.display_name.strip(),
        password_hash=await passwords.hash(wish.password),
    )
    try:
        async with database.transaction() as session:
            session.add(row)
            await session.flush()
            return row, await sessions.start_session(session, row.id, device)
    except IntegrityError as error:
        raise (EmailTaken() if "user_account_email_key" in str(error.orig) else UsernameTaken()) from error


async def login(
    database: Database, passwords: Passwords, name: str, password: str, device: Device
) -> tuple[UserRow, Grant]:
    """No transaction is open while the password is checked. Raises InvalidCredentials."""
    async with database.transaction() as session:
        found = await queries.person_by_login(session, name)
    if not await passwords.matches(found.password_hash if found else None, password) or found is None:
        raise InvalidCredentials
    fresh_hash = await passwords.hash(password) if passwords.outdated(found.password_hash) else None
    async with database.transaction() as session:
        row = await _unchanged(session, found)
        if fresh_hash is not None:
            row.password_hash = fresh_hash
            session.add(row)
        return row, await sessions.start_session(session, row.id, device)


async def change_password(database: Database, passwords: Passwords, caller: Caller, current: str, new: str) -> None:
    """All other sessions end. Raises InvalidCredentials."""
    async with database.transaction() as session:
        me = await queries.myself(session, caller.user_id)
    if not await passwords.matches(me.password_hash, current):
        raise InvalidCredentials
    new_hash = await passwords.hash(new)
    async with database.transaction() as session:
        row = await _unchanged(session, me)
        row.password_hash = new_hash
        session.add(row)
        await revoke_all(session, row.id, RevokeReason.PASSWORD_CHANGED, keep=caller.session_id)


async def _unchanged(session: AsyncSession, seen: UserRow) -> UserRow:
    """The person, locked. Raises InvalidCredentials when the password changed while ours was being checked."""
    row = await session.scalar(select(UserRow).where(col(UserRow.id) == seen.id).with_for_update())
    if row is None or row.password_hash != seen.password_hash or row.deactivated_at is not None:
        raise InvalidCredentials
    return row


async def end_session(session: AsyncSession, caller: Caller, session_id: UUID) -> None:
    """Raises NotFound unless it is a living session of the caller."""
    row = await session.scalar(
        select(SessionRow)
        .where(
            col(SessionRow.id) == session_id,
            col(SessionRow.user_id) == caller.user_id,
            col(SessionRow.revoked_at).is_(None),
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound
    own = session_id == caller.session_id
    await revoke(session, row, RevokeReason.LOGOUT if own else RevokeReason.REVOKED)


async def update_me(
    session: AsyncSession,
    user_id: UUID,
    *,
    display_name: str | UnsetType = UNSET,
    preferences: dict[str, Any] | UnsetType = UNSET,
) -> UserRow:
    """Everybody who shares a workspace hears of a new name, also where the person is deactivated and their messages
    are; only the person's own devices hear of new preferences."""
    row = await queries.myself(session, user_id, lock=True)
    renamed = not isinstance(display_name, UnsetType) and display_name.strip() != row.display_name
    if not isinstance(display_name, UnsetType):
        row.display_name = display_name.strip()
    if not isinstance(preferences, UnsetType):
        _check_preferences(preferences)
        row.preferences = preferences
    session.add(row)
    await session.flush()
    if renamed:
        await tell_everybody(session, row)
    else:
        await tell_myself(session, row, UserUpdated(user=row.view()))
    return row


async def tell_everybody(session: AsyncSession, row: UserRow) -> None:
    """Whoever shares a workspace with the person hears of their profile as it is now; if nobody does, they do."""
    fact, me = UserUpdated(user=row.view()), str(row.id)
    seats = [
        select(seat.workspace_id).where(col(seat.user_id) == row.id)
        for seat in (WorkspaceMemberRow, DeactivatedMemberRow)
    ]
    places = await session.scalars(union_all(*seats).order_by("workspace_id"))
    events = [
        NewEvent(fact=fact, workspace_id=str(place), scope="ws", scope_id=str(place), actor_id=me) for place in places
    ]
    if events:
        await record(session, *events)
    else:
        await tell_myself(session, row, fact)


async def tell_myself(session: AsyncSession, row: UserRow, fact: Fact) -> None:
    """All devices of the person hear it, and nobody else."""
    me = str(row.id)
    await record(session, NewEvent(fact=fact, workspace_id=None, scope="user", scope_id=me, actor_id=me))


def _check_preferences(preferences: dict[str, Any]) -> None:
    """Depth comes first: what is nested without end cannot even be measured."""
    if _is_deeper(preferences, MAX_PREFERENCES_DEPTH):
        detail = f"Nested too deeply: at most {MAX_PREFERENCES_DEPTH} levels."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/preferences")])
    if len(msgspec.json.encode(preferences)) > MAX_PREFERENCES_BYTES:
        detail = f"At most {MAX_PREFERENCES_BYTES} bytes of JSON."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/preferences")])


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and arrays lie more than so many levels within each other."""
    match value:
        case dict():
            items = cast("dict[str, Any]", value).values()
        case list():
            items = cast("list[Any]", value)
        case _:
            return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items)
