"""`start`: how long `tertulia up` takes, the first time and again, and how much memory everything holds at rest."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import Lost
from tertulia_stack.background import BackgroundStack

AGAIN = 3
SETTLE_S = 5.0
GOAL_FIRST_S, GOAL_AGAIN_S, GOAL_MEMORY_MIB = 90.0, 15.0, 1024.0
NOT_OURS = {"postgres", "nats", "model"}
MIB = 1024 * 1024


async def run(console: Console) -> dict[str, object]:
    """The JSON line."""
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        stack = BackgroundStack(root / "tertulia")
        with console.status("The first start"):
            first = await _start(stack)
        with console.status("At rest"):
            await asyncio.sleep(SETTLE_S)
            memory = await asyncio.to_thread(_memory, stack)
        again: list[float] = []
        for number in range(1, AGAIN + 1):
            await asyncio.to_thread(stack.stop)
            with console.status(f"Start {number} of {AGAIN} with the data there"):
                again.append(await _start(stack))
        await asyncio.to_thread(stack.stop)
    return _line(first, again, memory, console)


async def _start(stack: BackgroundStack) -> float:
    began = perf_counter()
    await asyncio.to_thread(stack.start)
    taken = perf_counter() - began
    late = [service["name"] for service in stack.status()["services"] if not service["ready"]]
    if late:
        raise Lost(f"not ready although the stack said so: {', '.join(late)}")
    return taken


def _memory(stack: BackgroundStack) -> dict[str, float]:
    """Resident MiB of each service with its children, and of the supervisor."""
    assert stack.process is not None
    found = {"supervisor": _resident([psutil.Process(stack.process.pid)])}
    for service in stack.status()["services"]:
        top = psutil.Process(service["pid"])
        found[service["name"]] = _resident([top, *top.children(recursive=True)])
    return found


def _resident(processes: Sequence[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in processes) / MIB


def _line(first: float, again: list[float], memory: dict[str, float], console: Console) -> dict[str, object]:
    own = sum(size for name, size in memory.items() if name not in NOT_OURS)
    table = Table(title="Resident memory at rest")
    table.add_column("process")
    table.add_column("MiB", justify="right")
    for name, size in sorted(memory.items(), key=lambda item: -item[1]):
        table.add_row(name if name not in NOT_OURS else f"{name} (not counted)", f"{size:,.0f}")
    table.add_row("ours together", f"{own:,.0f}")
    console.print(table)
    console.print(f"first start {first:.1f} s; again {', '.join(f'{one:.1f}' for one in again)} s")
    later = median(again)
    sizes = ", ".join(f"{name} {size:.0f}" for name, size in sorted(memory.items(), key=lambda item: -item[1]))
    return {
        "bench": "start",
        "ours": round(later, 1),
        "peer": GOAL_AGAIN_S,
        "ratio": round(GOAL_AGAIN_S / later, 2),
        "goal": 1.0,
        "ok": first < GOAL_FIRST_S and later < GOAL_AGAIN_S and own <= GOAL_MEMORY_MIB,
        "unit": "seconds until everything is ready, with the data there; less is better",
        "peer_name": "seconds allowed",
        "first_s": round(first, 1),
        "again_s": [round(one, 1) for one in again],
        "memory_mib": round(own),
        "memory_goal_mib": GOAL_MEMORY_MIB,
        "memory_of": {name: round(size) for name, size in memory.items()},
        "notes": [
            f"The first start, with the packages installed and the front end built, took {first:.1f} s (allowed: "
            f"{GOAL_FIRST_S:.0f}).",
            f"Our own processes hold {own:,.0f} MiB together at rest (allowed: {GOAL_MEMORY_MIB:,.0f}, without "
            f"PostgreSQL, NATS and the model). MiB each: {sizes}.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a start that did not come up."""
    return {"bench": "start", "ours": None, "peer": None, "ratio": None, "goal": 1.0, "ok": False, "lost": str(error)}
