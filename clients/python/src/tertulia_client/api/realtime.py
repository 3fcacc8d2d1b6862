"""The long poll, for networks that hold back event streams (everybody else takes `Client.stream()`), and presence."""

from collections.abc import Iterable

import msgspec

from tertulia_client.caller import Caller
from tertulia_client.events import EventBatch, decode_event_batch
from tertulia_client.models import PersonState, PresenceState


class _People(msgspec.Struct):
    items: list[PersonState]


class Realtime:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def poll(self, cursor: str, *, timeout_s: int = 25) -> EventBatch:
        """Waits up to `timeout_s` for events after `cursor`; duplicates are possible, `ch_seq` tells them."""
        content = await self._caller.request(
            "GET", "/events", params={"cursor": cursor, "timeout": timeout_s}, safe=True, timeout_s=timeout_s + 15.0
        )
        return decode_event_batch(content)

    async def presence(self, user_ids: Iterable[str]) -> dict[str, PresenceState]:
        """Of at most 100 people, those with whom I share a channel."""
        people = await self._caller.get("/presence", _People, {"user_ids": ",".join(user_ids)})
        return {person.user_id: person.state for person in people.items}

    async def watch_presence(self, connection: str, user_ids: Iterable[str]) -> None:
        """From now on this connection of a stream (`Connected.connection`) yields `Presence` for at most 500 people,
        first of all how they are. Raises NotFound once it has broken."""
        body = {"connection": connection, "user_ids": list(user_ids)}
        await self._caller.request("PUT", "/presence/subscriptions", body=body, safe=True)

    async def set_active(self, connection: str, *, active: bool) -> None:
        """Whether somebody is using this device. Raises NotFound once the connection has broken."""
        body = {"connection": connection, "active": active}
        await self._caller.request("PUT", "/presence/activity", body=body, safe=True)
