"""Codes that let people in, and the channels that they come into.

| who comes           | joins                                                                           |
|---------------------|---------------------------------------------------------------------------------|
| admin, member       | every default channel                                                           |
| guest               | the channels that the invitation names, as far as its maker may still let them in |
| guest, none said    | the public `general`, as before invitations could name channels                 |

Nobody comes into an archived channel, or into one that they are banned from; who is banned from the workspace does not
come in at all.
"""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, delete, or_, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat, access_channel, access_workspace
from tertulia_chat.audit import Action, Entry, Target, fingerprint, note
from tertulia_chat.errors import ChannelArchived, DirectChannel, InviteExpired, InviteNotFound, MemberDeactivated
from tertulia_chat.sanctions import is_banned
from tertulia_chat.tables import (
    ChannelMemberRow,
    ChannelRow,
    DeactivatedMemberRow,
    InviteRow,
    UserRow,
    WorkspaceMemberRow,
    WorkspaceRow,
    now,
)
from tertulia_chat.workspaces.inviting import check_may_make, checked_makeable
from tertulia_chat.workspaces.members import admit
from tertulia_chat.workspaces.queries import view_invite
from tertulia_chat.workspaces.schemas import Invite, Membership, NewInvite
from tertulia_shared.events import ChannelKind, Role
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed

GENERAL = "general"


async def create(session: AsyncSession, seat: WorkspaceSeat, wish: NewInvite, actor_id: UUID) -> Invite:
    """Nobody invites above themselves, and nobody becomes owner by a code.

    Raises Forbidden, ValidationFailed; for a channel NotFound, DirectChannel, ChannelArchived.
    """
    if wish.role == Role.OWNER:
        checked_makeable(seat)
        raise ValidationFailed(errors=[FieldError(detail="Nobody becomes owner by an invitation.", pointer="/role")])
    check_may_make(seat, wish.role)
    row = InviteRow(
        code=secrets.token_urlsafe(9),
        workspace_id=seat.workspace.id,
        role=wish.role,
        max_uses=wish.max_uses,
        expires_at=now() + timedelta(seconds=wish.expires_in_s),
        created_by=actor_id,
        channel_ids=await _checked_channels(session, seat, wish, actor_id),
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


async def _checked_channels(
    session: AsyncSession, seat: WorkspaceSeat, wish: NewInvite, actor_id: UUID
) -> list[UUID] | None:
    if wish.channel_ids is None:
        return None
    if wish.role != Role.GUEST:
        detail = "Only an invitation for guests names channels."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/channel_ids")])
    chosen = sorted(set(wish.channel_ids))
    for channel_id in chosen:
        channel = (await access_channel(session, actor_id, channel_id)).channel
        if channel.workspace_id != seat.workspace.id:
            raise NotFound
        if channel.is_direct:
            raise DirectChannel
        if channel.archived_at is not None:
            raise ChannelArchived
    return chosen


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
    await admit(session, workspace, user, Role(invite.role))
    await _join_first_channels(session, locked, user)
    return Membership(workspace=workspace.view(), role=Role(invite.role))


async def _join_first_channels(session: AsyncSession, invite: InviteRow, user: UserRow) -> None:
    query = select(ChannelRow.id).where(
        col(ChannelRow.workspace_id) == invite.workspace_id,
        col(ChannelRow.archived_at).is_(None),
        ~is_banned(user.id, col(ChannelRow.id)),
        _comes_into(invite),
    )
    held = await membership.lock_channels(session, await session.scalars(query))
    # Asked again: until it was held, a channel may have been archived, made private or no longer be a default one.
    still = set(await session.scalars(query))
    channels = [channel for channel in held if channel.id in still]
    await membership.add_to_channels(session, channels, [user], role=Role.MEMBER, actor_id=user.id)


def _comes_into(invite: InviteRow) -> ColumnElement[bool]:
    public = col(ChannelRow.kind) == ChannelKind.PUBLIC
    if invite.role != Role.GUEST:
        return and_(public, col(ChannelRow.is_default))
    if invite.channel_ids is None:
        return and_(public, col(ChannelRow.name) == GENERAL)
    makers = select(ChannelMemberRow.channel_id).where(
        col(ChannelMemberRow.user_id) == invite.created_by,
        col(ChannelMemberRow.workspace_id) == invite.workspace_id,
    )
    return and_(col(ChannelRow.id).in_(invite.channel_ids), or_(public, col(ChannelRow.id).in_(makers)))
