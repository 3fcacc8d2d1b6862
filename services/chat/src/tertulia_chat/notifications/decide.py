"""Deciding who is told of what happened in channels.

News only say how far a channel has come. What there is to decide is read from the messages themselves: everything
after `decided.seq`, which then moves on in the same transaction. What comes twice is behind it; what never came, or
went to another process that is slower, is caught up with. Edits and deletions are taken from the news while these have
no gap, and from the event log when they have.

A new message is decided with all rules. An edit tells only those whom the message names now and who were not told; a
deletion withdraws what is unread; a deletion undone brings it back.

What a channel says by itself tells nobody, and neither does what was taken over from elsewhere: such a message is
older than its id. Nor is anybody told of what was sent before deciding began (`decided.since`), however it is edited.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.database import Database
from tertulia_chat.notifications import metrics
from tertulia_chat.notifications.keywords import Said, watching
from tertulia_chat.notifications.news import News
from tertulia_chat.notifications.rules import DECIDE, REASONS, RETURN, WITHDRAW
from tertulia_chat.notifications.telling import tell, telling
from tertulia_chat.tables import now
from tertulia_shared.events import (
    MessageDeleted,
    MessageUpdated,
    NotificationCreated,
    NotificationReason,
    NotificationWithdrawn,
)

LOCK_KEY = 0x7E2703
AT_ONCE = 500
"""Messages in one transaction."""
MOST_PEOPLE = 10_000
"""How many people one transaction may have to tell, or one message more."""

_ONE_AT_A_TIME = sa.text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")

_DECIDED = sa.text("SELECT channel_id, seq FROM decided WHERE channel_id = ANY (CAST(:channels AS uuid[]))")

_STRETCHES = """unnest(CAST(:channels AS uuid[]), CAST(:starts AS bigint[]), CAST(:ends AS bigint[]))
    AS x (channel_id, start_seq, end_seq)"""

# `people`: about how many may have to be told. The text is needed only where somebody watches for a word.
_PENDING = sa.text(f"""
WITH place AS MATERIALIZED (
    SELECT x.*, c.member_count, c.kind IN ('dm', 'group_dm') AS direct,
        (SELECT count(*) FROM channel_member m WHERE m.channel_id = c.id AND m.level = 'all') AS eager,
        EXISTS (SELECT FROM keyword k WHERE k.workspace_id = c.workspace_id) AS watched
    FROM {_STRETCHES} JOIN channel c ON c.id = x.channel_id
)
SELECT t.id, t.workspace_id, t.channel_id, t.ch_seq, CASE WHEN place.watched THEN t.text ELSE '' END AS text,
    cardinality(t.mentions)
        + CASE WHEN t.audience IS NOT NULL OR place.direct THEN place.member_count ELSE place.eager END AS people
