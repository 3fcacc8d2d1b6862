"""`fanout`: one event to 2,000 streams, beside nchan doing the same for the same client.

Both servers have one core, the same one, and take turns; everything else (the client, NATS, whoever publishes) has the
other. notify is asked through its real endpoint: tokens, admission, memberships. Events are published one at a time
(the next when the last stream has the one before) and in bursts of 20. Every delivery is proven.
"""

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from tertulia_bench import nchan
from tertulia_bench.conversation import Lost
from tertulia_bench.live import LiveDelivery
from tertulia_bench.nchan import Nchan
from tertulia_bench.streams import LoadClient, pin, start_bare_writer
from tertulia_stack.ports import LOOPBACK

STREAMS = 2_000
ROUNDS, TURNS = 5, 4
"""A round is the median of so many short turns of each side: the machine is never quiet for long."""
SINGLES, WARM_UP = 25, 20
BURSTS, BURST = 5, 20
GOAL_SINGLE, GOAL_BURST = 1.0, 3.0
CONNECTS_PER_S = 450
"""notify admits 500 a second."""
PATIENCE_S = 30.0
SERVER_CORE, OTHER_CORE = 0, 1

Publish = Callable[[list[int]], Awaitable[None]]


@dataclass(slots=True)
class Side:
    """One server with its client."""

    name: str
    client: LoadClient
    publish: Publish
    server: psutil.Process
    singles: list[float] = field(default_factory=list[float])
    bursts: list[float] = field(default_factory=list[float])
    """Deliveries a second, by round."""
    proven: int = 0
    spent: dict[str, float] = field(default_factory=lambda: {"single": 0.0, "burst": 0.0})
    """Seconds of processor time of the server, by kind of event."""
    _next: int = 0

    async def events(self, times: int, at_once: int) -> float:
        """Deliveries a second. Raises Lost."""
        spent = _processor_s(self.server)
        began = ended = time.monotonic()
        for _ in range(times):
            numbers = list(range(self._next, self._next + at_once))
            self._next += at_once
            await self.client.order("begin", at_once)
            self.client.send("until_all", PATIENCE_S)
            await self.publish(numbers)
            ended = await self.client.answer()
        self.proven = await self.client.order("prove", self._next)
        self.spent["burst" if at_once > 1 else "single"] += _processor_s(self.server) - spent
        return times * at_once * STREAMS / (ended - began)


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a delivery is missing, doubled or out of order."""
    try:
        await asyncio.to_thread(nchan.install)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Lost(f"there is no nchan to compare with: {error}") from error
    before = os.sched_getaffinity(0)
    pin(OTHER_CORE)
    try:
        with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
            root = Path(directory)
            root.chmod(0o755)
            async with AsyncExitStack() as exits:
                return await _measure(root, exits, console)
    finally:
        os.sched_setaffinity(0, before)


async def _measure(root: Path, exits: AsyncExitStack, console: Console) -> dict[str, object]:
    with console.status(f"{STREAMS:,} streams each"):
        live = await exits.enter_async_context(LiveDelivery(root, STREAMS, SERVER_CORE))
        ours = Side("Tertulia", await exits.enter_async_context(LoadClient(OTHER_CORE)), live.publish, live.process)
        requests = [(LOOPBACK, live.request(person)) for person in live.people]
        await ours.client.order("open", (LOOPBACK, live.port), requests, CONNECTS_PER_S, b"event: hello")
        hub = await exits.enter_async_context(Nchan(root / "nchan", STREAMS, SERVER_CORE))
        peer = Side(
            "nchan",
            await exits.enter_async_context(LoadClient(OTHER_CORE)),
            lambda numbers: hub.publish([live.body(number) for number in numbers]),
            hub.worker(),
        )
        await peer.client.order("open", (LOOPBACK, hub.port), [(LOOPBACK, hub.request)] * STREAMS, 5_000, b"\r\n\r\n")
        bare = await _bare(exits, live)
    sides = [ours, peer]
    for side in sides:
        await side.events(WARM_UP, 1)
        await side.events(WARM_UP // 4, BURST)
    for side in sides:
        side.spent = {"single": 0.0, "burst": 0.0}
    for number in range(1, ROUNDS + 1):
        await _round([*sides, bare] if number % 2 else [bare, *sides[::-1]])
        told = ", ".join(f"{one.name} {one.singles[-1]:,.0f} / {one.bursts[-1]:,.0f}" for one in [*sides, bare])
        console.print(f"round {number}: {told} deliveries/s (single / bursts)", highlight=False)
    return _line(ours, peer, bare, console)


async def _round(sides: Sequence[Side]) -> None:
    turns = [(await side.events(SINGLES, 1), await side.events(BURSTS, BURST)) for _ in range(TURNS) for side in sides]
    for number, side in enumerate(sides):
        side.singles.append(median(single for single, _ in turns[number :: len(sides)]))
        side.bursts.append(median(burst for _, burst in turns[number :: len(sides)]))


async def _bare(exits: AsyncExitStack, live: LiveDelivery) -> Side:
    """What the machine and the client can do at most: a process that only writes, to a client like the others'."""
    process, pipe, port = await asyncio.to_thread(start_bare_writer, SERVER_CORE, STREAMS)
    exits.callback(process.join, 5)
    exits.callback(pipe.send, b"")
    client = await exits.enter_async_context(LoadClient(OTHER_CORE))
    await client.order("open", (LOOPBACK, port), [(LOOPBACK, b"GET / HTTP/1.1\r\n\r\n")] * STREAMS, 5_000, b": ok")
    return Side("writing alone", client, lambda numbers: _write(pipe, live, numbers), psutil.Process(process.pid))


