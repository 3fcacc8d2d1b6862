"""The newest canary that came in: the time since it was written, by PostgreSQL's clock, is the health of its way."""

import time
from collections.abc import Callable

from tertulia_notify import metrics


class Canary:
    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._written_at = wall_clock()
        metrics.CANARY_AGE.set_function(lambda: self.age_s)

    @property
    def age_s(self) -> float:
        """Of the newest one; while none came, the time since the start."""
        return max(0.0, self._wall_clock() - self._written_at)

    def arrived(self, written_ms: int | None) -> None:
        """`written_ms` is the event's time in unix milliseconds. One that a repair reads is as late as it comes."""
        if written_ms is None:
            return
        written_at = written_ms / 1000
        metrics.CANARY_SECONDS.observe(max(0.0, self._wall_clock() - written_at))
        self._written_at = max(self._written_at, written_at)
