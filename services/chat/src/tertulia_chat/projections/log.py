"""Summaries of the event log, to compare a projection with.

An event belongs to the hour of its envelope's time, which the API's clock set a moment before PostgreSQL's clock set
the row's `created_at`. Rows are found by `created_at` with an hour's margin on both sides (partitions, then a block
range index), and sorted by what their envelopes say. `time` stands before anything that people write, so that it is
read without the rest of the body.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.projections.schemas import EventBounds, EventDigest, EventDigests, EventIds
from tertulia_shared.events import decode_envelope
from tertulia_shared.problems import FieldError, ValidationFailed

MARGIN = timedelta(hours=1)
HOUR = timedelta(hours=1)

_LONG = sa.text("SET LOCAL statement_timeout = '60s'")
_HEAD = "left(body, 512)"
_IN_RANGE = f"""
    SELECT substr({_HEAD}, strpos({_HEAD}, '"time":"') + 8, 13) COLLATE "C" AS hour, type, event_id, id
    FROM event_log WHERE created_at >= :earliest AND created_at < :latest
"""  # noqa: S608 composed of constants only
_DIGEST = sa.text(f"""
    SELECT hour, type, count(*) AS events,
        bit_xor(('x' || right(replace(event_id::text, '-', ''), 16))::bit(64)::bigint)::text AS xor
    FROM ({_IN_RANGE}) AS event WHERE hour >= :first AND hour < :end GROUP BY hour, type ORDER BY hour, type
""")  # noqa: S608 composed of constants only
_IDS = sa.text(f"""
    SELECT event_id::text FROM ({_IN_RANGE}) AS event WHERE hour = :first AND type = :type ORDER BY id
""")  # noqa: S608 composed of constants only
_OLDEST = sa.text("SELECT body FROM event_log ORDER BY id LIMIT 1")


async def digest(session: AsyncSession, start: datetime, end: datetime) -> EventDigests:
    """From whole hour to whole hour; an hour or type without events is left out. Raises ValidationFailed."""
    first, after = _whole_hour(start, "from"), _whole_hour(end, "to")
    await session.execute(_LONG)
    rows = await session.execute(_DIGEST, {**_between(first, after), "first": _name(first), "end": _name(after)})
    return EventDigests(
        items=[EventDigest(hour=_hour(row.hour), type=row.type, count=row.events, xor=row.xor) for row in rows]
    )


async def ids(session: AsyncSession, hour: datetime, kind: str) -> EventIds:
    """Raises ValidationFailed."""
    first = _whole_hour(hour, "hour")
    await session.execute(_LONG)
    values = {**_between(first, first + HOUR), "first": _name(first), "type": kind}
    return EventIds(ids=list(await session.scalars(_IDS, values)))


async def bounds(session: AsyncSession) -> EventBounds:
    body = await session.scalar(_OLDEST)
    return EventBounds(oldest=decode_envelope(body).time if body else None)


def _between(first: datetime, end: datetime) -> dict[str, datetime]:
    return {"earliest": first - MARGIN, "latest": end + MARGIN}


def _whole_hour(time: datetime, parameter: str) -> datetime:
    if time.tzinfo is None or (time.minute, time.second, time.microsecond) != (0, 0, 0):
        raise ValidationFailed(errors=[FieldError(detail="A whole hour with its time zone.", parameter=parameter)])
    return time.astimezone(UTC)


def _name(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%dT%H")


def _hour(name: str) -> datetime:
    return datetime.strptime(name, "%Y-%m-%dT%H").replace(tzinfo=UTC)
