"""Reports."""

from datetime import datetime
from typing import Literal

from tertulia_client.caller import Caller
from tertulia_client.models import Report

ReportName = Literal["overview", "messages", "active-users", "channels", "ai"]
Bucket = Literal["hour", "day", "week"]


class Analytics:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def report(
        self,
        workspace_id: str,
        report: ReportName,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        bucket: Bucket | None = None,
    ) -> Report:
        """By default the last 28 days by day. Raises Forbidden (guests), NotFound, ValidationFailed."""
        path = f"/workspaces/{workspace_id}/analytics/{report}"
        return await self._caller.get(path, Report, _params(start, end, bucket))

    async def csv(
        self,
        workspace_id: str,
        report: ReportName,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        bucket: Bucket | None = None,
    ) -> str:
        """The same as a table for spreadsheets (RFC 4180)."""
        path = f"/workspaces/{workspace_id}/analytics/{report}"
        params = _params(start, end, bucket) | {"format": "csv"}
        return (await self._caller.request("GET", path, params=params, safe=True)).decode()


def _params(start: datetime | None, end: datetime | None, bucket: Bucket | None) -> dict[str, str | int | None]:
    return {
        "from": None if start is None else start.isoformat(),
        "to": None if end is None else end.isoformat(),
        "bucket": bucket,
    }
