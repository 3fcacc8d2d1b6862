"""The comparison itself, sound while people are writing.

Numbers that agree are settled. Where they differ the ids are read in an order that leaves no doubt: chat's, then, once
the sink has passed everything that was in the stream by then, ours, then chat's again. What the first list has and ours
has not is missing; what ours has and the last list has not is too much. An hour that still differs is read anew a few
times, because the relay may be a moment behind chat.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from tertulia_analytics.sink.rows import PASSED_OVER
from tertulia_analytics.sink.sink import CONSUMER, Sink
from tertulia_analytics.verify.log import HOUR, ChatLog, Digest, hour_of
from tertulia_analytics.verify.stored import Stored
from tertulia_shared.bus import Bus, stream_state

SPAN = timedelta(days=1)
"""Compared at once; a line of progress tells each."""
SETTLE_S = 15.0
ROUNDS = 5
PAUSE_S = 1.0
NAMED = 20
"""Ids of each kind that are named for an hour and type."""

_DEAD_LETTERS = "SELECT event_id FROM dead_letter WHERE consumer = $1"

Cell = tuple[datetime, str]


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A span of time that was compared."""

    compared_to: datetime
    hours: int
    events: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An hour and type in which chat's log and the warehouse are not the same. At most twenty ids are named."""

    hour: datetime
    type: str
    chat: int
    analytics: int
    missing: int
    extra: int
    missing_ids: list[str]
    extra_ids: list[str]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """`dead_letters` are events that could not be read: they are missing, and known to be."""

    start: datetime | None = msgspec.field(name="from")
    end: datetime | None = msgspec.field(name="to")
    events: int
    differences: int
    missing: int
    extra: int
    dead_letters: int
    done: bool = True


Line = Progress | Difference | Done


class Comparison:
    def __init__(self, log: ChatLog, stored: Stored, sink: Sink, bus: Bus, pool: asyncpg.Pool) -> None:
        self._log = log
        self._stored = stored
        self._sink = sink
        self._bus = bus
        self._pool = pool

    async def run(self) -> AsyncGenerator[Line]:
        """Ends with Done. Raises DependencyUnavailable (AnalyticsUnavailable among them) or BusError."""
        oldest = await self._log.oldest()
        now = datetime.now(UTC)
        start, end = (now, now) if oldest is None else (hour_of(oldest.astimezone(UTC)), hour_of(now) + HOUR)
        await self._settle()
        dead = {row["event_id"] for row in await self._pool.fetch(_DEAD_LETTERS, CONSUMER)}
        differences: list[Difference] = []
        events = dead_letters = 0
        place = start
        while place < end:
            until = min(place + SPAN, end)
            ours, theirs = await self._numbers(place, until)
            for hour, type_ in sorted(cell for cell in {*ours, *theirs} if not _same(ours.get(cell), theirs.get(cell))):
                difference, excused = await self._look_closer(hour, type_, dead, partly_gone=hour == start)
                dead_letters += excused
                if difference is not None:
                    differences.append(difference)
                    yield difference
            counted = sum(one.count for one in theirs.values())
            events += counted
            yield Progress(compared_to=until, hours=(until - place) // HOUR, events=counted)
            place = until
        yield Done(
            start=None if oldest is None else start,
            end=None if oldest is None else end,
            events=events,
            differences=len(differences),
            missing=sum(each.missing for each in differences),
            extra=sum(each.extra for each in differences),
            dead_letters=dead_letters,
        )

    async def _numbers(self, start: datetime, end: datetime) -> tuple[dict[Cell, Digest], dict[Cell, Digest]]:
        ours = await self._stored.digests(start, end)
        theirs = await self._log.digests(start, end)
        return _by_cell(ours), _by_cell(theirs)

    async def _look_closer(
        self, hour: datetime, type_: str, dead: set[str], *, partly_gone: bool
    ) -> tuple[Difference | None, int]:
        """None when they are the same after all; and how many are missing because they could not be read.

        Of the oldest hour chat may have dropped a part, so what only we have is no mistake there.
        """
        missing: set[str] = set()
        extra: Counter[str] = Counter()
        theirs: set[str] = set()
        ours: list[str] = []
        excused = 0
        for attempt in range(ROUNDS):
            if attempt:
                await asyncio.sleep(PAUSE_S)
            before = await self._log.ids(hour, type_)
            await self._settle()
            ours = await self._stored.ids(hour, type_)
            theirs = await self._log.ids(hour, type_)
            missing = before.difference(ours)
            excused = len(missing & dead)
            missing -= dead
            extra = _extra(ours, theirs, partly_gone=partly_gone)
            if not missing and not extra:
                return None, excused
        difference = Difference(
            hour=hour,
            type=type_,
            chat=len(theirs),
            analytics=len(ours),
            missing=len(missing),
            extra=extra.total(),
            missing_ids=sorted(missing)[:NAMED],
            extra_ids=sorted(extra)[:NAMED],
        )
        return difference, excused

    async def _settle(self) -> None:
        """Everything that is in the stream now is counted, or the sink did not come that far in time."""
        await self._sink.passed(await stream_state(self._bus), SETTLE_S)


def _extra(ours: Iterable[str], theirs: set[str], *, partly_gone: bool) -> Counter[str]:
    """How often each is there too much."""
    return Counter(
        {
            event_id: count - (partly_gone or event_id in theirs)
            for event_id, count in Counter(ours).items()
            if count > (partly_gone or event_id in theirs)
        }
    )


def _by_cell(digests: Iterable[Digest]) -> dict[Cell, Digest]:
    return {(one.hour.astimezone(UTC), one.type): one for one in digests if one.type not in PASSED_OVER}


def _same(ours: Digest | None, theirs: Digest | None) -> bool:
    return ours is not None and theirs is not None and (ours.count, ours.xor) == (theirs.count, theirs.xor)
