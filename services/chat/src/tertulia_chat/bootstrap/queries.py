"""One reading of a workspace for one person."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, select

from tertulia_chat.access import access_workspace
from tertulia_chat.bootstrap.schemas import Bootstrap, FormerPerson, JoinedChannel, Person
from tertulia_chat.membership import people_of
from tertulia_chat.sanctions import mute_in_force
from tertulia_chat.tables import (
    ChannelMemberRow,
    ChannelRow,
    DeactivatedMemberRow,
    SanctionRow,
    SidebarRow,
    UserRow,
    WorkspaceMemberRow,
    now,
    untouched,
)
from tertulia_chat.unread import direct, mentions_in_channel, unread_in_channel
from tertulia_shared.events import Role

_CURSOR = ("channel_member.user_id", "channel_member.channel_id", "channel_member.read_seq")
_UNREAD = sa.literal_column(
    f"CASE WHEN channel.last_msg_seq > channel_member.read_seq THEN {unread_in_channel(*_CURSOR)} ELSE 0 END"
)
_MENTIONS = sa.literal_column(
    f"CASE WHEN channel.last_msg_seq > channel_member.read_seq AND NOT {direct('channel.kind')} "
    f"THEN {mentions_in_channel(*_CURSOR)} ELSE 0 END"
)


async def read(session: AsyncSession, user_id: UUID, workspace_id: UUID, cursor: str | None) -> Bootstrap:
    """`cursor` was taken before. Raises NotFound."""
    seat = await access_workspace(session, user_id, workspace_id)
    me, arranged = await _myself(session, user_id, workspace_id)
    found = await _my_channels(session, user_id, workspace_id)
    joined = {state.channel.id: joined_seq for state, joined_seq in found}
    members, former = await _people(session, workspace_id)
    return Bootstrap(
        cursor=cursor,
        me=me.view_me(),
        workspace=seat.workspace.view(),
        role=seat.role,
        channels=[state for state, _ in found],
        sidebar=arranged.view(joined) if arranged else untouched(),
        members=members,
        former=former,
        server_time=now(),
    )


async def _myself(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> tuple[UserRow, SidebarRow | None]:
    mine = and_(col(SidebarRow.user_id) == col(UserRow.id), col(SidebarRow.workspace_id) == workspace_id)
    query = select(UserRow, SidebarRow).outerjoin(SidebarRow, mine).where(col(UserRow.id) == user_id)
    user, sidebar = (await session.execute(query)).one()
    return user, sidebar


async def _my_channels(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> list[tuple[JoinedChannel, int]]:
    """Each with my `joined_seq`."""
    query = (
        sa.select(ChannelRow, ChannelMemberRow, _UNREAD, _MENTIONS, col(SanctionRow.until))
        .join(ChannelMemberRow, col(ChannelMemberRow.channel_id) == col(ChannelRow.id))
        .outerjoin(SanctionRow, mute_in_force(col(ChannelMemberRow.channel_id), col(ChannelMemberRow.user_id)))
        .where(col(ChannelMemberRow.user_id) == user_id, col(ChannelMemberRow.workspace_id) == workspace_id)
        .order_by(col(ChannelRow.id))
    )
    found = list(await session.execute(query))
    people = await people_of(session, [channel.id for channel, *_ in found if channel.is_direct])
    return [
        (
            JoinedChannel(
                channel=channel.view(people.get(channel.id, [])),
                joined=True,
                member_count=channel.member_count,
                read_seq=member.read_seq,
                unread=unread,
                mentions=unread if channel.is_direct else mentions,
                preferences=member.view_preferences(),
                muted_until=muted_until,
            ),
            member.joined_seq,
        )
        for channel, member, unread, mentions, muted_until in found
    ]


async def _people(session: AsyncSession, workspace_id: UUID) -> tuple[list[Person], list[FormerPerson]]:
    """Who belongs to it, and who did and is deactivated."""
    seats = sa.union_all(
        sa.select(
            col(WorkspaceMemberRow.user_id), col(WorkspaceMemberRow.role), sa.null().label("deactivated_at")
        ).where(col(WorkspaceMemberRow.workspace_id) == workspace_id),
        sa.select(
            col(DeactivatedMemberRow.user_id), col(DeactivatedMemberRow.role), col(DeactivatedMemberRow.deactivated_at)
        ).where(col(DeactivatedMemberRow.workspace_id) == workspace_id),
    ).subquery()
    query = (
        sa.select(UserRow, seats.c.role, seats.c.deactivated_at, col(SanctionRow.until))
        .join(seats, seats.c.user_id == col(UserRow.id))
        .outerjoin(SanctionRow, mute_in_force(workspace_id, col(UserRow.id)))
        .order_by(col(UserRow.id))
    )
    members: list[Person] = []
    former: list[FormerPerson] = []
    for user, role, deactivated_at, muted_until in await session.execute(query):
        if deactivated_at is None:
            members.append(Person(user=user.view(), role=Role(role), muted_until=muted_until))
        else:
            former.append(FormerPerson(user=user.view(), deactivated_at=deactivated_at))
    return members, former
