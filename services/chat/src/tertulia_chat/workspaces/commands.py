"""Founding workspaces, letting people in and seeing them off.

Whoever changes a workspace locks its row before seats, seats before invitations and channels. The seats that come in
here are locked (`access_workspace(lock=True)`).
"""

import re
import secrets
import unicodedata
from datetime import timedelta
from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, func, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat, access_workspace
from tertulia_chat.bot import BOT_ID, seat_bot
from tertulia_chat.errors import InviteExpired, InviteNotFound, LastOwner, SlugTaken
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import (
    ChannelMemberRow,
    ChannelRow,
    InviteRow,
    UserRow,
    WorkspaceMemberRow,
    WorkspaceRow,
    now,
)
from tertulia_chat.workspaces.queries import view_invite
from tertulia_chat.workspaces.schemas import Invite, Membership, NewInvite
from tertulia_shared.events import (
    ChannelKind,
    Fact,
    LeaveReason,
    Role,
    Workspace,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
    WorkspaceUpdated,
)
from tertulia_shared.problems import FieldError, Forbidden, NotFound, ValidationFailed

GENERAL = "general"
_SLUG_LENGTH = 32


async def found(session: AsyncSession, founder_id: UUID, name: str, slug: str | None) -> Workspace:
    """A workspace with its owner and the bot, and the owner in the public channel `general`. Raises SlugTaken."""
    founder = await _person(session, founder_id)
    workspace = WorkspaceRow(name=name.strip(), slug=slug or slug_from(name), created_by=founder_id)
    session.add(workspace)
    try:
        await session.flush()
    except IntegrityError as error:
        raise SlugTaken from error
    await _admit(session, workspace, founder, Role.OWNER)
    await seat_bot(session, workspace.id)
    general = ChannelRow(workspace_id=workspace.id, kind=ChannelKind.PUBLIC, name=GENERAL, created_by=founder_id)
    await membership.open_channel(session, general, [founder], actor_id=founder_id)
    return workspace.view()