FROM place CROSS JOIN LATERAL (
    SELECT * FROM message t
    WHERE t.channel_id = place.channel_id AND t.ch_seq > place.start_seq AND t.ch_seq <= place.end_seq
      AND t.deleted_at IS NULL AND t.system IS NULL
      AND t.created_at > uuid_extract_timestamp(t.id) - interval '1 minute'
    ORDER BY t.ch_seq LIMIT :limit
) AS t
ORDER BY t.channel_id, t.ch_seq LIMIT :limit
""")  # noqa: S608 composed of constants only

_LOGGED = sa.text(f"""
SELECT DISTINCT CAST(CAST(e.body AS json) #>> '{{data,message,id}}' AS uuid) AS message_id
FROM {_STRETCHES} JOIN event_log e ON e.channel_id = x.channel_id AND e.ch_seq > x.start_seq AND e.ch_seq <= x.end_seq
WHERE e.type IN ('{MessageUpdated.type}', '{MessageDeleted.type}')
""")  # noqa: S608 composed of constants only

# An edit of what was sent before deciding began tells nobody.
_SINCE = sa.text("""
SELECT t.id FROM message t LEFT JOIN decided d ON d.channel_id = t.channel_id
WHERE t.id = ANY (CAST(:ids AS uuid[])) AND t.system IS NULL AND t.ch_seq > coalesce(d.since, 0)
  AND t.created_at > uuid_extract_timestamp(t.id) - interval '1 minute'
""")

_ADVANCE = sa.text("""
INSERT INTO decided (channel_id, since, seq)
SELECT channel_id, 0, seq FROM unnest(CAST(:channels AS uuid[]), CAST(:seqs AS bigint[])) AS x (channel_id, seq)
ON CONFLICT (channel_id) DO UPDATE SET seq = excluded.seq
""")

_decide = telling(DECIDE, NotificationCreated)
_withdraw = telling(WITHDRAW, NotificationWithdrawn)
_return = telling(RETURN, NotificationCreated)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is to be decided of one channel: from behind `start` up to `end`."""

    start: int
    end: int
    news: News


async def decide(database: Database, news: Mapping[UUID, News]) -> None:
    """Returns when all of it is decided, in as many transactions as that takes. Raises DependencyUnavailable."""
    while True:
        async with database.transaction() as session:
            if await _decide_some(session, news):
                return


async def _decide_some(session: AsyncSession, news: Mapping[UUID, News]) -> bool:
    """Whether that was all."""
    await session.execute(_ONE_AT_A_TIME)
    stretches = await _stretches(session, news)
    if not stretches:
        return True
    pending = await _pending(session, stretches)
    chosen = _within_measure(pending)
    everything = len(chosen) == len(pending) and len(pending) < AT_ONCE
    reached = _reached(stretches, chosen, everything=everything)
    await _decide_new(session, chosen)
    finished = {channel_id: each for channel_id, each in stretches.items() if reached.get(channel_id) == each.end}
    await _decide_changes(session, await _changes(session, finished))
    await session.execute(_ADVANCE, {"channels": list(reached), "seqs": list(reached.values())})
    return everything


async def _stretches(session: AsyncSession, news: Mapping[UUID, News]) -> dict[UUID, Stretch]:
    """Without the channels where everything is decided."""
    known = await session.execute(_DECIDED, {"channels": list(news)})
    starts = {row.channel_id: row.seq for row in known}
    found = {channel_id: Stretch(starts.get(channel_id, 0), each.end, each) for channel_id, each in news.items()}
    return {channel_id: each for channel_id, each in found.items() if each.end > each.start}


async def _pending(session: AsyncSession, stretches: Mapping[UUID, Stretch]) -> Sequence[sa.Row[Any]]:
    """The new messages by channel and number, at most `AT_ONCE`."""
    return (await session.execute(_PENDING, {**_bounds(stretches), "limit": AT_ONCE})).all()


def _within_measure(pending: Sequence[sa.Row[Any]]) -> Sequence[sa.Row[Any]]:
    """As many of the first ones as do not tell too many people at once, and one at least."""
    people = 0
    for place, message in enumerate(pending):
        people += message.people
        if people > MOST_PEOPLE:
            return pending[: max(place, 1)]
    return pending


def _reached(stretches: Mapping[UUID, Stretch], chosen: Sequence[sa.Row[Any]], *, everything: bool) -> dict[UUID, int]:
    """How far each channel comes with these messages: a channel that has later ones, up to the last of them."""
    if everything:
        return {channel_id: each.end for channel_id, each in stretches.items()}
    last = chosen[-1].channel_id
    ends = {message.channel_id: stretches[message.channel_id].end for message in chosen}
    return {**ends, last: chosen[-1].ch_seq}


async def _decide_new(session: AsyncSession, chosen: Sequence[sa.Row[Any]]) -> None:
    if not chosen:
        return
    said = [Said(row.id, row.workspace_id, row.channel_id, row.ch_seq, row.text) for row in chosen if row.text]
    watched = await watching(session, said) if said else set[tuple[UUID, UUID]]()
    await _tell(session, [row.id for row in chosen], weakest=len(REASONS) - 1, watched=watched)


async def _changes(session: AsyncSession, stretches: Mapping[UUID, Stretch]) -> set[UUID]:
    """The messages that were edited, deleted or brought back."""
    found: set[UUID] = set()
    gaps: dict[UUID, Stretch] = {}
    for channel_id, each in stretches.items():
        if each.news.tells_all_since(each.start):
            found |= each.news.changed_since(each.start)
        else:
            gaps[channel_id] = each
    if gaps:
        found.update(await session.scalars(_LOGGED, _bounds(gaps)))
    return found


async def _decide_changes(session: AsyncSession, changed: Collection[UUID]) -> None:
    if not changed:
        return
    values, time = {"ids": list(changed)}, now()
    withdrawn = await tell(session, _withdraw, NotificationWithdrawn, {**values, "now": time}, time)
    await tell(session, _return, NotificationCreated, values, time)
    ids = list(await session.scalars(_SINCE, values))
    if ids:
        await _tell(session, ids, weakest=REASONS.index(NotificationReason.AUDIENCE), watched=set())
    metrics.WITHDRAWN.inc(sum(withdrawn.values()))


async def _tell(
    session: AsyncSession, ids: Sequence[UUID], *, weakest: int, watched: Collection[tuple[UUID, UUID]]
) -> None:
    time = now()
    values = {
        "ids": ids,
        "weakest": weakest,
        "kept_ids": [message_id for message_id, _ in watched],
        "kept_users": [user_id for _, user_id in watched],
        "reasons": list(REASONS),
        "now": time,
    }
    people = await tell(session, _decide, NotificationCreated, values, time)
    for reason, number in people.items():
        metrics.DECIDED.labels(reason).inc(number)


def _bounds(stretches: Mapping[UUID, Stretch]) -> dict[str, list[Any]]:
    return {
        "channels": list(stretches),
        "starts": [each.start for each in stretches.values()],
        "ends": [each.end for each in stretches.values()],
    }
