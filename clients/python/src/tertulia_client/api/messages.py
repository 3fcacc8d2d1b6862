"""Messages: sending so that nothing is lost or doubled, and reading in both directions."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec
import uuid_utils

from tertulia_client.caller import Caller
from tertulia_client.models import Message, MessagePage, Version
from tertulia_client.transport import decode


class _One(msgspec.Struct):
    message: Message


class _History(msgspec.Struct):
    items: list[Version]
    next: int | None


class _Pins(msgspec.Struct):
    items: list[Message]


class Messages:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send(
        self,
        channel_id: str,
        text: str,
        *,
        client_msg_id: str | None = None,
        thread_id: str | None = None,
        patience_s: float = 60.0,
    ) -> Message:
        """Post once, however often it takes: every attempt carries the same `client_msg_id`.

        No answer, 408, 429 (after its Retry-After) and 5xx are tried again for `patience_s` seconds; the last error
        is raised then, and whether the message exists is unknown until the same `client_msg_id` is sent again.
        Any other 4xx is raised at once: Conflict (`client_msg_id_reused`), ValidationFailed, NotFound, …
        """
        body = {"text": text, "client_msg_id": client_msg_id or str(uuid_utils.uuid7())}
        if thread_id is not None:
            body["thread_id"] = thread_id
        content = await self._caller.request(
            "POST", f"/channels/{channel_id}/messages", body=body, safe=True, patience_s=patience_s, timeout_s=10.0
        )
        return decode(content, _One).message

    async def get(self, message_id: str) -> Message:
        """Raises NotFound."""
        return (await self._caller.get(f"/messages/{message_id}", _One)).message

    async def edit(self, message_id: str, text: str) -> Message:
        """One's own only. Raises Forbidden, NotFound, Conflict (`message_deleted`, `channel_archived`)."""
        content = await self._caller.request("PATCH", f"/messages/{message_id}", body={"text": text}, safe=True)
        return decode(content, _One).message

    async def delete(self, message_id: str, *, reason: str | None = None) -> Message:
        """Takes the text away; again is harmless. The author of somebody else's is told the `reason`.

        Raises Forbidden, NotFound.
        """
        content = await self._caller.request("DELETE", f"/messages/{message_id}", params={"reason": reason}, safe=True)
        return decode(content, _One).message

    async def restore(self, message_id: str) -> Message:
        """Undo a deletion of one's own. Raises Conflict (`undo_expired`, `not_restorable`), Forbidden, NotFound."""
        return await self._change("POST", f"/messages/{message_id}/restore")

    async def history(self, message_id: str) -> list[Version]:
        """What it said, the oldest first, the present text last. Raises Forbidden (`history_off`), NotFound."""
        versions: list[Version] = []
        after: int | None = 0
        while after is not None:
            page = await self._caller.get(f"/messages/{message_id}/history", _History, {"after": after})
            versions += page.items
            after = page.next
        return versions

    async def forward(self, message_id: str, channel_id: str, *, client_msg_id: str | None = None) -> Message:
        """Raises Conflict (`message_deleted`, `channel_archived`), Forbidden, NotFound."""
        body = {"channel_id": channel_id, "client_msg_id": client_msg_id or str(uuid_utils.uuid7())}
        content = await self._caller.request("POST", f"/messages/{message_id}/forward", body=body, safe=True)
        return decode(content, _One).message

    async def react(self, message_id: str, emoji: str) -> Message:
        """Raises ValidationFailed, Conflict (`too_many_reactions`, `message_deleted`), Forbidden, NotFound."""
        return await self._change("PUT", f"/messages/{message_id}/reactions/{quote(emoji, safe='')}")

    async def take_back(self, message_id: str, emoji: str) -> Message:
        """One's own reaction. Raises Forbidden, NotFound."""
        return await self._change("DELETE", f"/messages/{message_id}/reactions/{quote(emoji, safe='')}")

    async def pin(self, message_id: str) -> Message:
        """Raises Conflict (`too_many_pins`, `message_deleted`), Forbidden, NotFound."""
        return await self._change("PUT", f"/messages/{message_id}/pin")

    async def unpin(self, message_id: str) -> Message:
        """Whoever pinned it. Raises Forbidden, NotFound."""
        return await self._change("DELETE", f"/messages/{message_id}/pin")

    async def pins(self, channel_id: str) -> list[Message]:
        """The newest pin first; there are at most a hundred. Raises NotFound."""
        return (await self._caller.get(f"/channels/{channel_id}/pins", _Pins, {"limit": 200})).items

    async def page(
        self,
        channel_id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int | None = None,
    ) -> MessagePage:
        """A window by `ch_seq`: at most one of before, after, around; none of them is the newest."""
        params = {"before": before, "after": after, "around": around, "limit": limit}
        return await self._caller.get(f"/channels/{channel_id}/messages", MessagePage, params)

    async def newest_first(
        self, channel_id: str, *, before: int | None = None, page_size: int | None = None
    ) -> AsyncIterator[Message]:
        while True:
            page = await self.page(channel_id, before=before, limit=page_size)
            for message in reversed(page.items):
                yield message
            if not page.has_before or not page.items:
                return
            before = page.items[0].ch_seq

    async def oldest_first(
        self, channel_id: str, *, after: int = 0, page_size: int | None = None
    ) -> AsyncIterator[Message]:
        while True:
            page = await self.page(channel_id, after=after, limit=page_size)
            for message in page.items:
                yield message
            if not page.has_after or not page.items:
                return
            after = page.items[-1].ch_seq

    async def _change(self, method: str, path: str) -> Message:
        return decode(await self._caller.request(method, path, safe=True), _One).message
