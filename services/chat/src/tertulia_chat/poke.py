"""Waking the relay after a commit.

Lossy on purpose: the relay polls as well, so with NATS away nothing is lost but a few milliseconds.
"""

from collections.abc import Iterable

from tertulia_shared.bus import Bus, BusUnavailable
from tertulia_shared.events import Topology


class Poke:
    def __init__(self, bus: Bus, topology: Topology) -> None:
        self._bus = bus
        self._topology = topology

    async def __call__(self, shards: Iterable[int]) -> None:
        try:
            for shard in shards:
                await self._bus.publish(self._topology.poke(shard), b"")
        except BusUnavailable:
            return
