"""Waking the relay after a commit.

Lossy on purpose: the relay polls as well, so with NATS away nothing is lost but a few milliseconds. The first commit
wakes at once; those within the next two milliseconds share one poke per shard, so that a busy process spends one write
to NATS on many messages.
"""

import asyncio
from collections.abc import Iterable

from tertulia_shared.bus import Bus, BusUnavailable

WINDOW_S = 0.002


class Poke:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._pending: set[int] = set()
        self._window_open = False

    def __call__(self, shards: Iterable[int]) -> None:
        self._pending.update(shards)
        if self._pending and not self._window_open:
            self._send()

    def _send(self) -> None:
        """Each sending opens a window at whose end the next one takes place, until a window stays empty."""
        self._window_open = bool(self._pending)
        if not self._window_open:
            return
        shards, self._pending = self._pending, set()
        try:
            for shard in shards:
                self._bus.publish_nowait(self._bus.topology.poke(shard), b"")
        except BusUnavailable:
            pass
        asyncio.get_running_loop().call_later(WINDOW_S, self._send)
