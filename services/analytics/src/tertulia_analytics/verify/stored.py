"""The warehouse's side of the comparison."""

from datetime import UTC, datetime

from tertulia_analytics.verify.log import HOUR, Digest
from tertulia_analytics.warehouse.engine import Warehouse

_RANGE = """
FROM event
WHERE time >= fromUnixTimestamp64Milli({first:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({last:Int64}, 'UTC')
"""
_DIGESTS = f"""
SELECT toStartOfHour(time, 'UTC') AS hour, type, count(),
       toString(groupBitXor(reinterpretAsInt64(reverse(substring(UUIDToNum(event_id), 9, 8)))))
{_RANGE} GROUP BY hour, type
"""
_IDS = f"SELECT toString(event_id) {_RANGE} AND type = {{type:String}}"


class Stored:
    """Raises AnalyticsUnavailable. Counts rows, not ids: an event that is stored twice shows."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def digests(self, start: datetime, end: datetime) -> list[Digest]:
        rows = await self._warehouse.query(_DIGESTS, _range(start, end))
        return [Digest(hour.replace(tzinfo=UTC), type_, count, xor) for hour, type_, count, xor in rows]

    async def ids(self, hour: datetime, type_: str) -> list[str]:
        """As often as each is stored."""
        rows = await self._warehouse.query(_IDS, {**_range(hour, hour + HOUR), "type": type_})
        return [event_id for (event_id,) in rows]


def _range(start: datetime, end: datetime) -> dict[str, int]:
    return {"first": round(start.timestamp() * 1000), "last": round(end.timestamp() * 1000)}
