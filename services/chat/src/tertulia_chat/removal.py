"""Seeing people off: out of a channel, and out of a workspace with all its channels.

Who moderates acts on those below them only: by the role in the workspace and, where that is the same, by whether the
channel is theirs. So nobody acts on themselves, and a workspace keeps its owners.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, delete, select

from tertulia_chat import membership
from tertulia_chat.access import ChannelSeat, access_channel
from tertulia_chat.audit import Action, Entry, Target, note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.errors import DirectChannel, NotOutranked
from tertulia_chat.notices import give_notice
from tertulia_chat.permissions import Permission, outranks
from tertulia_chat.tables import ChannelMemberRow, ChannelRow, InviteRow, NoticeRow, WorkspaceMemberRow, WorkspaceRow
from tertulia_shared.events import LeaveReason, NoticeKind, Removal, Role
from tertulia_shared.problems import Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is in a channel's workspace (None: nothing), and their place in the channel, if they have one."""

    role: Role | None
    member: ChannelMemberRow | None

    @property
    def owns(self) -> bool:
        return self.member is not None and self.member.role == Role.OWNER and self.role != Role.GUEST


async def standing_of(session: AsyncSession, channel: ChannelRow, user_id: UUID) -> Standing:
    """True until the transaction ends when the channel and the person's seat are held."""
    member = and_(col(ChannelMemberRow.channel_id) == channel.id, col(ChannelMemberRow.user_id) == user_id)
    query = (
        select(WorkspaceMemberRow.role, ChannelMemberRow)
        .outerjoin(ChannelMemberRow, member)
        .where(col(WorkspaceMemberRow.workspace_id) == channel.workspace_id, col(WorkspaceMemberRow.user_id) == user_id)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    return Standing(None, None) if found is None else Standing(Role(found[0]), found[1])


def check_outranks(seat: ChannelSeat, theirs: Standing) -> None:
    """Raises NotOutranked."""
    if theirs.role is None or outranks(seat.role, theirs.role):
        return
    if seat.role != theirs.role or theirs.owns or not seat.owns:
        raise NotOutranked


def check_no_bot(user_id: UUID) -> None:
    """Raises Forbidden."""
    if user_id == BOT_ID:
        raise Forbidden("The bot answers for who asks it; act on them.")


async def kick(session: AsyncSession, caller_id: UUID, channel_id: UUID, user_id: UUID, reason: str = "") -> None:
    """Out of a channel; they may come back as they came. Raises NotFound, DirectChannel, Forbidden, NotOutranked."""
    seat = await access_channel(session, caller_id, channel_id, lock=True, holding=[user_id])
    channel = seat.channel
    if channel.is_direct:
        raise DirectChannel
    seat.require_permission(Permission.KICK_MEMBERS)
    check_no_bot(user_id)
    theirs = await standing_of(session, channel, user_id)
    if theirs.member is None:
        raise NotFound
    check_outranks(seat, theirs)
    notice = NoticeRow(
        user_id=user_id,
        workspace_id=channel.workspace_id,
        channel_id=channel.id,
        kind=NoticeKind.KICKED,
        reason=reason,
    )
    await give_notice(session, notice)
    await membership.remove_person(
        session, channel, user_id, reason=LeaveReason.REMOVED, removal=Removal.KICKED, actor_id=caller_id
    )
    entry = Entry(
        workspace_id=channel.workspace_id,
        actor_id=caller_id,
        action=Action.CHANNEL_MEMBER_REMOVED,
        target_type=Target.USER,
        target_id=user_id,
        channel_id=channel.id,
        reason=reason or None,
    )
    await note(session, entry)


async def vacate(
    session: AsyncSession,
    workspace: WorkspaceRow,
    member: WorkspaceMemberRow,
    reason: LeaveReason,
    actor_id: UUID,
    removal: Removal | None = None,
) -> list[ChannelMemberRow]:
    """Take a held seat in a locked workspace away, and the person out of every channel; answers what they were there.

    Their invitations go too, or they would come back by one. The workspace is told by the caller.
    """
    user_id = member.user_id
    await session.execute(
        delete(InviteRow).where(col(InviteRow.workspace_id) == workspace.id, col(InviteRow.created_by) == user_id)
    )
    places = await session.scalars(
        select(ChannelMemberRow).where(
            col(ChannelMemberRow.workspace_id) == workspace.id, col(ChannelMemberRow.user_id) == user_id
        )
    )
    were = {place.channel_id: place for place in places}
    channels = await membership.lock_channels(session, were)
    left = await membership.remove_from_channels(
        session, channels, user_id, reason=reason, removal=removal, actor_id=actor_id
    )
    await session.delete(member)
    await session.flush()
    return [were[channel.id] for channel in left]