def slug_from(name: str) -> str:
    """Readable, and unlike anybody else's."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-")
    return f"{words or 'team'}-{secrets.token_hex(3)}"


async def update(session: AsyncSession, seat: WorkspaceSeat, name: str | UnsetType, actor_id: UUID) -> Workspace:
    """Raises Forbidden below admin."""
    seat.require(Role.ADMIN)
    if name is not UNSET:
        seat.workspace.name = str(name).strip()
        session.add(seat.workspace)
        await session.flush()
        await record(
            session, _to_workspace(WorkspaceUpdated(workspace=seat.workspace.view()), seat.workspace, actor_id)
        )
    return seat.workspace.view()


async def create_invite(session: AsyncSession, seat: WorkspaceSeat, wish: NewInvite, actor_id: UUID) -> Invite:
    """Raises Forbidden below admin; nobody invites above themselves, and nobody becomes owner by a code."""
    seat.require(Role.ADMIN)
    if wish.role == Role.OWNER:
        detail = "An invitation makes an admin, a member or a guest."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/role")])
    row = InviteRow(
        code=secrets.token_urlsafe(9),
        workspace_id=seat.workspace.id,
        role=wish.role,
        max_uses=wish.max_uses,
        expires_at=now() + timedelta(seconds=wish.expires_in_s),
        created_by=actor_id,
    )
    session.add(row)
    await session.flush()
    return view_invite(row)


async def withdraw_invite(session: AsyncSession, seat: WorkspaceSeat, code: str) -> None:
    """Raises Forbidden below admin, InviteNotFound."""
    seat.require(Role.ADMIN)
    gone = await session.scalar(
        delete(InviteRow)
        .where(col(InviteRow.code) == code, col(InviteRow.workspace_id) == seat.workspace.id)
        .returning(col(InviteRow.code))
    )
    if gone is None:
        raise InviteNotFound


async def accept_invite(session: AsyncSession, user_id: UUID, code: str) -> Membership:
    """Who is in already stays as they are, and the code is not used up. Raises InviteNotFound or InviteExpired."""
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
    locked = await session.get(InviteRow, invite.code, populate_existing=True, with_for_update=True)
    if locked is None:
        raise InviteNotFound
    if locked.expires_at <= now() or (locked.max_uses is not None and locked.uses >= locked.max_uses):
        raise InviteExpired
    user = await _person(session, user_id)
    locked.uses += 1
    session.add(locked)
    await _admit(session, workspace, user, Role(invite.role))
    await _join_general(session, workspace, user)
    return Membership(workspace=workspace.view(), role=Role(invite.role))


async def remove_member(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, actor_id: UUID) -> None:
    """See somebody off, out of every channel; their invitations go too, or they would come back by one.

    Raises NotFound, Forbidden or LastOwner.
    """
    workspace = seat.workspace
    if user_id == BOT_ID:
        raise Forbidden("The bot belongs to every workspace.")
    member = await session.get(
        WorkspaceMemberRow, (workspace.id, user_id), populate_existing=True, with_for_update=True
    )
    if member is None:
        raise NotFound
    own = user_id == actor_id
    if not own:
        _check_may_remove(seat, member)
    if member.rank == Role.OWNER and await _owners(session, workspace.id) == 1:
        raise LastOwner
    reason = LeaveReason.LEFT if own else LeaveReason.REMOVED
    await session.execute(
        delete(InviteRow).where(col(InviteRow.workspace_id) == workspace.id, col(InviteRow.created_by) == user_id)
    )
    theirs = await session.scalars(
        select(ChannelMemberRow.channel_id).where(
            col(ChannelMemberRow.workspace_id) == workspace.id, col(ChannelMemberRow.user_id) == user_id
        )
    )
    for channel in await membership.lock_channels(session, theirs):
        await membership.remove_person(session, channel, user_id, reason=reason, actor_id=actor_id)
    await session.delete(member)
    await session.flush()
    fact = WorkspaceMemberLeft(user_id=str(user_id), reason=reason)
    await record(session, _to_workspace(fact, workspace, actor_id))


def _check_may_remove(seat: WorkspaceSeat, member: WorkspaceMemberRow) -> None:
    seat.require(Role.ADMIN)
    if not seat.outranks(member.rank) and seat.role != Role.OWNER:
        raise Forbidden("Only an owner removes an admin or an owner.")


async def _owners(session: AsyncSession, workspace_id: UUID) -> int:
    query = select(func.count()).where(
        col(WorkspaceMemberRow.workspace_id) == workspace_id, col(WorkspaceMemberRow.role) == Role.OWNER
    )
    return (await session.scalar(query)) or 0


async def _admit(session: AsyncSession, workspace: WorkspaceRow, user: UserRow, role: Role) -> None:
    session.add(WorkspaceMemberRow(workspace_id=workspace.id, user_id=user.id, role=role))
    await session.flush()
    await record(session, _to_workspace(WorkspaceMemberJoined(user=user.view(), role=role), workspace, user.id))


async def _join_general(session: AsyncSession, workspace: WorkspaceRow, user: UserRow) -> None:
    general_id = await session.scalar(
        select(ChannelRow.id).where(
            col(ChannelRow.workspace_id) == workspace.id,
            col(ChannelRow.name) == GENERAL,
            col(ChannelRow.kind) == ChannelKind.PUBLIC,
            col(ChannelRow.archived_at).is_(None),
        )
    )
    if general_id is not None:
        (general,) = await membership.lock_channels(session, [general_id])
        await membership.add_people(session, general, [user], role=Role.MEMBER, actor_id=user.id)


async def _person(session: AsyncSession, user_id: UUID) -> UserRow:
    return await session.get_one(UserRow, user_id)


def _to_workspace(fact: Fact, workspace: WorkspaceRow, actor_id: UUID) -> NewEvent:
    return NewEvent(
        fact=fact, workspace_id=str(workspace.id), scope="ws", scope_id=str(workspace.id), actor_id=str(actor_id)
    )
