"""What every scenario is given: a stack to break, a source of chance, and somewhere to say how it goes."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import psutil

from tertulia_chaos.faults import pid_of
from tertulia_chaos.proof import Findings
from tertulia_stack.background import BackgroundStack
from tertulia_stack.servers.process import family

Line = dict[str, Any]
"""The JSON line at a scenario's end."""


@dataclass(frozen=True)
class Arena:
    stack: BackgroundStack
    seed: int
    say: Callable[[str], None]
    """Progress for the terminal."""
    chance: random.Random = field(init=False)
    """Everything that is left to chance comes from here, so that the same seed plans the same faults."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "chance", random.Random(self.seed))

    def memory_mib(self, service: str) -> float:
        """Resident memory of a service with its children; 0 while it does not run."""
        pid = pid_of(self.stack, service)
        total = 0
        for process in family(pid) if pid is not None else ():
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 2**20


class Stopwatch:
    def __init__(self) -> None:
        self._began = monotonic()

    @property
    def s(self) -> float:
        return monotonic() - self._began


def line_of(name: str, arena: Arena, seconds: float, findings: Findings, more: Mapping[str, object]) -> Line:
    """`ok` is true when there is nothing to complain about."""
    return {
        "chaos": name,
        "ok": findings.ok,
        "seed": arena.seed,
        "seconds": round(seconds, 1),
        "acknowledged": findings.acknowledged,
        "stored": findings.stored,
        "seen": findings.seen,
        "lost": findings.lost,
        "doubled": findings.doubled,
        "reordered": findings.reordered,
        "altered": findings.altered,
        "leaked": findings.leaked,
        **more,
        "complaints": findings.complaints,
    }
