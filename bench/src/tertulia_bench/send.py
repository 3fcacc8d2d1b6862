"""`send`: how many messages a second are committed and delivered, beside Synapse, and how long delivery takes.

Sixteen writers, each in a room of its own with one reader. Both servers run for the whole benchmark on the same
machine, and take turns; each begins when what the other was asked is done behind its answers too. A round counts only
if every reader got every acknowledged message once and in order.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import psutil
from rich.console import Console
from rich.table import Table

from tertulia_bench import synapse
from tertulia_bench.conversation import WRITERS, Lost, Result, Room, flat_out, paced, percentile
from tertulia_bench.cost import Meter, cores, until_idle
from tertulia_bench.synapse import Synapse
from tertulia_bench.tertulia import Tertulia

ROUNDS = 3
ROUND_S = 12.0
WARM_UP_S = 4.0
PACED_S = 20.0
GOAL_RATIO = 30.0
GOAL_P99_MS = 50.0


class Side(Protocol):
    rooms: list[Room]

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def processes(self) -> dict[str, list[psutil.Process]]: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of one side with the cores that each process used."""

    result: Result
    cost: dict[str, float]


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a message was lost, doubled or out of order."""
    with console.status("Preparing Synapse"):
        await asyncio.to_thread(synapse.install)
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        sides: dict[str, Side] = {"Tertulia": Tertulia(root / "tertulia"), "Synapse": Synapse(_made(root / "synapse"))}
        try:
            for name, side in sides.items():
                with console.status(f"Starting {name}"):
                    await side.start()
            return await _measure(sides, console)
        finally:
            for side in sides.values():
                await side.stop()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _measure(sides: dict[str, Side], console: Console) -> dict[str, object]:
    rounds: dict[str, list[Measured]] = {name: [] for name in sides}
    for name, side in sides.items():
        with console.status(f"{name} warms up"):
            await flat_out(side.rooms, WARM_UP_S)
    for number in range(1, ROUNDS + 1):
        for name, side in sides.items():
            with console.status(f"Round {number} of {ROUNDS}: {name}"):
                await _all_idle(sides)
                measured = await _metered(side, lambda rooms: flat_out(rooms, ROUND_S))
            rounds[name].append(measured)
            console.print(f"round {number}: {name} {measured.result.rate:,.0f} messages/s")
    rates = {name: median(each.result.rate for each in measured) for name, measured in rounds.items()}
    at_half: dict[str, Measured] = {}
    for name, side in sides.items():
        with console.status(f"{name} at half of its maximum"):
            await _all_idle(sides)
            half = rates[name] / 2
            at_half[name] = await _metered(side, lambda rooms, half=half: paced(rooms, PACED_S, half))
    _show(rounds, rates, at_half, console)
    return _line(rounds, rates, at_half)


async def _all_idle(sides: dict[str, Side]) -> None:
    for side in sides.values():
        await until_idle(await asyncio.to_thread(side.processes))


async def _metered(side: Side, work: Callable[[list[Room]], "asyncio.Future[Result] | object"]) -> Measured:
    meter = Meter(await asyncio.to_thread(side.processes))
    result = await work(side.rooms)  # pyright: ignore[reportGeneralTypeIssues]
    assert isinstance(result, Result)
    return Measured(result, meter.stop())


def _show(
    rounds: dict[str, list[Measured]], rates: dict[str, float], at_half: dict[str, Measured], console: Console
) -> None:
    table = Table(title=f"{WRITERS} writers, committed and delivered, {cores()} cores for everything")
    for column in ("", "messages/s", "acknowledged p50 / p95", "delivered p50 / p95", "at half: delivered p50 / p99"):
        table.add_column(column, justify="left" if not column else "right")
    for name, measured in rounds.items():
        acknowledged = sorted(value for each in measured for value in each.result.acknowledged)
        delivered = sorted(value for each in measured for value in each.result.delivered)
        half = at_half[name].result.delivered
        table.add_row(
            name,
            f"{rates[name]:,.0f}",
            f"{_ms(acknowledged, 0.5)} / {_ms(acknowledged, 0.95)}",
            f"{_ms(delivered, 0.5)} / {_ms(delivered, 0.95)}",
            f"{_ms(half, 0.5)} / {_ms(half, 0.99)}",
        )
    console.print(table)
    for name, measured in rounds.items():
        shares = _median_cost(measured)
        told = ", ".join(f"{part} {share:.2f}" for part, share in sorted(shares.items(), key=lambda item: -item[1]))
        console.print(f"{name}, cores used: {told}", highlight=False)


def _median_cost(measured: list[Measured]) -> dict[str, float]:
    return {part: median(each.cost[part] for each in measured if part in each.cost) for part in measured[0].cost}


def _ms(ordered: list[float], share: float) -> str:
    return f"{percentile(ordered, share) * 1000:,.1f} ms"


def _line(
    rounds: dict[str, list[Measured]], rates: dict[str, float], at_half: dict[str, Measured]
) -> dict[str, object]:
    ours, peer = rates["Tertulia"], rates["Synapse"]
    half = at_half["Tertulia"].result
    p99 = percentile(half.delivered, 0.99) * 1000
    ratio = ours / peer
    line = {
        "bench": "send",
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "ratio": round(ratio, 1),
        "goal": GOAL_RATIO,
        "ok": ratio >= GOAL_RATIO and p99 < GOAL_P99_MS,
        "unit": "messages/s committed and delivered",
        "peer_name": "Synapse",
        "rounds": {name: [round(each.result.rate, 1) for each in measured] for name, measured in rounds.items()},
        "messages": sum(each.result.messages for measured in rounds.values() for each in measured),
        "half_rate": round(half.rate, 1),
        "delivery_p50_ms": round(percentile(half.delivered, 0.5) * 1000, 2),
        "delivery_p99_ms": round(p99, 2),
        "delivery_p99_goal_ms": GOAL_P99_MS,
        "peer_delivery_p50_ms": round(percentile(at_half["Synapse"].result.delivered, 0.5) * 1000, 2),
        "peer_delivery_p99_ms": round(percentile(at_half["Synapse"].result.delivered, 0.99) * 1000, 2),
        "cores": {part: round(share, 2) for part, share in _median_cost(rounds["Tertulia"]).items()},
    }
    return {**line, "notes": _notes(line)}


def _notes(line: dict[str, Any]) -> list[str]:
    """For docs/benchmarks.md."""
    used = ", ".join(f"{name} {share:.2f}" for name, share in line["cores"].items())
    return [
        f"{line['messages']:,} messages in {ROUNDS} rounds a side; every one arrived once and in order. "
        "Search, the bot and analytics are left out: what they cost is measured on their own.",
        "",
        f"| delivery | messages/s | p50 | p99 (goal: {GOAL_P99_MS:.0f} ms for ours) |",
        "|---|---|---|---|",
        f"| ours, at half of our maximum | {line['half_rate']:,.0f} | {line['delivery_p50_ms']} ms "
        f"| {line['delivery_p99_ms']} ms |",
        f"| {line['peer_name']}, at half of its own | {line['peer'] / 2:,.0f} | {line['peer_delivery_p50_ms']} ms "
        f"| {line['peer_delivery_p99_ms']} ms |",
        "",
        f"Cores that our processes used at the maximum: {used}.",
    ]


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "send",
        "ours": None,
        "peer": None,
        "ratio": None,
        "goal": GOAL_RATIO,
        "ok": False,
        "lost": str(error),
    }
