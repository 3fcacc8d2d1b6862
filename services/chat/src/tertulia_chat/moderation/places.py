"""Where something is laid on somebody, and who they are there; all of it locked until the transaction ends."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import access_channel, access_workspace
from tertulia_chat.errors import DirectChannel, NotOutranked
from tertulia_chat.permissions import Permission
from tertulia_chat.removal import check_no_bot, check_outranks, standing_of
from tertulia_chat.tables import ChannelMemberRow, ChannelRow, SanctionKind, UserRow, WorkspaceMemberRow, WorkspaceRow
from tertulia_shared.problems import NotFound

NEEDED = {SanctionKind.BAN: Permission.BAN_MEMBERS, SanctionKind.MUTE: Permission.MUTE_MEMBERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class InChannel:
    """`member` is None for who is not in it, `belongs` whether they are in the workspace."""

    actor_id: UUID
    user: UserRow
    channel: ChannelRow
    member: ChannelMemberRow | None
    belongs: bool

    @property
    def id(self) -> UUID:
        return self.channel.id

    @property
    def workspace_id(self) -> UUID:
        return self.channel.workspace_id

    @property
    def channel_id(self) -> UUID | None:
        return self.channel.id


@dataclass(frozen=True, slots=True, kw_only=True)
class InWorkspace:
    """`member` is None for who is not in it."""

    actor_id: UUID
    user: UserRow
    workspace: WorkspaceRow
    member: WorkspaceMemberRow | None

    @property
    def id(self) -> UUID:
        return self.workspace.id

    @property
    def workspace_id(self) -> UUID:
        return self.workspace.id

    @property
    def channel_id(self) -> UUID | None:
        return None

    @property
    def belongs(self) -> bool:
        return self.member is not None


Place = InChannel | InWorkspace


async def hold_in_channel(
    session: AsyncSession, actor_id: UUID, channel_id: UUID, user_id: UUID, kind: SanctionKind
) -> InChannel:
    """Raises NotFound, DirectChannel, Forbidden, NotOutranked."""
    seat = await access_channel(session, actor_id, channel_id, lock=True, holding=[user_id])
    if seat.channel.is_direct:
        raise DirectChannel
    seat.require_permission(NEEDED[kind])
    theirs = await standing_of(session, seat.channel, user_id)
    user = await _person(session, user_id)
    check_outranks(seat, theirs)
    belongs = theirs.role is not None
    return InChannel(actor_id=actor_id, user=user, channel=seat.channel, member=theirs.member, belongs=belongs)


async def hold_in_workspace(
    session: AsyncSession, actor_id: UUID, workspace_id: UUID, user_id: UUID, kind: SanctionKind
) -> InWorkspace:
    """Raises NotFound, Forbidden, NotOutranked."""
    seat = await access_workspace(session, actor_id, workspace_id, lock=True)
    seat.require_permission(NEEDED[kind])
    user = await _person(session, user_id)
    member = await session.get(
        WorkspaceMemberRow, (workspace_id, user_id), populate_existing=True, with_for_update=True
    )
    if member is not None and not seat.outranks(member.rank):
        raise NotOutranked
    return InWorkspace(actor_id=actor_id, user=user, workspace=seat.workspace, member=member)


async def _person(session: AsyncSession, user_id: UUID) -> UserRow:
    check_no_bot(user_id)
    user = await session.get(UserRow, user_id)
    if user is None:
        raise NotFound
    return user
