"""Where processor time goes while a benchmark runs."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from time import monotonic

import psutil

from tertulia_stack.background import BackgroundStack

IDLE_CORES = 0.2
"""Of all together; what looks for work by the clock takes some of that."""
LOOK_S = 1.0
AFTERMATH_S = 60.0

Processes = Mapping[str, Sequence[psutil.Process]]


class Meter:
    """Processor time of named processes, and of this one, between `__init__` and `stop`."""

    def __init__(self, processes: Processes) -> None:
        self._processes = {**processes, "load generator": [psutil.Process()]}
        self._before = {name: _seconds(each) for name, each in self._processes.items()}
        self._started = monotonic()

    def stop(self) -> dict[str, float]:
        """Cores used by each name: 1.0 is one core all the time."""
        wall = monotonic() - self._started
        return {name: (_seconds(each) - self._before[name]) / wall for name, each in self._processes.items()}


def service_processes(stack: BackgroundStack) -> dict[str, list[psutil.Process]]:
    """The processes of each service of a running stack, for telling where processor time goes."""
    found: dict[str, list[psutil.Process]] = {}
    for service in stack.status()["services"]:
        if service.get("pid"):
            top = psutil.Process(service["pid"])
            found[service["name"]] = [top, *top.children(recursive=True)]
    return found


async def until_idle(processes: Processes) -> None:
    """What they were asked to do is done behind the answers too. Raises TimeoutError."""
    async with asyncio.timeout(AFTERMATH_S):
        while True:
            meter = Meter(processes)
            await asyncio.sleep(LOOK_S)
            if sum(meter.stop().values()) < IDLE_CORES:
                return


def cores() -> int:
    return os.cpu_count() or 1


def _seconds(processes: Sequence[psutil.Process]) -> float:
    """Ended processes count as nothing: their time is gone from the table."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
