"""Letting somebody in who has an account, without a code.

Whom an admin may add is whom they know (`acquaintance`): anybody can found a workspace and is an admin there, so adding
must tell nobody whether a stranger has an account. For the same reason nobody is named by e-mail address, which is not
shown to those who share a workspace either; whoever is not known gets an invitation and comes by themselves.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.acquaintance import known_to
from tertulia_chat.audit import Action, note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.errors import PersonDeactivated
from tertulia_chat.sanctions import laid_on, mute_of
from tertulia_chat.tables import DeactivatedMemberRow, UserRow, WorkspaceMemberRow
from tertulia_chat.workspaces.arrivals import Welcome, checked_channels, join_first_channels
from tertulia_chat.workspaces.inviting import check_may_let_in
from tertulia_chat.workspaces.members import admit, member_entry
from tertulia_chat.workspaces.schemas import AddWorkspaceMember, Member
from tertulia_shared.problems import FieldError, Forbidden, NotFound, ValidationFailed


async def add(
    session: AsyncSession, seat: WorkspaceSeat, wish: AddWorkspaceMember, actor_id: UUID
) -> tuple[Member, bool]:
    """The member, and whether they are new; who is in already stays as they are. The workspace is locked.

    Raises Forbidden, ValidationFailed, NotFound for who is not known, PersonDeactivated, PersonBanned; for a channel
    DirectChannel, ChannelArchived.
    """
    check_may_let_in(seat, wish.role)
    channel_ids = await checked_channels(session, seat, wish.role, wish.channel_ids, actor_id)
    user = await _known_person(session, wish, actor_id)
    member = await session.get(WorkspaceMemberRow, (seat.workspace.id, user.id))
    if member is None:
        member = await _admitted(session, seat, wish, channel_ids, user, actor_id)
        return await _view(session, member, user), True
    return await _view(session, member, user), False


async def _known_person(session: AsyncSession, wish: AddWorkspaceMember, actor_id: UUID) -> UserRow:
    if (wish.user_id is None) == (wish.username is None):
        detail = "Either a user_id or a username."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="")])
    if wish.user_id is not None:
        named = col(UserRow.id) == wish.user_id
    else:
        named = col(UserRow.username) == (wish.username or "").strip().lower()
    user = await session.scalar(select(UserRow).where(named, known_to(actor_id)))
    if user is None:
        raise NotFound
    if user.id == BOT_ID:
        raise Forbidden("The bot belongs to every workspace.")
    return user


async def _admitted(
    session: AsyncSession,
    seat: WorkspaceSeat,
    wish: AddWorkspaceMember,
    channel_ids: list[UUID] | None,
    user: UserRow,
    actor_id: UUID,
) -> WorkspaceMemberRow:
    gone = await session.get(DeactivatedMemberRow, (seat.workspace.id, user.id))
    if gone is not None or user.deactivated_at is not None:
        raise PersonDeactivated
    member = await admit(session, seat.workspace, user, wish.role, actor_id=actor_id)
    welcome = Welcome(workspace_id=seat.workspace.id, role=wish.role, host_id=actor_id, channel_ids=channel_ids)
    await join_first_channels(session, welcome, user, actor_id=actor_id)
    after = {"role": str(wish.role)}
    await note(session, member_entry(seat, user.id, actor_id, Action.MEMBER_ADDED, after=after))
    return member


async def _view(session: AsyncSession, member: WorkspaceMemberRow, user: UserRow) -> Member:
    until = mute_of(await laid_on(session, member.workspace_id, [user.id]), user.id)
    return Member(user=user.view(), role=member.rank, joined_at=member.joined_at, muted_until=until)
