"""Codes that let people in. Where they come into is `arrivals`; who is banned from the workspace does not come in."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete

from tertulia_chat.access import WorkspaceSeat, access_workspace
from tertulia_chat.audit import Action, Entry, Target, fingerprint, note
from tertulia_chat.errors import InviteExpired, InviteNotFound, MemberDeactivated
from tertulia_chat.tables import DeactivatedMemberRow, InviteRow, UserRow, WorkspaceMemberRow, WorkspaceRow, now
from tertulia_chat.workspaces.arrivals import Welcome, checked_channels, join_first_channels
from tertulia_chat.workspaces.inviting import check_may_let_in, checked_makeable
from tertulia_chat.workspaces.members import admit
from tertulia_chat.workspaces.queries import view_invite
from tertulia_chat.workspaces.schemas import Invite, Membership, NewInvite
from tertulia_shared.events import Role
from tertulia_shared.problems import NotFound


async def create(session: AsyncSession, seat: WorkspaceSeat, wish: NewInvite, actor_id: UUID) -> Invite:
    """Nobody invites above themselves, and nobody becomes owner by a code.

    Raises Forbidden, ValidationFailed; for a channel NotFound, DirectChannel, ChannelArchived.
    """
    check_may_let_in(seat, wish.role)
    row = InviteRow(
        code=secrets.token_urlsafe(9),
        workspace_id=seat.workspace.id,
        role=wish.role,
        max_uses=wish.max_uses,
        expires_at=now() + timedelta(seconds=wish.expires_in_s),
        created_by=actor_id,
        channel_ids=await checked_channels(session, seat, wish.role, wish.channel_ids, actor_id),
    )
    session.add(row)
    await session.flush()
    after = {"role": row.role, "max_uses": row.max_uses, "expires_at": row.expires_at.isoformat()}
    await note(session, _entry(seat, row.code, actor_id, Action.INVITE_CREATED, after=after))
    return view_invite(row)


def _entry(
    seat: WorkspaceSeat,
    code: str,
    actor_id: UUID,
    action: Action,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Entry:
    return Entry(
        workspace_id=seat.workspace.id,
        actor_id=actor_id,
        action=action,
        target_type=Target.INVITE,
        target_id=fingerprint(code),
        before=before,
        after=after,
    )


async def withdraw(session: AsyncSession, seat: WorkspaceSeat, code: str, actor_id: UUID) -> None:
    """For who could have made it. Raises Forbidden, InviteNotFound."""
    roles = checked_makeable(seat)
    gone = await session.scalar(
        delete(InviteRow)
        .where(
            col(InviteRow.code) == code,
            col(InviteRow.workspace_id) == seat.workspace.id,
            col(InviteRow.role).in_([str(role) for role in roles]),
        )
        .returning(col(InviteRow.role))
    )
    if gone is None:
        raise InviteNotFound
    await note(session, _entry(seat, code, actor_id, Action.INVITE_WITHDRAWN, before={"role": gone}))


async def accept(session: AsyncSession, user_id: UUID, code: str) -> Membership:
    """Who is in already stays as they are, and the code is not used up.

    Raises InviteNotFound, InviteExpired, MemberDeactivated or Banned.
    """
    invite = await session.get(InviteRow, code)
    if invite is None:
        raise InviteNotFound
    try:
        seat = await access_workspace(session, user_id, invite.workspace_id)
    except NotFound:
        return await _use(session, invite, user_id)
    return Membership(workspace=seat.workspace.view(), role=seat.role)


async def _use(session: AsyncSession, invite: InviteRow, user_id: UUID) -> Membership:
    workspace = await session.get_one(WorkspaceRow, invite.workspace_id, with_for_update={"key_share": True})
    member = await session.get(WorkspaceMemberRow, (workspace.id, user_id))
    if member is not None:
        return Membership(workspace=workspace.view(), role=member.rank)
    if await session.get(DeactivatedMemberRow, (workspace.id, user_id)) is not None:
        raise MemberDeactivated
    locked = await session.get(InviteRow, invite.code, populate_existing=True, with_for_update=True)
    if locked is None:
        raise InviteNotFound
    if locked.expires_at <= now() or (locked.max_uses is not None and locked.uses >= locked.max_uses):
        raise InviteExpired
    user = await session.get_one(UserRow, user_id)
    locked.uses += 1
    session.add(locked)
    await admit(session, workspace, user, Role(invite.role), actor_id=user_id)
    welcome = Welcome(
        workspace_id=workspace.id,
        role=Role(locked.role),
        host_id=locked.created_by,
        channel_ids=locked.channel_ids,
    )
    await join_first_channels(session, welcome, user, actor_id=user_id)
    return Membership(workspace=workspace.view(), role=Role(invite.role))
