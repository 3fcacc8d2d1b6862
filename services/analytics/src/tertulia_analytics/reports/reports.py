"""The five reports."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from tertulia_analytics.reports import queries
from tertulia_analytics.reports.queries import Questions
from tertulia_analytics.reports.tables import ACTIVE_USERS, MESSAGES, RUNS, TIME, Cell, Column, Table, filled
from tertulia_analytics.reports.window import Window

OTHER_CHANNELS = "Other channels"
SPANS = {"dau": timedelta(days=1), "wau": timedelta(days=7), "mau": timedelta(days=30)}
"""People active in so long a time before the range's end (or before now, if that is earlier)."""


class Name(StrEnum):
    OVERVIEW = "overview"
    MESSAGES = "messages"
    ACTIVE_USERS = "active-users"
    CHANNELS = "channels"
    AI = "ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked for. `readable` are the channels whose names the caller may know."""

    workspace_id: str
    window: Window
    readable: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True)
class _Series:
    """A report with one row for each bucket."""

    columns: tuple[Column, ...]
    numbers: Sequence[str]


_OVERVIEW = _Series((MESSAGES, ACTIVE_USERS, RUNS), queries.OVERVIEW)
_MESSAGES = _Series(
    (
        MESSAGES,
        Column("edited", "Edited", "count"),
        Column("deleted", "Deleted", "count"),
        Column("ai_answers", "AI answers", "count"),
    ),
    queries.MESSAGES,
)
_ACTIVE_USERS = _Series((ACTIVE_USERS,), queries.ACTIVE_USERS)
_AI = _Series(
    (
        RUNS,
        Column("done", "Done", "count"),
        Column("stopped", "Stopped", "count"),
        Column("failed", "Failed", "count"),
        Column("prompt_tokens", "Tokens read", "count"),
        Column("completion_tokens", "Tokens written", "count"),
        Column("median_ms", "Median time (ms)", "number"),
    ),
    queries.AI,
)
_CHANNEL_COLUMNS = [
    Column("channel_id", "Channel id", "id"),
    Column("name", "Channel", "text"),
    Column("kind", "Kind", "text"),
    MESSAGES,
    Column("people", "People", "count"),
    Column("last_at", "Last message", "time"),
]


class Reports:
    def __init__(self, questions: Questions) -> None:
        self._ask = questions
        self._makers: dict[Name, Callable[[Subject], Awaitable[Table]]] = {
            Name.OVERVIEW: lambda subject: self._series(subject, _OVERVIEW),
            Name.MESSAGES: lambda subject: self._series(subject, _MESSAGES),
            Name.ACTIVE_USERS: self._active_users,
            Name.CHANNELS: self._channels,
            Name.AI: lambda subject: self._series(subject, _AI),
        }

    async def make(self, name: Name, subject: Subject) -> Table:
        """Raises AnalyticsUnavailable."""
        return await self._makers[name](subject)

    async def _series(self, subject: Subject, series: _Series) -> Table:
        workspace_id, window = subject.workspace_id, subject.window
        found = await self._ask.by_bucket(workspace_id, window, series.numbers)
        return Table(
            columns=[TIME, *series.columns],
            rows=filled(list(window.buckets()), found, len(series.columns)),
            totals=_named(series, await self._ask.total(workspace_id, window, series.numbers)),
            previous=_named(series, await self._ask.total(workspace_id, window.before, series.numbers)),
        )

    async def _active_users(self, subject: Subject) -> Table:
        table = await self._series(subject, _ACTIVE_USERS)
        end = min(subject.window.end, max(subject.now, subject.window.start))
        before = subject.window.before.end
        return Table(
            columns=table.columns,
            rows=table.rows,
            totals=table.totals | await self._people_until(subject, end),
            previous=table.previous | await self._people_until(subject, before),
        )

    async def _people_until(self, subject: Subject, end: datetime) -> dict[str, int | float]:
        people: dict[str, int | float] = {}
        for name, span in SPANS.items():
            window = Window(end - span, end, subject.window.bucket)
            (people[name],) = await self._ask.total(subject.workspace_id, window, queries.ACTIVE_USERS)
        return people

    async def _channels(self, subject: Subject) -> Table:
        workspace_id, window = subject.workspace_id, subject.window
        found = await self._ask.channels(workspace_id, window, subject.readable)
        names = await self._ask.names(workspace_id, [row[0] for row in found if row[0]])
        own = [_channel_row(row, names) for row in found if row[0]]
        others: list[list[Cell]] = [[None, OTHER_CHANNELS, None, row[1], row[2], None] for row in found if not row[0]]
        before = await self._ask.total(workspace_id, window.before, queries.OVERVIEW)
        return Table(
            columns=_CHANNEL_COLUMNS,
            rows=own + others,
            totals={"messages": sum(row[1] for row in found), "channels": len(own)},
            previous={"messages": before[0]},
        )


def _named(series: _Series, numbers: list[Any]) -> dict[str, int | float]:
    return {column.name: number for column, number in zip(series.columns, numbers, strict=True)}


def _channel_row(row: Sequence[Any], names: dict[str, tuple[str, str]]) -> list[Cell]:
    channel_id, messages, people, last_at = row
    name, kind = names.get(channel_id, ("", ""))
    return [
        channel_id,
        name or None,
        kind or None,
        messages,
        people,
        datetime.fromtimestamp(last_at / 1000, UTC),
    ]
