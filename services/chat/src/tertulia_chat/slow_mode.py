"""Slow channels: between two messages of one person pass at least `channel.slow_mode_s` seconds.

Who may set it is exempt. Time is the database's at the moment that the message gets its number or, for a message that
is only asked for (a run of the bot), when it is asked for; so replicas with other clocks do not matter.

The one statement that sends sees only what was there when it began. It refuses who is too early by what it saw, and
once it holds the channel it notes the person's turn (`TURN`). When another message of theirs came in between, that
makes `early` true, which the table does not take: the statement fails as a whole, and runs again on what is there now.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.errors import SlowMode
from tertulia_chat.tables import ChannelRow

EARLY = "slow_mode_turn_early_check"
"""The constraint that stops who is too early."""

_FREE_AT = "t.sent_at + make_interval(secs => {interval})"
_COLUMNS = "(channel_id, user_id, sent_at, interval_s)"


def wait_in_sql(*, channel: str, user: str, exempt: str) -> str:
    """Seconds that the person still has to wait in the channel of this alias, for statements; null or not above zero:
    they may write. `exempt` says whether they always may. All given as SQL."""
    left = f"extract(epoch FROM {_FREE_AT.format(interval=f'{channel}.slow_mode_s')} - clock_timestamp())"
    return f"""CASE WHEN {channel}.slow_mode_s > 0 AND NOT {exempt} THEN (
        SELECT {left}::float8 FROM slow_mode_turn t WHERE t.channel_id = {channel}.id AND t.user_id = {user}
    ) END"""  # noqa: S608 composed of constants only


# $1 channel, $2 user. After "bump", which holds the channel and tells how slow it is now, and beside "seat".
TURN = f"""
turn AS (
    INSERT INTO slow_mode_turn AS t {_COLUMNS}
    SELECT $1, $2, clock_timestamp(), bump.slow_mode_s
    FROM bump CROSS JOIN seat WHERE bump.slow_mode_s > 0 AND NOT seat.exempt
    ON CONFLICT (channel_id, user_id) DO UPDATE SET sent_at = excluded.sent_at, interval_s = excluded.interval_s,
        early = {_FREE_AT.format(interval="excluded.interval_s")} > excluded.sent_at
),
"""  # noqa: S608 composed of constants only

# Waits for another turn of the same person, and looks at it as it is then.
_TAKE = sa.text(f"""
    INSERT INTO slow_mode_turn AS t {_COLUMNS} VALUES (:channel_id, :user_id, clock_timestamp(), :interval_s)
    ON CONFLICT (channel_id, user_id) DO UPDATE SET sent_at = excluded.sent_at, interval_s = excluded.interval_s
    WHERE {_FREE_AT.format(interval="excluded.interval_s")} <= excluded.sent_at
    RETURNING 1
""")  # noqa: S608 composed of constants only
_LEFT = sa.text(f"""
    SELECT extract(epoch FROM {_FREE_AT.format(interval="CAST(:interval_s AS integer)")} - clock_timestamp())::float8
    FROM slow_mode_turn t WHERE t.channel_id = :channel_id AND t.user_id = :user_id
""")  # noqa: S608 composed of constants only


async def take_turn(session: AsyncSession, channel: ChannelRow, user_id: UUID) -> None:
    """For who is not exempt. Raises SlowMode."""
    if channel.slow_mode_s == 0:
        return
    values = {"channel_id": channel.id, "user_id": user_id, "interval_s": channel.slow_mode_s}
    if await session.scalar(_TAKE, values) is None:
        raise SlowMode(retry_after=await session.scalar(_LEFT, values))
