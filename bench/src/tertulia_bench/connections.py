"""`connections`: how many idle streams one process of notify holds, what each costs, and how soon an event is at all.

As many as the system's descriptor limit allows, up to 20,000, each of a person of their own. While they idle some are
closed and others opened, one in a hundred each minute. Then one event goes to all of them, several times. Memory is
what the process holds resident beyond what it held before the first stream.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import Lost, percentile
from tertulia_bench.live import LiveDelivery
from tertulia_bench.streams import LoadClient, pin, raise_descriptor_limit
from tertulia_stack.ports import LOOPBACK

STREAMS = 20_000
SPARE_DESCRIPTORS = 100
"""Of the server's limit: what is not a stream, and a stream that opens before the one it replaces is gone."""
CLIENTS = 2
SOURCES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
"""One address has some 28,000 ports."""
CONNECTS_PER_S = 450
"""notify admits 500 a second."""
CHURN_S, QUICK_CHURN_S = 300.0, 30.0
CHURN_PER_MIN = 0.01
SETTLE_S = 5.0
EVENTS = 5
PATIENCE_S = 30.0
GOAL_KIB, GOAL_P99_MS, GOAL_GROWTH = 20.0, 500.0, 0.02
SERVER_CORE, OTHER_CORE = 0, 1
KIB = 1024


@dataclass(slots=True)
class Found:
    streams: int
    opened: int
    """With those that replaced others."""
    before: int
    """Resident bytes without a stream."""
    open: int
    churned: int
    left: int
    """Resident bytes after the last stream was closed."""
    p50_ms: list[float]
    p99_ms: list[float]
    last_ms: list[float]

    def kib(self, resident: int) -> float:
        return (resident - self.before) / self.streams / KIB

    @property
    def growth(self) -> float:
        """Of the resident memory, by the churn."""
        return self.churned / self.open - 1


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when an event is missing, or streams are left over."""
    return await _run(console, CHURN_S)


async def run_quickly(console: Console) -> dict[str, object]:
    """As `run`, with half a minute of churn."""
    return await _run(console, QUICK_CHURN_S)


async def _run(console: Console, churn_s: float) -> dict[str, object]:
    streams = min(STREAMS, raise_descriptor_limit() - SPARE_DESCRIPTORS)
    before = os.sched_getaffinity(0)
    pin(OTHER_CORE)
    try:
        with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
            async with AsyncExitStack() as exits:
                live = await exits.enter_async_context(LiveDelivery(Path(directory), streams, SERVER_CORE))
                clients = [await exits.enter_async_context(LoadClient(OTHER_CORE)) for _ in range(CLIENTS)]
                return _line(await _Crowd(live, clients).hold(churn_s, console), churn_s, console)
    finally:
        os.sched_setaffinity(0, before)


class _Crowd:
    """Everybody's stream, spread over the clients."""

    def __init__(self, live: LiveDelivery, clients: Sequence[LoadClient]) -> None:
        self._live = live
        self._clients = clients
        self._sources = cycle(SOURCES)
        self._people: Iterator[str] = cycle(live.people)
        self._opened = 0
        self._published = 0

    async def hold(self, churn_s: float, console: Console) -> Found:
        streams = len(self._live.people)
        before = self._resident()
        with console.status(f"{streams:,} streams open, {CONNECTS_PER_S} a second"):
            shares = [len(range(number, streams, CLIENTS)) for number in range(CLIENTS)]
            await asyncio.gather(
                *(self._open(client, share) for client, share in zip(self._clients, shares, strict=True))
            )
            await asyncio.sleep(SETTLE_S)
        opened = self._resident()
        console.print(f"{streams:,} streams: {(opened - before) / streams / KIB:.1f} KiB each", highlight=False)
        with console.status(f"{churn_s:.0f} s of churn"):
            await self._churn(streams, churn_s)
            await asyncio.sleep(SETTLE_S)
        churned = self._resident()
        console.print(f"after the churn: {(churned - before) / streams / KIB:.1f} KiB each", highlight=False)
        with console.status("Events to all"):
            arrivals = [await self._tell_all() for _ in range(EVENTS)]
        for client in self._clients:
            await client.order("close", streams)
        await self._until_forgotten()
        return Found(
            streams=streams,
            opened=self._opened,
            before=before,
            open=opened,
            churned=churned,
            left=self._resident(),
            p50_ms=[percentile(one, 0.5) * 1000 for one in arrivals],
            p99_ms=[percentile(one, 0.99) * 1000 for one in arrivals],
            last_ms=[one[-1] * 1000 for one in arrivals],
        )

    def _resident(self) -> int:
        return self._live.process.memory_info().rss

    async def _open(self, client: LoadClient, count: int) -> int:
        """How many the client holds now."""
        requests = [(next(self._sources), self._live.request(next(self._people))) for _ in range(count)]
        self._opened += count
        address = (LOOPBACK, self._live.port)
        return await client.order("open", address, requests, CONNECTS_PER_S / CLIENTS, b"event: hello", self._published)

    async def _churn(self, streams: int, seconds: float) -> None:
        """Replace streams evenly, the oldest first."""
        replaced = round(streams * CHURN_PER_MIN * seconds / 60)
        began = time.monotonic()
        for number, client in zip(range(replaced), cycle(self._clients), strict=False):
            await asyncio.sleep(max(0.0, began + number * seconds / replaced - time.monotonic()))
            await client.order("close", 1)
            await self._open(client, 1)

    async def _tell_all(self) -> list[float]:
        """Publish an event; seconds until it was at each stream, in order. Raises Lost."""
        for client in self._clients:
            await client.order("note_arrivals")
            await client.order("begin", 1)
            client.send("until_all", PATIENCE_S)
        began = time.monotonic()
        await self._live.publish([self._published])
        self._published += 1
        for client in self._clients:
            await client.answer()
        arrived: list[float] = []
        for client in self._clients:
            await client.order("prove", self._published)
            arrived += await client.order("arrivals")
        return sorted(one - began for one in arrived)

    async def _until_forgotten(self) -> None:
        """Raises Lost when notify still counts streams after they were closed."""
        deadline = time.monotonic() + PATIENCE_S
        async with aiohttp.ClientSession() as http:
            while time.monotonic() < deadline:
                async with http.get(f"http://{LOOPBACK}:{self._live.port}/metrics") as answer:
                    if "\nnotify_connections 0.0\n" in await answer.text():
                        return
                await asyncio.sleep(0.5)
        raise Lost("notify still holds streams that were closed")