async def _write(pipe: Pipe, live: LiveDelivery, numbers: list[int]) -> None:
    """A burst as one piece, as the best server would."""
    pipe.send(b"".join(b"data: %b\n\n" % live.body(number) for number in numbers))


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _line(ours: Side, peer: Side, bare: Side, console: Console) -> dict[str, object]:
    single = median(mine / theirs for mine, theirs in zip(ours.singles, peer.singles, strict=True))
    burst = median(mine / theirs for mine, theirs in zip(ours.bursts, peer.bursts, strict=True))
    table = Table(title=f"{STREAMS:,} streams, the server on one core")
    for column in ("server", "single events", f"bursts of {BURST}"):
        table.add_column(column, justify="right")
    for side in (ours, peer, bare):
        table.add_row(side.name, f"{median(side.singles):,.0f}/s", f"{median(side.bursts):,.0f}/s")
    console.print(table)

    def cost(side: Side, kind: str) -> float:
        deliveries = ROUNDS * TURNS * STREAMS * (SINGLES if kind == "single" else BURSTS * BURST)
        return side.spent[kind] * 1e6 / deliveries

    return {
        "bench": "fanout",
        "ours": round(median(ours.singles)),
        "peer": round(median(peer.singles)),
        "ratio": round(single, 2),
        "goal": GOAL_SINGLE,
        "ok": single >= GOAL_SINGLE and burst >= GOAL_BURST,
        "unit": "deliveries/s of single events",
        "peer_name": "nchan",
        "rounds": {"Tertulia": [round(one) for one in ours.singles], "nchan": [round(one) for one in peer.singles]},
        "burst": {
            "ours": round(median(ours.bursts)),
            "peer": round(median(peer.bursts)),
            "ratio": round(burst, 2),
            "goal": GOAL_BURST,
        },
        "ceiling": {"single": round(median(bare.singles)), "burst": round(median(bare.bursts))},
        "deliveries": ours.proven + peer.proven,
        "notes": [
            f"{STREAMS:,} streams in one channel through notify's endpoint, with tokens and memberships; both servers "
            f"on the same core by turns, the client and everything else on the other. All of {ours.proven:,} "
            f"deliveries of ours arrived once and in order, and {peer.proven:,} of nchan's.",
            "",
            "| deliveries/s | single events | bursts of 20 |",
            "|---|---|---|",
            f"| ours | {median(ours.singles):,.0f} | {median(ours.bursts):,.0f} |",
            f"| nchan | {median(peer.singles):,.0f} | {median(peer.bursts):,.0f} |",
            f"| ratio (goals: {GOAL_SINGLE}, {GOAL_BURST}) | {single:.2f} | {burst:.2f} |",
            f"| a process that only writes | {median(bare.singles):,.0f} | {median(bare.bursts):,.0f} |",
            f"| processor time of a delivery, ours | {cost(ours, 'single'):.1f} µs | {cost(ours, 'burst'):.2f} µs |",
            f"| of nchan's | {cost(peer, 'single'):.1f} µs | {cost(peer, 'burst'):.2f} µs |",
            "",
            "A process that only writes (one `send` for each stream, a burst in one piece) shows what the machine and "
            "the load client can do at most.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "fanout",
        "ours": None,
        "peer": None,
        "ratio": None,
        "goal": GOAL_SINGLE,
        "ok": False,
        "lost": str(error),
    }
