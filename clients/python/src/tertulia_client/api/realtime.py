"""The long poll, for networks that hold back event streams; everybody else takes `Client.stream()`."""

from tertulia_client.caller import Caller
from tertulia_client.events import EventBatch, decode_event_batch


class Realtime:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def poll(self, cursor: str, *, timeout_s: int = 25) -> EventBatch:
        """Waits up to `timeout_s` for events after `cursor`; duplicates are possible, `ch_seq` tells them."""
        content = await self._caller.request(
            "GET", "/events", params={"cursor": cursor, "timeout": timeout_s}, safe=True, timeout_s=timeout_s + 15.0
        )
        return decode_event_batch(content)
