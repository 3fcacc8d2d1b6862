"""When the sockets are written to.

A connection that gets something to send stands in line here, once, however much it gets. Usually the line is worked off
at the end of the event loop's turn: whatever came in that turn leaves in one write, and a single event waits for
nothing. The work is cut into slices, between which new events come in and join what still waits: the busier the
process, the more leaves with each write.

After a round that carried several events a burst is likely to go on, so the next round waits until nothing has come for
2 ms, but never longer than the round before took to write, and never longer than 10 ms. So waiting costs less than the
writing that it saves, and who has few connections waits for nothing that could be felt.
"""

import asyncio
from collections import deque
from time import perf_counter

from tertulia_notify.delivery.connection import Connection
from tertulia_shared.telemetry import logger

log = logger(__name__)

SLICE_S = 0.004
STEP = 32
"""Connections between two looks at the clock."""
LONGEST_WINDOW_S = 0.010
LULL_S = 0.002
FORGOTTEN_S = 0.050
"""This long after its end a burst says nothing about what comes next."""


class Outbox:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.line: deque[Connection] = deque()
        """Each connection stands in it once. Whoever puts the first one in calls `begin`."""
        self._flushing = False
        self._arrived = 0
        self._seen = 0
        self._began = 0.0
        self._burst_s = 0.0
        """How long the last round took, if it carried a burst."""
        self._ended = 0.0

    def arrived(self, events: int) -> None:
        """So many events were routed together."""
        self._arrived += events

    def begin(self) -> None:
        """The line will be worked off. Harmless while it already is."""
        if self._flushing:
            return
        self._flushing = True
        now = perf_counter()
        window = min(self._burst_s, LONGEST_WINDOW_S) if now - self._ended < FORGOTTEN_S else 0.0
        if window < LULL_S:
            self._loop.call_soon(self._start)
        else:
            self._seen = self._arrived
            self._loop.call_later(LULL_S, self._wait_for_lull, now + window)

    def _wait_for_lull(self, until: float) -> None:
        if self._arrived == self._seen or perf_counter() + LULL_S > until:
            self._start()
        else:
            self._seen = self._arrived
            self._loop.call_later(LULL_S, self._wait_for_lull, until)

    def _start(self) -> None:
        self._began = perf_counter()
        self._work()

    def _work(self) -> None:
        """One slice."""
        line = self.line
        end = perf_counter() + SLICE_S
        while line:
            for _ in range(min(len(line), STEP)):
                connection = line.popleft()
                try:
                    connection.flush()
                except Exception:
                    # One socket must not end delivery for everybody behind it.
                    log.exception("outbox.flush_failed", user=connection.user_id)
                    connection.give_up()
            if line and perf_counter() > end:
                self._loop.call_soon(self._work)
                return
        self._end()

    def _end(self) -> None:
        self._ended = perf_counter()
        self._burst_s = self._ended - self._began if self._arrived > 1 else 0.0
        self._arrived = 0
        self._flushing = False
