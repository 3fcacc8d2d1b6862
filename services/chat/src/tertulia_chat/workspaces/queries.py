"""Reading workspaces, their members and their invitations."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.sanctions import mute_in_force
from tertulia_chat.tables import (
    DeactivatedMemberRow,
    InviteRow,
    SanctionRow,
    UserRow,
    WorkspaceMemberRow,
    WorkspaceRow,
    now,
)
from tertulia_chat.workspaces.schemas import Invite, Member, MemberPage, Membership
from tertulia_shared.events import Role


async def workspaces_of(session: AsyncSession, user_id: UUID) -> list[Membership]:
    """In the order of joining."""
    query = (
        select(WorkspaceRow, WorkspaceMemberRow.role)
        .join(WorkspaceMemberRow, col(WorkspaceMemberRow.workspace_id) == col(WorkspaceRow.id))
        .where(col(WorkspaceMemberRow.user_id) == user_id)
        .order_by(col(WorkspaceMemberRow.joined_at), col(WorkspaceRow.id))
    )
    found = await session.execute(query)
    return [Membership(workspace=workspace.view(), role=Role(role)) for workspace, role in found]


async def members_page(session: AsyncSession, workspace_id: UUID, limit: int, after: UUID | None) -> MemberPage:
    """In the order of their ids, which is that of registering."""
    query = (
        select(WorkspaceMemberRow, UserRow, col(SanctionRow.until))
        .join(UserRow, col(UserRow.id) == col(WorkspaceMemberRow.user_id))
        .outerjoin(SanctionRow, mute_in_force(col(WorkspaceMemberRow.workspace_id), col(WorkspaceMemberRow.user_id)))
        .where(col(WorkspaceMemberRow.workspace_id) == workspace_id)
        .order_by(col(WorkspaceMemberRow.user_id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(WorkspaceMemberRow.user_id) > after)
    found = list(await session.execute(query))
    items = [
        Member(user=user.view(), role=member.rank, joined_at=member.joined_at, muted_until=until)
        for member, user, until in found[:limit]
    ]
    return MemberPage(items=items, next=items[-1].user.id if len(found) > limit else None)


async def deactivated_page(session: AsyncSession, workspace_id: UUID, limit: int, after: UUID | None) -> MemberPage:
    """In the order of their ids."""
    query = (
        select(DeactivatedMemberRow, UserRow)
        .join(UserRow, col(UserRow.id) == col(DeactivatedMemberRow.user_id))
        .where(col(DeactivatedMemberRow.workspace_id) == workspace_id)
        .order_by(col(DeactivatedMemberRow.user_id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(DeactivatedMemberRow.user_id) > after)
    found = list(await session.execute(query))
    items = [view_deactivated(row, user) for row, user in found[:limit]]
    return MemberPage(items=items, next=items[-1].user.id if len(found) > limit else None)


def view_deactivated(row: DeactivatedMemberRow, user: UserRow) -> Member:
    return Member(user=user.view(), role=row.rank, joined_at=row.joined_at, deactivated_at=row.deactivated_at)


async def open_invites(session: AsyncSession, workspace_id: UUID, roles: Sequence[Role]) -> list[Invite]:
    """Those that still let somebody in with one of these roles, the newest first."""
    rows = await session.scalars(
        select(InviteRow)
        .where(
            col(InviteRow.workspace_id) == workspace_id,
            col(InviteRow.expires_at) > now(),
            col(InviteRow.role).in_(roles),
        )
        .order_by(col(InviteRow.created_at).desc(), col(InviteRow.code))
    )
    return [view_invite(row) for row in rows if row.max_uses is None or row.uses < row.max_uses]


def view_invite(row: InviteRow) -> Invite:
    return Invite(
        code=row.code,
        role=Role(row.role),
        max_uses=row.max_uses,
        uses=row.uses,
        expires_at=row.expires_at,
        created_by=str(row.created_by),
        created_at=row.created_at,
        channel_ids=None if row.channel_ids is None else [str(channel_id) for channel_id in row.channel_ids],
    )
