"""What both sides are asked to do, in the same words: writers that send, readers that prove what arrived.

Each writer has a room of its own with one reader in it, or with several. A text carries a running number and the time
of sending, so that a reader can prove that everything arrived once and in order, and say how long it took.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Protocol

WRITERS = 16
SENTENCE = "the tide table says high water is at ten past four, so the boats can leave before the rain comes in"
ARRIVAL_TIMEOUT_S = 60.0


class Lost(RuntimeError):
    """Something did not arrive, arrived twice, or arrived in another order."""


class Writer(Protocol):
    async def prepare(self) -> None:
        """Before each round: a server may have closed a connection that was idle while the other side had its turn."""
        ...

    async def send(self, text: str) -> None:
        """Returns when the message is acknowledged. Raises when it is refused."""
        ...


def text_of(number: int, sent_at: float) -> str:
    return f"{number} {sent_at:.6f} {SENTENCE}"


class Reader:
    """Takes the texts of one room, in the order in which they arrive."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.arrived = 0
        self.last_at = 0.0
        self.latencies: list[float] = []
        self.failure: str | None = None
        self._wanted = 0
        self._complete = asyncio.Event()

    def take(self, text: str) -> None:
        now = perf_counter()
        number, sent_at, _ = text.split(" ", 2)
        if int(number) != self.arrived:
            self.failure = self.failure or f"room {self.room}: number {number} came where {self.arrived} was due"
            self._complete.set()
        self.arrived += 1
        self.last_at = now
        self.latencies.append(now - float(sent_at))
        if self.arrived == self._wanted:
            self._complete.set()

    def fail(self, why: str) -> None:
        self.failure = self.failure or f"room {self.room}: {why}"
        self._complete.set()

    async def until(self, count: int) -> None:
        """Wait until `count` texts have arrived since the beginning. Raises Lost."""
        self._wanted = count
        if self.arrived < count and self.failure is None:
            self._complete.clear()
            try:
                await asyncio.wait_for(self._complete.wait(), ARRIVAL_TIMEOUT_S)
            except TimeoutError:
                raise Lost(f"room {self.room}: {self.arrived} of {count} arrived") from None
        if self.failure is not None:
            raise Lost(self.failure)
        if self.arrived > count:
            raise Lost(f"room {self.room}: {self.arrived} arrived, {count} were sent")

    def forget_latencies(self) -> list[float]:
        latencies, self.latencies = self.latencies, []
        return latencies


class Room:
    """A writer and who reads it, with the running number of what was sent."""

    def __init__(self, writer: Writer, *readers: Reader) -> None:
        self.writer = writer
        self.readers = readers
        self.sent = 0

    async def send(self, due: float | None = None) -> float:
        """Send the next text; how long the acknowledgement took, in seconds, since it was due."""
        started = due if due is not None else perf_counter()
        await self.writer.send(text_of(self.sent, started))
        self.sent += 1
        return perf_counter() - started


class Result:
    """One round: `rate` counts messages that were acknowledged and had arrived, per second until the last arrival."""

    def __init__(self, messages: int, seconds: float, acknowledged: list[float], delivered: list[float]) -> None:
        self.messages = messages
        self.seconds = seconds
        self.acknowledged = sorted(acknowledged)
        self.delivered = sorted(delivered)

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def flat_out(rooms: Sequence[Room], seconds: float) -> Result:
    """Every writer sends its next message as soon as the last one is acknowledged."""
    before = await _prepare(rooms)
    started = perf_counter()
    end = started + seconds
    acknowledged: list[float] = []

    async def write(room: Room) -> None:
        while perf_counter() < end:
            acknowledged.append(await room.send())

    return await _round(rooms, [write(room) for room in rooms], started, before, acknowledged)


async def paced(rooms: Sequence[Room], seconds: float, per_second: float) -> Result:
    """All writers together send `per_second`, each by its own clock. A late message counts from when it was due."""
    before = await _prepare(rooms)
    started = perf_counter()
    step = len(rooms) / per_second
    acknowledged: list[float] = []

    async def write(room: Room, offset: float) -> None:
        due = started + offset
        while due < started + seconds:
            await asyncio.sleep(max(0.0, due - perf_counter()))
            acknowledged.append(await room.send(due))
            due += step

    jobs = [write(room, step * index / len(rooms)) for index, room in enumerate(rooms)]
    return await _round(rooms, jobs, started, before, acknowledged)


async def _prepare(rooms: Sequence[Room]) -> int:
    """How many messages have been sent before this round."""
    for room in rooms:
        await room.writer.prepare()
        for reader in room.readers:
            reader.forget_latencies()
    return sum(room.sent for room in rooms)


async def _round(
    rooms: Sequence[Room], jobs: Sequence[object], started: float, before: int, acknowledged: list[float]
) -> Result:
    await asyncio.gather(*jobs)  # pyright: ignore[reportCallIssue, reportArgumentType]
    readers = [reader for room in rooms for reader in room.readers]
    await asyncio.gather(*(reader.until(room.sent) for room in rooms for reader in room.readers))
    last = max(reader.last_at for reader in readers)
    delivered = [latency for reader in readers for latency in reader.forget_latencies()]
    return Result(sum(room.sent for room in rooms) - before, last - started, acknowledged, delivered)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of an ascending list; 0.99 for p99."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
