"""One reading of a workspace for one person."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, select

from tertulia_chat.access import access_workspace
from tertulia_chat.bootstrap.schemas import Bootstrap, FormerPerson, JoinedChannel, Person
from tertulia_chat.database import fetch
from tertulia_chat.membership import people_of
from tertulia_chat.sanctions import mute_joined_in_sql
from tertulia_chat.tables import ChannelMemberRow, ChannelRow, Fetched, SidebarRow, UserRow, now, untouched
from tertulia_chat.unread import direct, mentions_in_channel, unread_in_channel
from tertulia_shared.events import Role

_CHANNELS = Fetched(ChannelRow)
_SEATS = Fetched(ChannelMemberRow)
_OWN = ("email", "password_hash", "preferences", "presence", "dnd_until", "time_zone", "quiet_starts", "quiet_ends")
_USERS = Fetched(UserRow, without=_OWN)

_CURSOR = ("m.user_id", "m.channel_id", "m.read_seq")
_MINE = f"""
    SELECT {_CHANNELS.columns("c")}, {_SEATS.columns("m")}, c.id AS place,
        CASE WHEN c.last_msg_seq > m.read_seq THEN {unread_in_channel(*_CURSOR)} ELSE 0 END AS unread,
        CASE WHEN c.last_msg_seq > m.read_seq AND NOT {direct("c.kind")} THEN {mentions_in_channel(*_CURSOR)} ELSE 0 END
            AS mentions,
        mute.until AS muted_until
    FROM channel_member m JOIN channel c ON c.id = m.channel_id
    {mute_joined_in_sql(place="m.channel_id", user="m.user_id")}
    WHERE m.user_id = $1 AND m.workspace_id = $2 ORDER BY c.id
"""  # noqa: S608 composed of constants only
# Who belongs to it, and who did and is deactivated: these have a `left_at`.
_PEOPLE = f"""
    SELECT {_USERS.columns("u")}, seat.role, seat.left_at, mute.until AS muted_until
    FROM (
        SELECT user_id, role, NULL AS left_at FROM workspace_member WHERE workspace_id = $1
        UNION ALL SELECT user_id, role, deactivated_at FROM deactivated_member WHERE workspace_id = $1
    ) AS seat JOIN user_account u ON u.id = seat.user_id
    {mute_joined_in_sql(place="$1", user="u.id")}
    ORDER BY u.id
"""  # noqa: S608 composed of constants only


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
    found = [
        (_CHANNELS.row(record), _SEATS.row(record[len(_CHANNELS) :]), record)
        for record in await fetch(session, _MINE, user_id, workspace_id)
    ]
    people = await people_of(session, [record["place"] for channel, _, record in found if channel.is_direct])
    return [
        (
            JoinedChannel(
                channel=channel.view(people.get(record["place"], [])),
                joined=True,
                member_count=channel.member_count,
                read_seq=seat.read_seq,
                unread=record["unread"],
                mentions=record["unread" if channel.is_direct else "mentions"],
                preferences=seat.view_preferences(),
                muted_until=record["muted_until"],
            ),
            seat.joined_seq,
        )
        for channel, seat, record in found
    ]


async def _people(session: AsyncSession, workspace_id: UUID) -> tuple[list[Person], list[FormerPerson]]:
    """Who belongs to it, and who did and is deactivated."""
    members: list[Person] = []
    former: list[FormerPerson] = []
    for record in await fetch(session, _PEOPLE, workspace_id):
        user = _USERS.row(record).view()
        if record["left_at"] is None:
            members.append(Person(user=user, role=Role(record["role"]), muted_until=record["muted_until"]))
        else:
            former.append(FormerPerson(user=user, deactivated_at=record["left_at"]))
    return members, former
