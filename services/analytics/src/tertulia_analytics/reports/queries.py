"""The questions behind the reports. Each reads one workspace's range, and counts an event once or not at all.

A person is active when they write, change or delete a message, or ask the bot. The bot is nobody: what it writes is
counted as answers, not as messages. What a channel says by itself is neither, and makes nobody active.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from tertulia_analytics.reports.window import Window
from tertulia_analytics.sink.rows import NOBODY, SYSTEM
from tertulia_analytics.warehouse.engine import Row, Warehouse
from tertulia_shared.events import BOT_USER_ID

_SCOPE = """
FROM event
WHERE workspace_id = {workspace:UUID}
  AND at >= fromUnixTimestamp64Milli({first:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({last:Int64}, 'UTC')
"""
_BUCKET = "intDiv(toUnixTimestamp64Milli(at) - {first:Int64}, {width:Int64}) AS bucket"
_IS_WRITTEN = f"state <> '{SYSTEM}'"
_IS_MESSAGE = f"type = 'message.created' AND NOT ai AND {_IS_WRITTEN}"
_IS_ACTIVE = (
    "type IN ('message.created', 'message.updated', 'message.deleted', 'run.started')"
    f" AND person_id NOT IN ('{NOBODY}', '{BOT_USER_ID}') AND {_IS_WRITTEN}"
)

OVERVIEW = (
    f"countIf({_IS_MESSAGE})",
    f"uniqExactIf(person_id, {_IS_ACTIVE})",
    "countIf(type = 'run.started')",
)
MESSAGES = (
    f"countIf({_IS_MESSAGE})",
    f"countIf(type = 'message.updated' AND {_IS_WRITTEN})",
    f"countIf(type = 'message.deleted' AND {_IS_WRITTEN})",
    "countIf(type = 'message.created' AND ai)",
)
ACTIVE_USERS = (f"uniqExactIf(person_id, {_IS_ACTIVE})",)
AI = (
    "countIf(type = 'run.started')",
    "countIf(type = 'run.finished' AND state = 'done')",
    "countIf(type = 'run.finished' AND state = 'stopped')",
    "countIf(type = 'run.finished' AND state = 'failed')",
    "sumIf(prompt_tokens, type = 'run.finished')",
    "sumIf(completion_tokens, type = 'run.finished')",
    "toInt64(ifNotFinite(quantileExactIf(0.5)(duration_ms, type = 'run.finished' AND state = 'done'), 0))",
)

_CHANNELS = f"""
SELECT if(channel_id IN {{readable:Array(UUID)}}, toString(channel_id), '') AS id,
       countIf({_IS_MESSAGE}) AS messages, uniqExactIf(person_id, {_IS_ACTIVE}),
       toUnixTimestamp64Milli(maxIf(at, {_IS_MESSAGE}))
{_SCOPE} AND type IN ('message.created', 'message.updated', 'message.deleted', 'run.started')
GROUP BY id HAVING messages > 0 ORDER BY messages DESC, id
"""
_DIMENSION = """
SELECT toString(channel_id), argMax(name, version), argMax(kind, version)
FROM channel WHERE workspace_id = {workspace:UUID} AND channel_id IN {ids:Array(UUID)} GROUP BY channel_id
"""


class Questions:
    """Raises AnalyticsUnavailable, everywhere."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def by_bucket(self, workspace_id: str, window: Window, numbers: Sequence[str]) -> dict[int, list[Any]]:
        """By the number of the bucket; empty buckets are not there."""
        sql = f"SELECT {_BUCKET}, {', '.join(numbers)} {_SCOPE} GROUP BY bucket"
        width = window.bucket.width.total_seconds() * 1000
        rows = await self._warehouse.query(sql, {**_scope(workspace_id, window), "width": int(width)})
        return {row[0]: list(row[1:]) for row in rows}

    async def total(self, workspace_id: str, window: Window, numbers: Sequence[str]) -> list[Any]:
        """Over the whole window: distinct people are not the sum of the buckets' people."""
        (row,) = await self._warehouse.query(f"SELECT {', '.join(numbers)} {_SCOPE}", _scope(workspace_id, window))
        return list(row)

    async def channels(self, workspace_id: str, window: Window, readable: Collection[str]) -> list[Row]:
        """(id, messages, people, last in milliseconds), busiest first; all channels that are not `readable` together
        have the empty id."""
        parameters = {**_scope(workspace_id, window), "readable": sorted(readable)}
        return await self._warehouse.query(_CHANNELS, parameters)

    async def names(self, workspace_id: str, ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Name and kind of these channels; a DM's name is empty."""
        rows = await self._warehouse.query(_DIMENSION, {"workspace": workspace_id, "ids": sorted(ids)})
        return {channel_id: (name, kind) for channel_id, name, kind in rows}


def _scope(workspace_id: str, window: Window) -> dict[str, Any]:
    return {
        "workspace": workspace_id,
        "first": _milliseconds(window.start),
        "last": _milliseconds(window.end),
    }


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)
