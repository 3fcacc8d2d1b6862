"""Reading channels and their members."""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, or_, select

from tertulia_chat.access import ChannelSeat, WorkspaceSeat
from tertulia_chat.channels.checks import as_stored
from tertulia_chat.channels.schemas import ChannelFilter, ChannelMember, ChannelMemberPage, ChannelPage, ChannelState
from tertulia_chat.membership import people_of, view_channel
from tertulia_chat.sanctions import is_banned, mute_in_force
from tertulia_chat.tables import ChannelMemberRow, ChannelRow, SanctionRow, UserRow
from tertulia_shared.events import ChannelKind, Role


async def state(session: AsyncSession, seat: ChannelSeat) -> ChannelState:
    channel = seat.channel
    view = await view_channel(session, channel)
    return ChannelState(channel=view, joined=seat.member is not None, member_count=channel.member_count)


async def channels_page(
    session: AsyncSession,
    seat: WorkspaceSeat,
    user_id: UUID,
    *,
    name: str,
    only: ChannelFilter | None,
    limit: int,
    after: UUID | None,
) -> ChannelPage:
    """The public ones and mine, oldest first. A guest finds only those they are in, a name finds no direct ones."""
    mine = and_(col(ChannelMemberRow.channel_id) == col(ChannelRow.id), col(ChannelMemberRow.user_id) == user_id)
    joined = col(ChannelMemberRow.user_id).is_not(None)
    public = and_(col(ChannelRow.kind) == ChannelKind.PUBLIC, ~is_banned(user_id, col(ChannelRow.id)))
    visible = joined if seat.role == Role.GUEST else or_(joined, public)
    query = (
        select(ChannelRow, joined.label("joined"))
        .outerjoin(ChannelMemberRow, mine)
        .where(col(ChannelRow.workspace_id) == seat.workspace.id, visible, *_wanted(name, only, joined))
        .order_by(col(ChannelRow.id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(ChannelRow.id) > after)
    found = list(await session.execute(query))
    people = await people_of(session, [channel.id for channel, _ in found if channel.is_direct])
    items = [
        ChannelState(channel=channel.view(people.get(channel.id, [])), joined=joined, member_count=channel.member_count)
        for channel, joined in found[:limit]
    ]
    return ChannelPage(items=items, next=items[-1].channel.id if len(found) > limit else None)


def _wanted(name: str, only: ChannelFilter | None, joined: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    archived = col(ChannelRow.archived_at).is_not(None)
    wanted: list[ColumnElement[bool]] = []
    if words := as_stored(name.strip()):
        wanted.append(col(ChannelRow.name).contains(words, autoescape=True))
    match only:
        case ChannelFilter.JOINED:
            wanted += [joined, ~archived]
        case ChannelFilter.PUBLIC:
            wanted += [col(ChannelRow.kind) == ChannelKind.PUBLIC, ~archived]
        case ChannelFilter.ARCHIVED:
            wanted.append(archived)
        case None:
            pass
    return wanted


async def members_page(session: AsyncSession, channel_id: UUID, limit: int, after: UUID | None) -> ChannelMemberPage:
    query = (
        select(ChannelMemberRow, UserRow, col(SanctionRow.until))
        .join(UserRow, col(UserRow.id) == col(ChannelMemberRow.user_id))
        .outerjoin(SanctionRow, mute_in_force(col(ChannelMemberRow.channel_id), col(ChannelMemberRow.user_id)))
        .where(col(ChannelMemberRow.channel_id) == channel_id)
        .order_by(col(ChannelMemberRow.user_id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(ChannelMemberRow.user_id) > after)
    found = list(await session.execute(query))
    items = [
        ChannelMember(user=user.view(), role=Role(member.role), joined_at=member.joined_at, muted_until=until)
        for member, user, until in found[:limit]
    ]
    return ChannelMemberPage(items=items, next=items[-1].user.id if len(found) > limit else None)
