"""`replicas`: what one more replica of notify costs.

Every replica receives every event, whoever is connected to it. So the same load, events at a steady rate into many
rooms and a fixed number of streams, goes through one, two and four processes, and what they use more of together is the
price of the additional ones. In the last turn each workspace's people are all at one replica, as a balancer that knows
workspaces would place them: then three of four replicas receive an event for nobody.

Events come one at a time, each in a read of its own, which is the dearest way: at a higher rate several come together.
Processor time is what the load adds to a replica that only holds its streams. Every delivery is proven.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import Lost
from tertulia_bench.cost import Meter
from tertulia_bench.live import Replica, Room, Surroundings
from tertulia_bench.streams import LoadClient, pin, raise_descriptor_limit
from tertulia_stack.ports import LOOPBACK

GOAL_MS = 200.0
"""A fifth of a core for one more replica, at the rate of the load."""
CONNECTS_PER_S = 450
"""notify admits 1,000 a second."""
WARM_UP = 3
PATIENCE_S = 30.0
SERVER_CORE, OTHER_CORE = 0, 1
MICRO, MILLI, MIB = 1e6, 1e3, 1024 * 1024

RECEIVED = re.compile(r'^notify_events_total\{source="(?:live|repair)"\} (\S+)$', re.MULTILINE)
DELIVERED = re.compile(r"^notify_deliveries_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Turn:
    name: str
    replicas: int
    together: bool = False
    """Each workspace's people at one replica; else everywhere."""

    def place(self, room: int, person: int) -> int:
        """The replica that this person of this room is at."""
        return (room if self.together else room + person) % self.replicas


