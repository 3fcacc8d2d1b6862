"""Letting people into a workspace, changing what they may do there, and seeing them off.

Whoever changes a workspace locks its row before seats, seats before invitations and channels. The seats that come in
here are locked (`access_workspace(lock=True)`), so of two owners who step down at once the second is the last one.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, func, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.bot import BOT_ID
from tertulia_chat.errors import LastOwner
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import ChannelMemberRow, InviteRow, UserRow, WorkspaceMemberRow, WorkspaceRow
from tertulia_chat.workspaces.schemas import Member
from tertulia_shared.events import (
    Fact,
    LeaveReason,
    Role,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
    WorkspaceMemberUpdated,
)
from tertulia_shared.problems import Forbidden, NotFound

_MAY_INVITE = {Role.ADMIN, Role.OWNER}


async def admit(session: AsyncSession, workspace: WorkspaceRow, user: UserRow, role: Role) -> None:
    session.add(WorkspaceMemberRow(workspace_id=workspace.id, user_id=user.id, role=role))
    await session.flush()
    await record(session, to_workspace(WorkspaceMemberJoined(user=user.view(), role=role), workspace, user.id))


async def set_role(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, role: Role, actor_id: UUID) -> Member:
    """Owners give anybody any role; admins make those below them guest, member or admin, and may step down themselves.

    A workspace is handed over by making somebody else its owner and stepping down. A new guest stays in the channels
    that they are in and no longer sees others; a former one joins what they like. Invitations go with the right to make
    them. Raises NotFound, Forbidden or LastOwner.
    """
    seat.require(Role.ADMIN)
    if user_id == BOT_ID:
        raise Forbidden("The bot is a member of every workspace, no more and no less.")
    member = await _held(session, seat.workspace, user_id)
    _check_may_set(seat, member, role, own=user_id == actor_id)
    if member.rank != role:
        await _check_owner_stays(session, member)
        member.role = role
        session.add(member)
        await session.flush()
        if role not in _MAY_INVITE:
            await _withdraw_invites(session, member)
        fact = WorkspaceMemberUpdated(user_id=str(user_id), role=role)
        await record(session, to_workspace(fact, seat.workspace, actor_id))
    user = await session.get_one(UserRow, user_id)
    return Member(user=user.view(), role=role, joined_at=member.joined_at)


async def remove(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, actor_id: UUID) -> None:
    """See somebody off, out of every channel; their invitations go too, or they would come back by one.

    Raises NotFound, Forbidden or LastOwner.
    """
    workspace = seat.workspace
    if user_id == BOT_ID:
        raise Forbidden("The bot belongs to every workspace.")
    member = await _held(session, workspace, user_id)
    own = user_id == actor_id
    if not own:
        _check_may_remove(seat, member)
    await _check_owner_stays(session, member)
    reason = LeaveReason.LEFT if own else LeaveReason.REMOVED
    await _withdraw_invites(session, member)
    theirs = await session.scalars(
        select(ChannelMemberRow.channel_id).where(
            col(ChannelMemberRow.workspace_id) == workspace.id, col(ChannelMemberRow.user_id) == user_id
        )
    )
    channels = await membership.lock_channels(session, theirs)
    await membership.remove_from_channels(session, channels, user_id, reason=reason, actor_id=actor_id)
    await session.delete(member)
    await session.flush()
    fact = WorkspaceMemberLeft(user_id=str(user_id), reason=reason)
    await record(session, to_workspace(fact, workspace, actor_id))


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
    if role == Role.OWNER or not (own or seat.outranks(member.rank)):
        raise Forbidden("Only an owner makes owners, and changes the role of an admin or an owner.")


def _check_may_remove(seat: WorkspaceSeat, member: WorkspaceMemberRow) -> None:
    seat.require(Role.ADMIN)
    if not seat.outranks(member.rank) and seat.role != Role.OWNER:
        raise Forbidden("Only an owner removes an admin or an owner.")


async def _check_owner_stays(session: AsyncSession, member: WorkspaceMemberRow) -> None:
    """Raises LastOwner for the only owner."""
    if member.rank != Role.OWNER:
        return
    query = select(func.count()).where(
        col(WorkspaceMemberRow.workspace_id) == member.workspace_id, col(WorkspaceMemberRow.role) == Role.OWNER
    )
    if await session.scalar(query) == 1:
        raise LastOwner


async def _withdraw_invites(session: AsyncSession, member: WorkspaceMemberRow) -> None:
    await session.execute(
        delete(InviteRow).where(
            col(InviteRow.workspace_id) == member.workspace_id, col(InviteRow.created_by) == member.user_id
        )
    )


def to_workspace(fact: Fact, workspace: WorkspaceRow, actor_id: UUID) -> NewEvent:
    return NewEvent(
        fact=fact, workspace_id=str(workspace.id), scope="ws", scope_id=str(workspace.id), actor_id=str(actor_id)
    )
