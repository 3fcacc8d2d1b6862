"""Banning and muting people, and lifting that again.

Each is absolute: laying it again with other terms replaces them, with the same ones changes nothing and tells nothing.
Whoever comes in or writes asks under the same lock (`tertulia_chat.sanctions`), so each message and each joining is
before the deed or refused. A mute in all of the workspace holds for messages whose sending begins after it.

A ban from a channel is told before the departure: every service knows that the public channel is closed to the person
by the time that they are out of it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat import membership
from tertulia_chat.audit import Action, Entry, Target, note
from tertulia_chat.membership import to_workspace
from tertulia_chat.moderation.places import InChannel, Place
from tertulia_chat.moderation.schemas import Sanction, SanctionPage
from tertulia_chat.notices import give_notice
from tertulia_chat.outbox import record
from tertulia_chat.personal import personal
from tertulia_chat.removal import vacate
from tertulia_chat.sanctions import in_force, laid_on, mute_of
from tertulia_chat.tables import NoticeRow, SanctionKind, SanctionRow, UserRow, now
from tertulia_shared.events import (
    BanUpdated,
    LeaveReason,
    NoticeKind,
    Removal,
    WorkspaceMemberLeft,
    WorkspaceMemberUpdated,
    to_milliseconds,
)
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed

_Terms = dict[str, str | None]

_NOTICE = {SanctionKind.BAN: NoticeKind.BANNED, SanctionKind.MUTE: NoticeKind.MUTED}
_IN_CHANNEL = {
    SanctionKind.BAN: (Action.CHANNEL_MEMBER_BANNED, Action.CHANNEL_BAN_LIFTED),
    SanctionKind.MUTE: (Action.CHANNEL_MEMBER_MUTED, Action.CHANNEL_MUTE_LIFTED),
}
_IN_WORKSPACE = {
    SanctionKind.BAN: (Action.MEMBER_BANNED, Action.BAN_LIFTED),
    SanctionKind.MUTE: (Action.MEMBER_MUTED, Action.MUTE_LIFTED),
}


async def lay(session: AsyncSession, place: Place, kind: SanctionKind, until: datetime | None, reason: str) -> Sanction:
    """On somebody who belongs to the workspace, or of whom it holds already.

    Raises NotFound, ValidationFailed for a time that has passed.
    """
    until = _checked(until)
    held = (await laid_on(session, place.id, [place.user.id])).get(place.user.id, {}).get(kind)
    if held is None and not place.belongs:
        raise NotFound
    if held is not None and (held.until, held.reason) == (until, reason):
        return _view(held, place.user)
    before = _terms(held)
    row = SanctionRow(
        place_id=place.id,
        kind=kind,
        user_id=place.user.id,
        workspace_id=place.workspace_id,
        until=until,
        reason=reason,
        laid_by=place.actor_id,
    )
    values = row.model_dump()
    await session.execute(
        insert(SanctionRow)
        .values(values)
        .on_conflict_do_update(index_elements=["place_id", "kind", "user_id"], set_=values)
    )
    await _give_notice(session, place, kind, row)
    await _take_effect(session, place, kind, row)
    await _audit(session, place, kind, before=before, after=row)
    return _view(row, place.user)


async def lift(session: AsyncSession, place: Place, kind: SanctionKind) -> None:
    """Idempotent."""
    held = (await laid_on(session, place.id, [place.user.id])).get(place.user.id, {}).get(kind)
    if held is None:
        return
    await session.execute(
        delete(SanctionRow).where(
            col(SanctionRow.place_id) == place.id,
            col(SanctionRow.kind) == kind,
            col(SanctionRow.user_id) == place.user.id,
        )
    )
    if kind == SanctionKind.MUTE:
        await _tell_mute(session, place)
    elif isinstance(place, InChannel):
        await _tell_ban(session, place, banned=False, until=None, at=now())
    await _audit(session, place, kind, before=_terms(held), after=None)


async def page(
    session: AsyncSession, place_id: UUID, kind: SanctionKind, limit: int, after: UUID | None
) -> SanctionPage:
    """Those that hold now, in the order of the people's ids."""
    query = (
        select(SanctionRow, UserRow)
        .join(UserRow, col(UserRow.id) == col(SanctionRow.user_id))
        .where(col(SanctionRow.place_id) == place_id, col(SanctionRow.kind) == kind, in_force())
        .order_by(col(SanctionRow.user_id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(SanctionRow.user_id) > after)
    found = list(await session.execute(query))
    items = [_view(row, user) for row, user in found[:limit]]
    return SanctionPage(items=items, next=items[-1].user.id if len(found) > limit else None)


def _checked(until: datetime | None) -> datetime | None:
    if until is None:
        return None
    try:
        end = to_milliseconds(until)
    except OverflowError:  # no year of UTC holds it
        end = None
    if end is None or end <= now():
        raise ValidationFailed(errors=[FieldError(detail="A time in the future.", pointer="/until")])
    return end


async def _take_effect(session: AsyncSession, place: Place, kind: SanctionKind, row: SanctionRow) -> None:
    if kind == SanctionKind.MUTE:
        await _tell_mute(session, place)
        return
    if isinstance(place, InChannel):
        await _tell_ban(session, place, banned=True, until=row.until, at=row.laid_at)
        await membership.remove_person(
            session,
            place.channel,
            place.user.id,
            reason=LeaveReason.REMOVED,
            removal=Removal.BANNED,
            actor_id=place.actor_id,
        )
    elif place.member is not None:
        reason, removal = LeaveReason.REMOVED, Removal.BANNED
        await vacate(session, place.workspace, place.member, reason, place.actor_id, removal)
        fact = WorkspaceMemberLeft(user_id=str(place.user.id), reason=reason, removal=removal)
        await record(session, to_workspace(fact, place.workspace, place.actor_id))


async def _tell_mute(session: AsyncSession, place: Place) -> None:
    """Where they are not, nobody needs to hear of it: it is told when they come."""
    if isinstance(place, InChannel):
        if place.member is not None:
            await membership.tell_muted(session, place.channel, place.member, actor_id=place.actor_id)
    elif place.member is not None:
        until = mute_of(await laid_on(session, place.id, [place.user.id]), place.user.id)
        fact = WorkspaceMemberUpdated(user_id=str(place.user.id), role=place.member.rank, muted_until=until)
        await record(session, to_workspace(fact, place.workspace, place.actor_id))


async def _tell_ban(
    session: AsyncSession, place: InChannel, *, banned: bool, until: datetime | None, at: datetime
) -> None:
    """To the person alone, and not by whom."""
    fact = BanUpdated(channel_id=str(place.id), user_id=str(place.user.id), banned=banned, until=until, at=at)
    event = personal(fact, place.user.id, workspace_id=place.workspace_id, channel_id=place.id)
    await record(session, event)


async def _give_notice(session: AsyncSession, place: Place, kind: SanctionKind, row: SanctionRow) -> None:
    notice = NoticeRow(
        user_id=place.user.id,
        workspace_id=place.workspace_id,
        channel_id=place.channel_id,
        kind=_NOTICE[kind],
        reason=row.reason,
        until=row.until,
    )
    await give_notice(session, notice)


async def _audit(
    session: AsyncSession, place: Place, kind: SanctionKind, *, before: _Terms | None, after: SanctionRow | None
) -> None:
    laying, lifting = (_IN_CHANNEL if isinstance(place, InChannel) else _IN_WORKSPACE)[kind]
    entry = Entry(
        workspace_id=place.workspace_id,
        channel_id=place.channel_id,
        actor_id=place.actor_id,
        action=laying if after else lifting,
        target_type=Target.USER,
        target_id=place.user.id,
        before=before,
        after=_terms(after),
        reason=(after.reason if after else None) or None,
    )
    await note(session, entry)


def _terms(row: SanctionRow | None) -> _Terms | None:
    return None if row is None else {"until": row.until.isoformat() if row.until else None}


def _view(row: SanctionRow, user: UserRow) -> Sanction:
    return Sanction(user=user.view(), until=row.until, reason=row.reason, laid_by=str(row.laid_by), laid_at=row.laid_at)
