"""Taking somebody's place in a workspace away so that it can be given back.

The seats are gone, in the workspace and in every channel, and the events are those of a removal: whatever holds for who
left holds for who is deactivated, here and in every service, from those events on. What is kept beside is only enough
to give the seats back. Messages stay, and so does who wrote them (`accounts.queries.profile`, `bootstrap`). No
invitation lets somebody in who is deactivated.
"""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.audit import Action, note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.membership import to_workspace
from tertulia_chat.outbox import record
from tertulia_chat.permissions import Permission
from tertulia_chat.personal import personal
from tertulia_chat.removal import vacate
from tertulia_chat.revocation import revoke_all
from tertulia_chat.sanctions import banned_places, laid_on, mute_of
from tertulia_chat.tables import ChannelMemberRow, DeactivatedMemberRow, UserRow, WorkspaceMemberRow
from tertulia_chat.workspaces.members import held_wherever, member_entry
from tertulia_chat.workspaces.queries import view_deactivated
from tertulia_chat.workspaces.schemas import Member
from tertulia_shared.events import (
    ChannelPreferences,
    LeaveReason,
    PreferencesUpdated,
    RevokeReason,
    Role,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
)
from tertulia_shared.problems import Forbidden


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody was in a channel, and what they wished about it."""

    channel_id: UUID
    role: Role
    preferences: ChannelPreferences


async def deactivate(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, actor_id: UUID) -> Member:
    """Idempotent. Nobody does it to an equal or to themselves, so an owner always stays.

    Who belongs nowhere else is logged out everywhere. Raises NotFound, Forbidden.
    """
    member = await _checked(session, seat, user_id)
    user = await session.get_one(UserRow, user_id)
    if isinstance(member, DeactivatedMemberRow):
        return view_deactivated(member, user)
    places = await vacate(session, seat.workspace, member, LeaveReason.REMOVED, actor_id)
    gone = DeactivatedMemberRow(
        workspace_id=seat.workspace.id,
        user_id=user_id,
        role=member.role,
        joined_at=member.joined_at,
        deactivated_by=actor_id,
        channels=[_kept(place) for place in places],
    )
    session.add(gone)
    await session.flush()
    fact = WorkspaceMemberLeft(user_id=str(user_id), reason=LeaveReason.REMOVED, deactivated_at=gone.deactivated_at)
    await record(session, to_workspace(fact, seat.workspace, actor_id))
    ended = await _end_sessions(session, user_id)
    after = {"channels": len(places), "sessions_ended": ended}
    entry = member_entry(seat, user_id, actor_id, Action.MEMBER_DEACTIVATED, before={"role": member.role}, after=after)
    await note(session, entry)
    return view_deactivated(gone, user)


async def reactivate(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, actor_id: UUID) -> Member:
    """The role, the channels and the wishes about them are as before; what was said meanwhile counts as read. They do
    not come back into a channel that they were banned from.

    Idempotent. Raises NotFound, Forbidden.
    """
    gone = await _checked(session, seat, user_id)
    user = await session.get_one(UserRow, user_id)
    until = mute_of(await laid_on(session, seat.workspace.id, [user_id]), user_id)
    if isinstance(gone, WorkspaceMemberRow):
        return Member(user=user.view(), role=gone.rank, joined_at=gone.joined_at, muted_until=until)
    await session.delete(gone)
    session.add(
        WorkspaceMemberRow(workspace_id=gone.workspace_id, user_id=user_id, role=gone.role, joined_at=gone.joined_at)
    )
    await session.flush()
    fact = WorkspaceMemberJoined(user=user.view(), role=gone.rank, muted_until=until)
    await record(session, to_workspace(fact, seat.workspace, actor_id))
    places = {place.channel_id: place for place in msgspec.convert(gone.channels, list[_Place])}
    held = await membership.lock_channels(session, places)
    banned = await banned_places(session, user_id, places)
    for channel in held:
        if channel.id in banned:
            continue
        place = places[channel.id]
        for back in await membership.add_people(session, channel, [user], role=place.role, actor_id=actor_id):
            await _wish_again(session, back, place.preferences)
    after = {"role": gone.role, "channels": len(places)}
    await note(session, member_entry(seat, user_id, actor_id, Action.MEMBER_REACTIVATED, after=after))
    return Member(user=user.view(), role=gone.rank, joined_at=gone.joined_at, muted_until=until)


async def _checked(
    session: AsyncSession, seat: WorkspaceSeat, user_id: UUID
) -> WorkspaceMemberRow | DeactivatedMemberRow:
    seat.require_permission(Permission.DEACTIVATE_MEMBERS)
    if user_id == BOT_ID:
        raise Forbidden("The bot belongs to every workspace.")
    member = await held_wherever(session, seat.workspace, user_id)
    if not seat.outranks(member.rank):
        raise Forbidden("Only somebody with a higher role does this.")
    return member


def _kept(place: ChannelMemberRow) -> dict[str, Any]:
    kept = _Place(channel_id=place.channel_id, role=Role(place.role), preferences=place.view_preferences())
    return msgspec.to_builtins(kept)


async def _wish_again(session: AsyncSession, member: ChannelMemberRow, wished: ChannelPreferences) -> None:
    if wished == member.view_preferences():
        return
    member.level, member.muted, member.section = wished.level, wished.muted, wished.section
    session.add(member)
    await session.flush()
    fact = PreferencesUpdated(channel_id=str(member.channel_id), preferences=wished)
    channel_id, workspace_id = member.channel_id, member.workspace_id
    await record(session, personal(fact, member.user_id, workspace_id=workspace_id, channel_id=channel_id))


async def _end_sessions(session: AsyncSession, user_id: UUID) -> int:
    elsewhere = select(WorkspaceMemberRow.workspace_id).where(col(WorkspaceMemberRow.user_id) == user_id).limit(1)
    if await session.scalar(elsewhere) is not None:
        return 0
    return await revoke_all(session, user_id, RevokeReason.REVOKED)
