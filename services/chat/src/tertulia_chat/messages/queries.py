"""Reading a channel's events."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import ChannelSeat
from tertulia_chat.errors import EventsExpired
from tertulia_chat.messages.schemas import EventPage

_EVENTS = sa.text("""
    SELECT ch_seq, body FROM event_log
    WHERE channel_id = :channel_id AND ch_seq > :after ORDER BY ch_seq LIMIT :limit
""")


async def events(session: AsyncSession, seat: ChannelSeat, seq: int, limit: int) -> EventPage:
    """Every numbered event above `seq`, without a gap. Raises EventsExpired when the log begins later."""
    last_seq = seat.channel.last_seq
    found = (await session.execute(_EVENTS, {"channel_id": seat.channel.id, "after": seq, "limit": limit + 1})).all()
    if (found and found[0].ch_seq != seq + 1) or (not found and seq < last_seq):
        raise EventsExpired
    items = [msgspec.Raw(row.body.encode()) for row in found[:limit]]
    return EventPage(items=items, last_seq=max(last_seq, found[-1].ch_seq if found else 0), has_more=len(found) > limit)
