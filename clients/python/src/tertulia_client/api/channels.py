"""Channels and direct messages, who is in them, and what happened in them."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from tertulia_client.caller import Caller
from tertulia_client.events import Event, EventsPage, decode_events_page
from tertulia_client.models import Channel, ChannelKind, ChannelSummary, Member, Page, Reach
from tertulia_client.pages import every
from tertulia_client.transport import decode


class _One(msgspec.Struct):
    channel: Channel


class Channels:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def create(
        self, workspace_id: str, name: str, *, kind: ChannelKind = ChannelKind.PUBLIC, topic: str | None = None
    ) -> Channel:
        """Public or private. Raises Conflict (`channel_name_taken`), ValidationFailed, NotFound."""
        body = {"kind": kind, "name": name} | ({} if topic is None else {"topic": topic})
        return decode(await self._caller.once(f"/workspaces/{workspace_id}/channels", body), Channel)

    async def open_dm(self, workspace_id: str, user_ids: Sequence[str]) -> Channel:
        """The conversation of these people and the caller; the same people always get the same one."""
        body = {"user_ids": list(user_ids)}
        content = await self._caller.request("POST", f"/workspaces/{workspace_id}/dms", body=body, safe=True)
        return decode(content, Channel)

    def list(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[ChannelSummary]:
        """The public ones and the caller's own."""
        return every(self._caller, f"/workspaces/{workspace_id}/channels", Page[ChannelSummary], page_size)

    async def get(self, channel_id: str) -> ChannelSummary:
        """Raises NotFound."""
        return await self._caller.get(f"/channels/{channel_id}", ChannelSummary)

    async def update(self, channel_id: str, **changes: object) -> Channel:
        """`name`, `topic`, `purpose`, `posting`, `is_default`, `kind`; what is not given stays.

        Raises Conflict (`channel_name_taken`, `kind_not_changeable`, …), Forbidden, NotFound.
        """
        content = await self._caller.request("PATCH", f"/channels/{channel_id}", body=changes, safe=True)
        return decode(content, _One).channel

    async def join(self, channel_id: str) -> Channel:
        """Raises NotFound."""
        return decode(await self._caller.request("POST", f"/channels/{channel_id}/join", safe=True), Channel)

    async def leave(self, channel_id: str) -> None:
        await self._caller.once(f"/channels/{channel_id}/leave")

    async def archive(self, channel_id: str) -> Channel:
        """Close it for writing. Raises Forbidden, NotFound."""
        return decode(await self._caller.request("POST", f"/channels/{channel_id}/archive", safe=True), _One).channel

    async def unarchive(self, channel_id: str) -> Channel:
        """Open it again. Raises Forbidden, NotFound."""
        return decode(await self._caller.request("POST", f"/channels/{channel_id}/unarchive", safe=True), _One).channel

    async def delete(self, channel_id: str) -> None:
        """For good, with everything in it. Whoever was in it hears that they are no longer (`member.left`).

        Raises Forbidden, NotFound, and Conflict for a direct channel or one that newcomers come into.
        """
        await self._caller.request("DELETE", f"/channels/{channel_id}")

    def members(self, channel_id: str, *, page_size: int | None = None) -> AsyncIterator[Member]:
        return every(self._caller, f"/channels/{channel_id}/members", Page[Member], page_size)

    async def reach(self, channel_id: str) -> Reach:
        """Whom a message to everybody there reaches. Raises Forbidden, NotFound."""
        return await self._caller.get(f"/channels/{channel_id}/reach", Reach)

    async def add_member(self, channel_id: str, user_id: str) -> None:
        """Raises Forbidden, NotFound."""
        await self._caller.once(f"/channels/{channel_id}/members", {"user_id": user_id})

    async def remove_member(self, channel_id: str, user_id: str) -> None:
        """Raises Forbidden, NotFound."""
        await self._caller.request("DELETE", f"/channels/{channel_id}/members/{user_id}")

    async def events_page(self, channel_id: str, *, after: int, limit: int | None = None) -> EventsPage:
        """What happened after `ch_seq` `after`. Raises NotFound, Gone (`events_expired`)."""
        content = await self._caller.request(
            "GET", f"/channels/{channel_id}/events", params={"after": after, "limit": limit}, safe=True
        )
        return decode_events_page(content)

    async def events(self, channel_id: str, *, after: int) -> AsyncIterator[Event]:
        """Everything after `ch_seq` `after` up to now, in order. Raises NotFound, Gone (`events_expired`)."""
        while True:
            page = await self.events_page(channel_id, after=after)
            for event in page.items:
                yield event
                after = event.ch_seq or after
            if not page.has_more or not page.items:
                return

    async def typing(self, channel_id: str) -> None:
        """Tell the others that the caller is writing; at most once in 3 s."""
        await self._caller.request("POST", f"/channels/{channel_id}/typing")
