"""Whom a message to everybody in a channel reaches: how many people, on how many clocks.

Numbers only, and of a direct conversation until when the other one is in quiet hours, if they are: what people want of
their days is otherwise theirs alone.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import access_channel
from tertulia_chat.channels.schemas import Reach
from tertulia_chat.clocks import clocks_in, quiet_until
from tertulia_chat.tables import ChannelMemberRow, UserRow, now
from tertulia_shared.events import ChannelKind, UserKind


async def reach(session: AsyncSession, user_id: UUID, channel_id: UUID) -> Reach:
    """For who is in it. Raises NotFound, NotAMember."""
    seat = await access_channel(session, user_id, channel_id)
    seat.require_member()
    moment = now()
    people = await _people_by_zone(session, user_id, channel_id)
    direct = seat.channel.kind == ChannelKind.DM
    return Reach(
        people=sum(people.values()),
        time_zones=clocks_in((name for name in people if name is not None), moment),
        quiet_until=await _quiet_until(session, user_id, channel_id, moment) if direct else None,
    )


async def _people_by_zone(session: AsyncSession, user_id: UUID, channel_id: UUID) -> dict[str | None, int]:
    query = (
        select(col(UserRow.time_zone), sa.func.count())
        .join(ChannelMemberRow, col(ChannelMemberRow.user_id) == col(UserRow.id))
        .where(*_others(user_id, channel_id))
        .group_by(col(UserRow.time_zone))
    )
    return {zone: people for zone, people in await session.execute(query)}


async def _quiet_until(session: AsyncSession, user_id: UUID, channel_id: UUID, moment: datetime) -> datetime | None:
    """Of the other one; None also where there is none, in a place for notes."""
    other = await session.scalar(
        select(UserRow)
        .join(ChannelMemberRow, col(ChannelMemberRow.user_id) == col(UserRow.id))
        .where(*_others(user_id, channel_id))
    )
    if other is None or other.time_zone is None or other.quiet_starts is None or other.quiet_ends is None:
        return None
    return quiet_until(other.time_zone, other.quiet_starts, other.quiet_ends, moment)


def _others(user_id: UUID, channel_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    """The people of a channel whom a message of this one is news to."""
    return (
        col(ChannelMemberRow.channel_id) == channel_id,
        col(UserRow.id) != user_id,
        col(UserRow.kind) == UserKind.PERSON,
        col(UserRow.deactivated_at).is_(None),
    )
