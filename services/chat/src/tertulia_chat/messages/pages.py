"""A channel's messages, page by page.

A page is one statement, which looks up whether the session still lives and the channel may be read as well. It is
planned once for all channels (`Database.hot_rows`) and makes no objects of the session: somebody who scrolls asks for
nothing else.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import NoReturn
from uuid import UUID

from tertulia_chat.access import READABLE, READER, access_channel
from tertulia_chat.caller import LIVE_SESSION, Authenticator
from tertulia_chat.database import Database
from tertulia_chat.messages.schemas import MessagePage
from tertulia_chat.tables import Fetched, MessageRow
from tertulia_shared.problems import NotFound

_MESSAGES = Fetched(MessageRow, without=("changed_seq", "pin_seq"))
_BEYOND = 2**53 + 1
"""No message has so high a number."""
_BY_NUMBER = attrgetter("ch_seq")

_NEXT_TO_EACH_OTHER = f"""
    (SELECT {_MESSAGES.columns("b")} FROM message b
     WHERE b.channel_id = c.id AND b.ch_seq < $4 ORDER BY b.ch_seq DESC LIMIT $5)
    UNION ALL
    (SELECT {_MESSAGES.columns("a")} FROM message a
     WHERE a.channel_id = c.id AND a.ch_seq >= $4 ORDER BY a.ch_seq LIMIT $6)
"""  # noqa: S608 composed of constants only
# $1 channel, $2 user, $3 session, $4 where the two sides part, $5 and $6 how many on each. One row at least for a
# channel that may be read, none for another or when the session has ended.
_PAGE = f"""
    SELECT page.*
    FROM channel c {READER.replace(":user_id", "$2")}
    LEFT JOIN LATERAL ({_NEXT_TO_EACH_OTHER}) AS page ON true
    WHERE c.id = $1 AND {READABLE} AND EXISTS ({LIVE_SESSION})
"""  # noqa: S608 composed of constants only

# The number of the first message that is not older than $4, or one above all: the times follow the numbers, so that the
# half in which it lies is looked for again and again. `high` is never below it.
_NUMBER_AT = f"""
    WITH RECURSIVE halving (low, high) AS (
        SELECT 0::bigint, c.last_seq + 1
        FROM channel c {READER.replace(":user_id", "$2")}
        WHERE c.id = $1 AND {READABLE} AND EXISTS ({LIVE_SESSION})
        UNION ALL
        SELECT
            CASE WHEN middle.created_at < $4 THEN middle.ch_seq + 1 ELSE halving.low END,
            CASE WHEN middle.created_at < $4 THEN halving.high ELSE (halving.low + halving.high) / 2 END
        FROM halving LEFT JOIN LATERAL (
            SELECT message.ch_seq, message.created_at FROM message
            WHERE message.channel_id = $1 AND message.ch_seq >= (halving.low + halving.high) / 2
            ORDER BY message.ch_seq LIMIT 1
        ) AS middle ON true
        WHERE halving.low < halving.high
    )
    SELECT low FROM halving WHERE low >= high
"""  # noqa: S608 composed of constants only


@dataclass(frozen=True, slots=True)
class _Found:
    """Both ascending: `below` are some messages with a number smaller than `parting`, `above` the others. Where there
    are more than a page shows, so that it knows what lies beside it, one at least is here."""

    parting: int
    below: list[MessageRow]
    above: list[MessageRow]

    def page(self, rows: list[MessageRow]) -> MessagePage:
        """These, all of what was found between the first and the last of them."""
        first = rows[0].ch_seq if rows else self.parting
        last = rows[-1].ch_seq if rows else self.parting - 1
        return MessagePage(
            items=[row.view() for row in rows],
            has_before=bool(self.below) and self.below[0].ch_seq < first,
            has_after=bool(self.above) and self.above[-1].ch_seq > last,
        )


@dataclass(frozen=True, slots=True)
class Pages:
    """The messages of a channel, for whom the `authorization` names.

    All raise Unauthenticated, NotFound, Banned and DependencyUnavailable.
    """

    database: Database
    authenticator: Authenticator
    authorization: str
    channel_id: UUID

    async def newest(self, limit: int) -> MessagePage:
        return await self.before(_BEYOND, limit)

    async def before(self, seq: int, limit: int) -> MessagePage:
        """The last ones with a smaller number."""
        found = await self._find(seq, below=limit + 1, above=1)
        return found.page(found.below[-limit:])

    async def after(self, seq: int, limit: int) -> MessagePage:
        """The first ones with a greater number."""
        found = await self._find(seq + 1, below=1, above=limit + 1)
        return found.page(found.above[:limit])

    async def around(self, seq: int, limit: int) -> MessagePage:
        """Up to half from that number downwards, the rest above it; one side's lack is made up by the other."""
        found = await self._find(seq + 1, below=limit + 1, above=limit + 1)
        lower = found.below[-max(limit - len(found.above), (limit + 1) // 2) :]
        return found.page([*lower, *found.above[: limit - len(lower)]])

    async def around_time(self, moment: datetime, limit: int) -> MessagePage:
        """Around the first message that is not older; the newest page when all are."""
        caller = await self.authenticator.claimed(self.authorization)
        rows = await self.database.hot_rows(_NUMBER_AT, self.channel_id, caller.user_id, caller.session_id, moment)
        if not rows:
            await self._refuse()
        return await self.around(rows[0]["low"], limit)

    async def _find(self, parting: int, *, below: int, above: int) -> _Found:
        """At most so many of the messages next to `parting` on both sides."""
        caller = await self.authenticator.claimed(self.authorization)
        records = await self.database.hot_rows(
            _PAGE, self.channel_id, caller.user_id, caller.session_id, parting, below, above
        )
        if not records:
            await self._refuse()
        rows = [_MESSAGES.row(record) for record in records if record["id"] is not None]
        rows.sort(key=_BY_NUMBER)
        lower = bisect_left(rows, parting, key=_BY_NUMBER)
        return _Found(parting, rows[:lower], rows[lower:])

    async def _refuse(self) -> NoReturn:
        """Say why there was nothing: the session has ended, the channel is none of theirs, or they are banned."""
        caller = await self.authenticator.authenticated(self.authorization)
        async with self.database.transaction() as session:
            await access_channel(session, caller.user_id, self.channel_id)
        raise NotFound  # they came in between the two statements
