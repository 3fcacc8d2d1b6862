"""Reading messages and a channel's events."""

from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import ChannelSeat
from tertulia_chat.errors import EventsExpired
from tertulia_chat.messages.schemas import EventPage, MessagePage
from tertulia_chat.tables import MessageRow

_EVENTS = sa.text("""
    SELECT ch_seq, body FROM event_log
    WHERE channel_id = :channel_id AND ch_seq > :after ORDER BY ch_seq LIMIT :limit
""")


_BESIDE = sa.text("""
    SELECT EXISTS (SELECT FROM message WHERE channel_id = :channel_id AND ch_seq < :first) AS has_before,
        EXISTS (SELECT FROM message WHERE channel_id = :channel_id AND ch_seq > :last) AS has_after
""")


async def newest(session: AsyncSession, seat: ChannelSeat, limit: int) -> MessagePage:
    return await before(session, seat, seat.channel.last_seq + 1, limit)


async def before(session: AsyncSession, seat: ChannelSeat, seq: int, limit: int) -> MessagePage:
    """The last ones with a smaller number."""
    return await _page(session, seat, await _downwards(session, seat.channel.id, seq, limit), below=seq)


async def after(session: AsyncSession, seat: ChannelSeat, seq: int, limit: int) -> MessagePage:
    """The first ones with a greater number."""
    return await _page(session, seat, await _upwards(session, seat.channel.id, seq, limit), below=seq + 1)


async def around(session: AsyncSession, seat: ChannelSeat, seq: int, limit: int) -> MessagePage:
    """Up to half from that number downwards, the rest above it; one side's lack is made up by the other."""
    channel_id = seat.channel.id
    lower = await _downwards(session, channel_id, seq + 1, limit)
    upper = await _upwards(session, channel_id, seq, limit)
    take_lower = max(limit - len(upper), (limit + 1) // 2)
    lower = lower[-take_lower:]
    rows = [*lower, *upper[: limit - len(lower)]]
    return await _page(session, seat, rows, below=seq + 1)


async def _downwards(session: AsyncSession, channel_id: UUID, below: int, limit: int) -> list[MessageRow]:
    rows = await session.scalars(
        select(MessageRow)
        .where(col(MessageRow.channel_id) == channel_id, col(MessageRow.ch_seq) < below)
        .order_by(col(MessageRow.ch_seq).desc())
        .limit(limit)
    )
    return list(rows)[::-1]


async def _upwards(session: AsyncSession, channel_id: UUID, above: int, limit: int) -> list[MessageRow]:
    rows = await session.scalars(
        select(MessageRow)
        .where(col(MessageRow.channel_id) == channel_id, col(MessageRow.ch_seq) > above)
        .order_by(col(MessageRow.ch_seq))
        .limit(limit)
    )
    return list(rows)


async def _page(session: AsyncSession, seat: ChannelSeat, rows: list[MessageRow], *, below: int) -> MessagePage:
    """`below` parts the channel where the page is empty."""
    first = rows[0].ch_seq if rows else below
    last = rows[-1].ch_seq if rows else below - 1
    values = {"channel_id": seat.channel.id, "first": first, "last": last}
    beside = (await session.execute(_BESIDE, values)).one()
    return MessagePage(items=[row.view() for row in rows], has_before=beside.has_before, has_after=beside.has_after)


async def events(session: AsyncSession, seat: ChannelSeat, seq: int, limit: int) -> EventPage:
    """Every numbered event above `seq`, without a gap. Raises EventsExpired when the log begins later."""
    last_seq = seat.channel.last_seq
    found = (await session.execute(_EVENTS, {"channel_id": seat.channel.id, "after": seq, "limit": limit + 1})).all()
    if (found and found[0].ch_seq != seq + 1) or (not found and seq < last_seq):
        raise EventsExpired
    items = [msgspec.Raw(row.body.encode()) for row in found[:limit]]
    return EventPage(items=items, last_seq=max(last_seq, found[-1].ch_seq if found else 0), has_more=len(found) > limit)
