"""Kicks, bans, mutes, reports, and what the moderators did that concerns me.

A place is `/channels/{id}` or, for all of a workspace, `/workspaces/{id}`.
"""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from tertulia_client.caller import Caller
from tertulia_client.models import MessageReport, Notice, Page, ReportedMessage, Sanction
from tertulia_client.pages import every
from tertulia_client.transport import decode


class _One(msgspec.Struct):
    report: MessageReport


class Moderation:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def kick(self, channel_id: str, user_id: str, *, reason: str = "") -> None:
        """Raises Forbidden, NotFound."""
        await self._caller.once(f"/channels/{channel_id}/members/{user_id}/kick", {"reason": reason})

    async def ban(self, place: str, user_id: str, *, until: datetime | None = None, reason: str = "") -> Sanction:
        """For good without `until`. Raises Forbidden, NotFound."""
        body = {"until": until, "reason": reason}
        return decode(await self._caller.request("PUT", f"{place}/bans/{user_id}", body=body, safe=True), Sanction)

    async def mute(self, place: str, user_id: str, *, until: datetime, reason: str = "") -> Sanction:
        """Raises Forbidden, NotFound."""
        body = {"until": until, "reason": reason}
        return decode(await self._caller.request("PUT", f"{place}/mutes/{user_id}", body=body, safe=True), Sanction)

    async def lift_ban(self, place: str, user_id: str) -> None:
        """Raises Forbidden, NotFound."""
        await self._caller.request("DELETE", f"{place}/bans/{user_id}", safe=True)

    async def lift_mute(self, place: str, user_id: str) -> None:
        """Raises Forbidden, NotFound."""
        await self._caller.request("DELETE", f"{place}/mutes/{user_id}", safe=True)

    def bans(self, place: str, *, page_size: int | None = None) -> AsyncIterator[Sanction]:
        return every(self._caller, f"{place}/bans", Page[Sanction], page_size)

    def mutes(self, place: str, *, page_size: int | None = None) -> AsyncIterator[Sanction]:
        return every(self._caller, f"{place}/mutes", Page[Sanction], page_size)

    async def report(self, message_id: str, category: str, *, note: str | None = None) -> MessageReport:
        """Repeating it answers the open one. Raises Conflict (`message_deleted`), NotFound."""
        body = {"category": category, "note": note}
        content = await self._caller.request("POST", f"/messages/{message_id}/report", body=body, safe=True)
        return decode(content, _One).report

    def reports(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[ReportedMessage]:
        """The open ones. Raises Forbidden, NotFound."""
        return every(self._caller, f"/workspaces/{workspace_id}/reports", Page[ReportedMessage], page_size)

    async def resolve(self, report_id: str, outcome: str, *, reason: str = "") -> MessageReport:
        """Raises Conflict (`report_resolved`), Forbidden, NotFound."""
        body = {"outcome": outcome, "reason": reason}
        content = await self._caller.request("POST", f"/reports/{report_id}/resolve", body=body, safe=True)
        return decode(content, _One).report

    def notices(self, *, page_size: int | None = None) -> AsyncIterator[Notice]:
        """The newest first."""
        return every(self._caller, "/users/me/notices", Page[Notice], page_size)