TURNS = (
    Turn("1 replica", 1),
    Turn("2 replicas", 2),
    Turn("4 replicas", 4),
    Turn("4, workspaces together", 4, together=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    rooms: int = 100
    people: int = 10
    """In each room, each with one stream."""
    rate: float = 400.0
    """Events a second, into one room after the other."""
    idle_s: float = 6.0
    rounds: int = 60
    """Events in each room."""

    @property
    def events(self) -> int:
        return self.rooms * self.rounds

    @property
    def streams(self) -> int:
        return self.rooms * self.people


QUICK = Load(idle_s=3.0, rounds=20)


@dataclass(frozen=True, slots=True)
class Share:
    """What one replica had to do in a turn."""

    streams: int
    received: int
    delivered: int
    idle: float
    busy: float
    """Seconds of processor time for a second, without and with the load."""
    spent: float
    """Seconds of processor time that the load took."""
    resident: int


@dataclass(frozen=True, slots=True)
class Outcome:
    turn: Turn
    shares: Sequence[Share]
    nats: float
    """Seconds of processor time for a second of the load."""

    @property
    def spent(self) -> float:
        return sum(share.spent for share in self.shares)

    @property
    def busy(self) -> float:
        return sum(share.busy for share in self.shares)


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a delivery is missing, doubled or out of order."""
    return await measure(Load(), TURNS, console)


async def run_quickly(console: Console) -> dict[str, object]:
    """As `run`, for five seconds each."""
    return await measure(QUICK, TURNS, console)


async def measure(load: Load, turns: Sequence[Turn], console: Console) -> dict[str, object]:
    """As `run`; the first turn is the one with a single replica."""
    raise_descriptor_limit()
    before = os.sched_getaffinity(0)
    pin(OTHER_CORE)
    try:
        with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
            async with AsyncExitStack() as exits:
                rooms = [Room.of(load.people) for _ in range(load.rooms)]
                live = await exits.enter_async_context(Surroundings(Path(directory), rooms, SERVER_CORE))
                client = await exits.enter_async_context(LoadClient(OTHER_CORE))
                play = _Play(live, client, load)
                return _line(load, [await play.turn(turn, console) for turn in turns], play.proven, console)
    finally:
        os.sched_setaffinity(0, before)


class _Play:
    def __init__(self, live: Surroundings, client: LoadClient, load: Load) -> None:
        self._live = live
        self._client = client
        self._load = load
        self._published = 0
        """Events in each room so far."""
        self.proven = 0
        """Deliveries."""

    async def turn(self, turn: Turn, console: Console) -> Outcome:
        with console.status(f"{turn.name}: starting"):
            replicas = [await self._live.start() for _ in range(turn.replicas)]
            people = [await self._connect(turn, number, replica) for number, replica in enumerate(replicas)]
            await self._say(WARM_UP)
        with console.status(f"{turn.name}: under load"):
            outcome = await self._under_load(turn, replicas, people)
        await self._client.order("close", self._load.streams)
        for replica in replicas:
            await asyncio.to_thread(replica.stop)
        told = ", ".join(f"{share.busy * 1000:.1f}" for share in outcome.shares)
        console.print(f"{turn.name}: {told} ms of processor time a second", highlight=False)
        return outcome

    async def _connect(self, turn: Turn, number: int, replica: Replica) -> int:
        """Everybody whose place this is; how many they are."""
        requests = [
            (LOOPBACK, self._live.request(person))
            for at, room in enumerate(self._live.rooms)
            for who, person in enumerate(room.people)
            if turn.place(at, who) == number
        ]
        address = (LOOPBACK, replica.port)
        await self._client.order("open", address, requests, CONNECTS_PER_S, b"event: hello", self._published)
        return len(requests)

    async def _under_load(self, turn: Turn, replicas: Sequence[Replica], people: Sequence[int]) -> Outcome:
        processes = {str(replica.port): [replica.process] for replica in replicas} | {"nats": self._live.nats}
        meter = Meter(processes)
        await asyncio.sleep(self._load.idle_s)
        idle = meter.stop()
        before = [await _counts(replica) for replica in replicas]
        meter, began = Meter(processes), time.monotonic()
        await self._say(self._load.rounds)
        busy, seconds = meter.stop(), time.monotonic() - began
        shares: list[Share] = []
        for number, replica in enumerate(replicas):
            name = str(replica.port)
            received, delivered = await self._counted_since(before[number], replica)
            spent = (busy[name] - idle[name]) * seconds
            resident = replica.process.memory_info().rss
            shares.append(Share(people[number], received, delivered, idle[name], busy[name], spent, resident))
        return Outcome(turn, shares, busy["nats"])

    async def _counted_since(self, before: tuple[int, int], replica: Replica) -> tuple[int, int]:
        """Who has nobody to show the last event to may be a moment behind. Raises Lost."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            now = await _counts(replica)
            received, delivered = now[0] - before[0], now[1] - before[1]
            if received >= self._load.events:
                return received, delivered
            if time.monotonic() > deadline:
                raise Lost(f"a replica received {received} of {self._load.events} events")
            await asyncio.sleep(0.1)

    async def _say(self, rounds: int) -> None:
        """So many events in each room, at the load's rate; returns when the last stream has the last. Raises Lost."""
        await self._client.order("begin", rounds)
        self._client.send("until_all", rounds * self._load.rooms / self._load.rate + PATIENCE_S)
        began = time.monotonic()
        for number in range(rounds * self._load.rooms):
            await asyncio.sleep(max(0.0, began + number / self._load.rate - time.monotonic()))
            round_, room = divmod(number, self._load.rooms)
            await self._live.say(self._live.rooms[room], [self._published + round_])
        self._published += rounds
        await self._client.answer()
        self.proven = await self._client.order("prove", self._published)


async def _counts(replica: Replica) -> tuple[int, int]:
    """Events received and deliveries made, as the process itself counts them."""
    async with aiohttp.ClientSession() as http, http.get(f"http://{LOOPBACK}:{replica.port}/metrics") as answer:
        told = await answer.text()
    return sum(round(float(value)) for value in RECEIVED.findall(told)), round(float(DELIVERED.findall(told)[0]))


def _line(load: Load, outcomes: Sequence[Outcome], proven: int, console: Console) -> dict[str, object]:
    prices = {outcome.turn.name: _price(outcomes[0], outcome) for outcome in outcomes[1:]}
    worst = max(prices.values()) * load.rate / MILLI
    table = Table(title=f"{load.rate:.0f} events/s, {load.streams:,} streams in {load.rooms} workspaces")
    for column in ("", "of all", "of each", "an event", "a delivery", "memory of each", "NATS"):
        table.add_column(column, justify="right")
    rows = [_row(outcome) for outcome in outcomes]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    told = "; ".join(f"{name}: {price:.0f} µs" for name, price in prices.items())
    console.print(f"one more adds for each event: {told}", highlight=False)
    return {
        "bench": "replicas",
        "ours": round(worst, 1),
        "peer": GOAL_MS,
        # Nothing, where the load was too short for the clock of processor time.
        "ratio": round(GOAL_MS / worst, 2) if worst > 0 else None,
        "goal": 1.0,
        "ok": worst <= GOAL_MS,
        "unit": "ms of processor time a second, all replicas together; less is better",
        "peer_name": "ms a second allowed for one more",
        "rounds": {outcome.turn.name: [round(outcome.busy * 1000, 1)] for outcome in outcomes},
        "prices_us": {name: round(price, 1) for name, price in prices.items()},
        "shares": {outcome.turn.name: [_told(share) for share in outcome.shares] for outcome in outcomes},
        "nats_ms": {outcome.turn.name: round(outcome.nats * 1000, 1) for outcome in outcomes},
        "deliveries": proven,
        "notes": [
            f"{load.rate:.0f} events a second into {load.rooms} workspaces of {load.people} people, {load.streams:,} "
            f"streams in all, spread over the replicas; all of {proven:,} deliveries arrived once and in order. In the "
            "last turn each workspace's people are at one replica.",
            "",
            "| | ms a second of all | of each | µs for an event received | for a delivery | MiB of each | NATS, ms |",
            "|---|---|---|---|---|---|---|",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            f"What one more replica adds for each event: {told}; at this rate at most {worst:.0f} ms of processor time "
            f"a second (allowed: {GOAL_MS:.0f}). Events come one at a time, so most of that is waking up for one. The "
            "columns for an event and for a delivery each divide all that the load took at a replica.",
        ],
    }


def _price(single: Outcome, outcome: Outcome) -> float:
    """Microseconds that each additional replica spends on an event."""
    more = outcome.turn.replicas - single.turn.replicas
    return (outcome.spent - single.spent) * MICRO / more / single.shares[0].received


def _row(outcome: Outcome) -> list[str]:
    shares = outcome.shares
    delivered = sum(share.delivered for share in shares)
    received = sum(share.received for share in shares)
    return [
        outcome.turn.name,
        f"{outcome.busy * 1000:.1f}",
        _range([share.busy * 1000 for share in shares], ".1f"),
        f"{outcome.spent * MICRO / received:.1f}",
        f"{outcome.spent * MICRO / delivered:.1f}",
        _range([share.resident / MIB for share in shares], ".0f"),
        f"{outcome.nats * 1000:.1f}",
    ]


def _told(share: Share) -> dict[str, object]:
    return {
        "streams": share.streams,
        "received": share.received,
        "delivered": share.delivered,
        "idle_ms": round(share.idle * 1000, 1),
        "busy_ms": round(share.busy * 1000, 1),
        "event_us": round(share.spent * MICRO / share.received, 1),
        "delivery_us": round(share.spent * MICRO / share.delivered, 1) if share.delivered else None,
        "rss_mib": round(share.resident / MIB, 1),
    }


def _range(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low}–{high}"


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "replicas",
        "ours": None,
        "peer": GOAL_MS,
        "ratio": None,
        "goal": 1.0,
        "ok": False,
        "lost": str(error),
    }
