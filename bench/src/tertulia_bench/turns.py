"""Posts at one rate into many small channels, and what was at whose stream: one turn, wholly proven.

The load takes part in two processes of its own, one that posts and one that listens.
"""

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tertulia_bench.conversation import Lost, percentile
from tertulia_bench.cost import Meter, service_processes
from tertulia_bench.http import raw_request
from tertulia_bench.listening import Heard, serve_channels
from tertulia_bench.population import Population
from tertulia_bench.posting import Posted, Room, serve_posts
from tertulia_bench.streams import LoadClient
from tertulia_stack.background import BackgroundStack
from tertulia_stack.ports import LOOPBACK

GOAL_P50_MS, GOAL_P99_MS = 10.0, 50.0
CONNECTS_PER_S = 400
"""notify admits 500 a second."""
PATIENCE_S = 30.0
SEED = 20_26


@dataclass(frozen=True, slots=True)
class Turn:
    """One rate for a while. `cost` are the cores that each process used."""

    per_s: int
    posted: Posted
    heard: Heard
    unheard: int
    cost: dict[str, float]

    @property
    def acknowledged(self) -> list[float]:
        return sorted(self.posted.seconds)

    @property
    def delivered(self) -> list[float]:
        return sorted(self.heard.seconds)

    @property
    def lost(self) -> int:
        return self.heard.lost + self.unheard

    @property
    def holds(self) -> bool:
        """The goal. A backlog would show: late posts count from when they were due."""
        delivered = self.delivered
        p50, p99 = percentile(delivered, 0.5) * 1000, percentile(delivered, 0.99) * 1000
        return p50 <= GOAL_P50_MS and p99 <= GOAL_P99_MS

    def check(self) -> None:
        """Raises Lost."""
        heard, posted = self.heard, self.posted
        if posted.refused:
            raise Lost(f"{len(posted.refused)} posts were not acknowledged, e.g. {posted.refused[0]}")
        wrong = sum(heard.texts.get((channel, place)) != number for (channel, number), place in posted.places.items())
        if self.lost or heard.doubled or heard.foreign or heard.closed or wrong:
            raise Lost(
                f"at {self.per_s} posts a second: {self.lost} lost, {heard.doubled} doubled or out of order, "
                f"{heard.foreign} at outsiders, {wrong} acknowledged with another place, {heard.closed} streams closed"
            )


class Quay:
    """The population with its streams open, and the two processes that take part. `async with` closes the streams."""

    def __init__(self, stack: BackgroundStack, population: Population) -> None:
        self._stack = stack
        self._population = population
        self._listener = LoadClient(None, serve_channels)
        self._poster = LoadClient(None, serve_posts)
        self._members = [population.members(channel) for channel in range(len(population.channels))]
        self._last_seqs: list[int] = []

    async def __aenter__(self) -> Self:
        people = self._population.people
        self._last_seqs = await self._population.last_seqs()
        host = f"{LOOPBACK}:{self._stack.port}"
        requests = [(LOOPBACK, raw_request("GET", "/api/v1/stream", host, token=person.token)) for person in people]
        await self._listener.order("open", (LOOPBACK, self._stack.port), requests, CONNECTS_PER_S, b"event: hello")
        seats = [{channel: self._last_seqs[channel] + 1 for channel in person.channels} for person in people]
        await self._listener.order("seat", seats)
        rooms = [
            Room(channel, [person.token for person in members])
            for channel, members in zip(self._population.channels, self._members, strict=True)
        ]
        await self._poster.order("open", self._stack.port, rooms)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._poster.__aexit__()
        await self._listener.__aexit__()

    async def turn(self, per_s: int, seconds: float, seed: int = SEED) -> Turn:
        """Raises Lost unless every delivery is right."""
        await self._listener.order("listen")
        # Anew each time: PostgreSQL has a process for each connection, and these come when they are needed.
        meter = Meter(await asyncio.to_thread(service_processes, self._stack))
        began = time.monotonic()
        posted: Posted = await self._poster.order("post", per_s, seconds, seed)
        due = sum(len(self._members[channel]) for channel, _ in posted.places)
        heard: Heard = await self._listener.order("until_heard", due, PATIENCE_S)
        wall = time.monotonic() - began
        cost = meter.stop() | {"listener": heard.processor_s / wall, "poster": posted.processor_s / wall}
        for (channel, _), place in posted.places.items():
            self._last_seqs[channel] = max(self._last_seqs[channel], place)
        unheard = await self._listener.order("unheard", self._last_seqs)
        turn = Turn(per_s, posted, heard, unheard, cost)
        turn.check()
        return turn