def _line(found: Found, churn_s: float, console: Console) -> dict[str, object]:
    kib = [found.kib(found.open), found.kib(found.churned)]
    p99 = sorted(found.p99_ms)[len(found.p99_ms) // 2]
    table = Table(title=f"{found.streams:,} streams in one process, on one core")
    for column in ("", "resident", "of each stream"):
        table.add_column(column, justify="right")
    for name, resident in (("open", found.open), ("after the churn", found.churned)):
        table.add_row(name, f"{resident / KIB / KIB:,.0f} MiB", f"{found.kib(resident):.1f} KiB")
    console.print(table)
    told = ", ".join(f"{p50:.0f} / {high:.0f} / {last:.0f}" for p50, high, last in _times(found))
    console.print(f"ms until one event is at all of them (p50 / p99 / last): {told}", highlight=False)
    return {
        "bench": "connections",
        "ours": round(kib[-1], 1),
        "peer": GOAL_KIB,
        "ratio": round(GOAL_KIB / kib[-1], 2),
        "goal": 1.0,
        "ok": kib[-1] <= GOAL_KIB and p99 <= GOAL_P99_MS and found.growth <= GOAL_GROWTH,
        "unit": "KiB resident of an idle stream; less is better",
        "peer_name": "KiB allowed",
        "rounds": {"open, then after the churn": [round(one, 1) for one in kib], "allowed": [GOAL_KIB]},
        "streams": found.streams,
        "opened": found.opened,
        "churn_s": churn_s,
        "growth": round(found.growth, 4),
        "p50_ms": [round(one) for one in found.p50_ms],
        "p99_ms": [round(one) for one in found.p99_ms],
        "last_ms": [round(one) for one in found.last_ms],
        "notes": [
            f"{found.streams:,} streams of as many people, the largest number held at once: the system's limit of open "
            f"files, up to {STREAMS:,}. {found.opened - found.streams:,} of them were replaced in {churn_s:.0f} s; the "
            f"process held {found.growth:+.1%} afterwards (allowed: {GOAL_GROWTH:.0%}). Before the first stream it "
            f"held {found.before / KIB / KIB:,.0f} MiB, after the last {found.left / KIB / KIB:,.0f} MiB.",
            "",
            f"One event to all of them, {EVENTS} times, from publishing to the client: p50 / p99 / last {told} ms "
            f"(allowed at p99: {GOAL_P99_MS:.0f} ms); every one arrived once.",
        ],
    }


def _times(found: Found) -> Iterator[tuple[float, float, float]]:
    return zip(found.p50_ms, found.p99_ms, found.last_ms, strict=True)


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "connections",
        "ours": None,
        "peer": GOAL_KIB,
        "ratio": None,
        "goal": 1.0,
        "ok": False,
        "lost": str(error),
    }
