"""What the sink asks of the warehouse: is it there already, and put it there."""

from collections.abc import Mapping
from datetime import UTC, datetime

from tertulia_analytics.sink.batch import Batch
from tertulia_analytics.sink.rows import CHANNEL_COLUMNS, COLUMNS, EVENT_ID, TIME
from tertulia_analytics.warehouse.engine import Warehouse

# Few granules of the table have times in a batch's range: the index on `time` makes both of these read little.
_IN_RANGE = """
SELECT toString(event_id) FROM event
WHERE workspace_id IN {workspaces:Array(UUID)}
  AND time BETWEEN fromUnixTimestamp64Milli({first:Int64}, 'UTC') AND fromUnixTimestamp64Milli({last:Int64}, 'UTC')
"""
_LIMITED = _IN_RANGE + "LIMIT {limit:UInt64}"
_OF_THESE = _IN_RANGE + "AND event_id IN {ids:Array(UUID)}"
_NEWEST = "SELECT count(), max(time) FROM event"

RANGE_ROWS = 10_000
"""So many more rows than three times those asked for may be read to find them."""
AT_ONCE = 2_000
"""Ids in one question; the time that ClickHouse needs to read such a list grows faster than the list."""


class Store:
    """Knows the latest time stored, so that most batches need no question: they are later than everything."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._newest: int | None = None

    def forget(self) -> None:
        """Somebody else may have written meanwhile."""
        self._newest = None

    async def identity(self) -> str:
        """Raises AnalyticsUnavailable, as everything here does."""
        return await self._warehouse.identity()

    async def stored_of(self, batch: Batch) -> set[str]:
        """The ids of the batch's events that are stored."""
        if self._newest is None:
            self._newest = await self._ask_newest()
        doubtful = batch.candidates(self._newest)
        if not doubtful:
            return set()
        times = [row[TIME] for row in doubtful]
        wanted = {row[EVENT_ID] for row in doubtful}
        scope = {"workspaces": sorted(batch.workspaces), "first": min(times), "last": max(times)}
        # Usually the range holds little else, and reading it whole is ten times faster than naming every id.
        limit = RANGE_ROWS + 3 * len(wanted)
        found = await self._warehouse.query(_LIMITED, {**scope, "limit": limit})
        if len(found) < limit:
            return wanted.intersection(event_id for (event_id,) in found)
        return await self._ask_by_id(sorted(wanted), scope)

    async def insert(self, batch: Batch) -> None:
        """Once, however often it is called for the same rows of the same range."""
        if batch.channels:
            # Rows of the dimension replace each other, so repeating them is harmless.
            columns = list(zip(*batch.channels.values(), strict=True))
            await self._warehouse.insert("channel", CHANNEL_COLUMNS, columns)
        if batch.rows:
            columns = list(zip(*batch.rows, strict=True))
            await self._warehouse.insert("event", COLUMNS, columns, batch.token)
            self._newest = max(self._newest or 0, batch.newest)

    async def _ask_newest(self) -> int:
        ((count, newest),) = await self._warehouse.query(_NEWEST)
        return _to_milliseconds(newest) if count else 0

    async def _ask_by_id(self, ids: list[str], scope: Mapping[str, object]) -> set[str]:
        stored: set[str] = set()
        for start in range(0, len(ids), AT_ONCE):
            found = await self._warehouse.query(_OF_THESE, {**scope, "ids": ids[start : start + AT_ONCE]})
            stored.update(event_id for (event_id,) in found)
        return stored


def _to_milliseconds(time: datetime) -> int:
    """The client answers times without a zone; they are UTC."""
    return round(time.replace(tzinfo=UTC).timestamp() * 1000)
