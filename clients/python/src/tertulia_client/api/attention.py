"""What somebody has read, what waits for them, and what they keep for themselves."""

from collections.abc import AsyncIterator

import msgspec

from tertulia_client.caller import Caller
from tertulia_client.models import (
    ChannelPreferences,
    Draft,
    FollowedThread,
    Message,
    Page,
    ReadState,
    SavedMessage,
    Unread,
)
from tertulia_client.pages import every
from tertulia_client.transport import decode


class _Draft(msgspec.Struct):
    draft: Draft | None


class Attention:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def read(self, channel_id: str, seq: int, *, exact: bool = False) -> ReadState:
        """Everything up to `seq` is read; never less than before, unless `exact` says "unread from here".

        Raises NotFound, Forbidden (`not_a_member`).
        """
        return await self._read(f"/channels/{channel_id}/read", seq, exact)

    async def read_thread(self, thread_id: str, seq: int, *, exact: bool = False) -> ReadState:
        """Raises NotFound, Conflict (`thread_not_followed`)."""
        return await self._read(f"/threads/{thread_id}/read", seq, exact)

    async def unread(self, workspace_id: str) -> Unread:
        return await self._caller.get(f"/workspaces/{workspace_id}/unread", Unread)

    async def read_all(self, workspace_id: str) -> None:
        await self._caller.request("POST", f"/workspaces/{workspace_id}/read-all", safe=True)

    def mentions(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[Message]:
        """The newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/mentions", Page[Message], page_size)

    async def prefer(
        self, channel_id: str, *, level: str | None = None, muted: bool | None = None
    ) -> ChannelPreferences:
        """What is None stays as it is. Raises NotFound, Forbidden (`not_a_member`)."""
        wishes = {"level": level, "muted": muted}
        body = {name: wish for name, wish in wishes.items() if wish is not None}
        content = await self._caller.request("PUT", f"/channels/{channel_id}/preferences", body=body, safe=True)
        return decode(content, ChannelPreferences)

    def threads(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[FollowedThread]:
        """Those that I follow, the one with the newest reply first."""
        return every(self._caller, f"/workspaces/{workspace_id}/threads", Page[FollowedThread], page_size)

    async def follow(self, thread_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("PUT", f"/threads/{thread_id}/follow", safe=True)

    async def unfollow(self, thread_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("DELETE", f"/threads/{thread_id}/follow", safe=True)

    async def save(self, message_id: str) -> None:
        """For later. Raises NotFound."""
        await self._caller.request("PUT", f"/messages/{message_id}/save", safe=True)

    async def forget(self, message_id: str) -> None:
        """No longer keep it. Raises NotFound."""
        await self._caller.request("DELETE", f"/messages/{message_id}/save", safe=True)

    def saved(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[SavedMessage]:
        """The newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/saved", Page[SavedMessage], page_size)

    async def write_draft(self, channel_id: str, text: str, *, thread_id: str | None = None) -> Draft | None:
        """The draft that is there then; an empty text drops it. Raises NotFound."""
        body = {"text": text} | ({} if thread_id is None else {"thread_id": thread_id})
        return decode(await self._caller.request("PUT", f"/channels/{channel_id}/draft", body=body), _Draft).draft

    async def draft(self, channel_id: str, *, thread_id: str | None = None) -> Draft | None:
        """Raises NotFound."""
        return (await self._caller.get(f"/channels/{channel_id}/draft", _Draft, {"thread_id": thread_id})).draft

    def drafts(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[Draft]:
        """The newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/drafts", Page[Draft], page_size)

    async def _read(self, path: str, seq: int, exact: bool) -> ReadState:
        body = {"seq": seq, "exact": exact}
        return decode(await self._caller.request("PUT", path, body=body, safe=True), ReadState)
