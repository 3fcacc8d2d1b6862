"""Letting people into a workspace, changing what they may do there, and seeing them off.

Whoever changes a workspace locks its row before seats, seats before invitations and channels. The seats that come in
here are locked (`access_workspace(lock=True)`), so of two owners who step down at once the second is the last one.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.audit import Action, Entry, Target, changes, note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.errors import Banned, LastOwner, PersonBanned
from tertulia_chat.membership import to_workspace
from tertulia_chat.outbox import record
from tertulia_chat.permissions import Permission, outranks
from tertulia_chat.removal import vacate
from tertulia_chat.sanctions import laid_on, mute_of
from tertulia_chat.tables import DeactivatedMemberRow, SanctionKind, UserRow, WorkspaceMemberRow, WorkspaceRow
from tertulia_chat.workspaces.inviting import makeable, withdraw_invites
from tertulia_chat.workspaces.schemas import Member
from tertulia_shared.events import (
    LeaveReason,
    Removal,
    Role,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
    WorkspaceMemberUpdated,
)
from tertulia_shared.problems import Forbidden, NotFound


async def admit(
    session: AsyncSession, workspace: WorkspaceRow, user: UserRow, role: Role, *, actor_id: UUID
) -> WorkspaceMemberRow:
    """Into a locked (or brand-new) workspace. Raises Banned for who comes by themselves, PersonBanned otherwise."""
    laid = await laid_on(session, workspace.id, [user.id])
    if SanctionKind.BAN in laid.get(user.id, {}):
        raise Banned if user.id == actor_id else PersonBanned
    member = WorkspaceMemberRow(workspace_id=workspace.id, user_id=user.id, role=role)
    session.add(member)
    await session.flush()
    fact = WorkspaceMemberJoined(user=user.view(), role=role, muted_until=mute_of(laid, user.id))
    await record(session, to_workspace(fact, workspace, actor_id))
    return member


async def set_role(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, role: Role, actor_id: UUID) -> Member:
    """Owners give anybody any role; others who manage roles give those below them one up to their own, and step down.

    A workspace is handed over by making somebody else its owner and stepping down. A new guest stays in the channels
    that they are in and no longer sees others; a former one joins what they like. Invitations go with the right to make
    them. Raises NotFound, Forbidden or LastOwner.
    """
    seat.require_permission(Permission.MANAGE_ROLES)
    if user_id == BOT_ID:
        raise Forbidden("The bot is a member of every workspace, no more and no less.")
    member = await _held(session, seat.workspace, user_id)
    _check_may_set(seat, member, role, own=user_id == actor_id)
    changed = member.rank != role
    if changed:
        await _check_owner_stays(session, member)
        was, member.role = member.rank, role
        session.add(member)
        await session.flush()
        keeping = makeable(seat.workspace.permissions, role)
        await withdraw_invites(session, seat.workspace, user_id, keeping=keeping)
        entry = member_entry(
            seat, user_id, actor_id, Action.MEMBER_ROLE_CHANGED, before={"role": str(was)}, after={"role": str(role)}
        )
        await note(session, entry)
    user = await session.get_one(UserRow, user_id)
    until = mute_of(await laid_on(session, seat.workspace.id, [user_id]), user_id)
    if changed:
        fact = WorkspaceMemberUpdated(user_id=str(user_id), role=role, muted_until=until)
        await record(session, to_workspace(fact, seat.workspace, actor_id))
    return Member(user=user.view(), role=role, joined_at=member.joined_at, muted_until=until)


async def remove(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, actor_id: UUID) -> None:
    """See somebody off for good, out of every channel; who is deactivated may be invited again afterwards.

    Raises NotFound, Forbidden or LastOwner.
    """
    workspace = seat.workspace
    if user_id == BOT_ID:
        raise Forbidden("The bot belongs to every workspace.")
    member = await held_wherever(session, workspace, user_id)
    own = user_id == actor_id
    if not own:
        _check_may_remove(seat, member)
    reason, removal = (LeaveReason.LEFT, None) if own else (LeaveReason.REMOVED, Removal.KICKED)
    if isinstance(member, WorkspaceMemberRow):
        await _check_owner_stays(session, member)
        await vacate(session, workspace, member, reason, actor_id, removal)
    else:
        await session.delete(member)
        await session.flush()
    fact = WorkspaceMemberLeft(user_id=str(user_id), reason=reason, removal=removal)
    await record(session, to_workspace(fact, workspace, actor_id))
    if not own:
        await note(session, member_entry(seat, user_id, actor_id, Action.MEMBER_REMOVED, before={"role": member.role}))


def workspace_entry(
    workspace: WorkspaceRow, actor_id: UUID, action: Action, was: Mapping[str, Any], is_now: Mapping[str, Any]
) -> Entry:
    """What was changed of the workspace itself, for the audit log."""
    before, after = changes(was, is_now)
    return Entry(
        workspace_id=workspace.id,
        actor_id=actor_id,
        action=action,
        target_type=Target.WORKSPACE,
        target_id=workspace.id,
        before=before,
        after=after,
    )


def member_entry(
    seat: WorkspaceSeat,
    user_id: UUID,
    actor_id: UUID,
    action: Action,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Entry:
    """What was done to a member, for the audit log."""
    return Entry(
        workspace_id=seat.workspace.id,
        actor_id=actor_id,
        action=action,
        target_type=Target.USER,
        target_id=user_id,
        before=before,
        after=after,
    )


async def held_wherever(
    session: AsyncSession, workspace: WorkspaceRow, user_id: UUID
) -> WorkspaceMemberRow | DeactivatedMemberRow:
    """The seat that somebody has, or had until they were deactivated. Raises NotFound."""
    try:
        return await _held(session, workspace, user_id)
    except NotFound:
        gone = await session.get(
            DeactivatedMemberRow, (workspace.id, user_id), populate_existing=True, with_for_update=True
        )
        if gone is None:
            raise
        return gone


async def _held(session: AsyncSession, workspace: WorkspaceRow, user_id: UUID) -> WorkspaceMemberRow:
    """Nobody acts on this seat before the transaction ends. Raises NotFound."""
    member = await session.get(
        WorkspaceMemberRow, (workspace.id, user_id), populate_existing=True, with_for_update=True
    )
    if member is None:
        raise NotFound
    return member


def _check_may_set(seat: WorkspaceSeat, member: WorkspaceMemberRow, role: Role, *, own: bool) -> None:
    if seat.role == Role.OWNER:
        return
    if outranks(role, seat.role) or not (own or seat.outranks(member.rank)):
        raise Forbidden("Only an owner gives a role above their own, or changes that of an equal.")


def _check_may_remove(seat: WorkspaceSeat, member: WorkspaceMemberRow | DeactivatedMemberRow) -> None:
    seat.require_permission(Permission.REMOVE_MEMBERS)
    if not seat.outranks(member.rank) and seat.role != Role.OWNER:
        raise Forbidden("Only an owner removes somebody with the same role or a higher one.")


async def _check_owner_stays(session: AsyncSession, member: WorkspaceMemberRow) -> None:
    """Raises LastOwner for the only owner."""
    if member.rank != Role.OWNER:
        return
    query = select(func.count()).where(
        col(WorkspaceMemberRow.workspace_id) == member.workspace_id, col(WorkspaceMemberRow.role) == Role.OWNER
    )
    if await session.scalar(query) == 1:
        raise LastOwner
