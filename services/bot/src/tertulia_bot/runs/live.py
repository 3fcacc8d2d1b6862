"""A run in this process: its text so far, and the ephemeral notices about it.

Deltas go out at most ten times a second, the first piece of text at once. They are whispers on core NATS: with NATS
away nothing but they is lost, and whoever misses one asks for the text so far.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from time import perf_counter

from tertulia_bot.context.retrieval import Source
from tertulia_bot.limits import DELTA_S
from tertulia_bot.metrics import FIRST_TOKEN_SECONDS
from tertulia_bot.runs.table import RunRow
from tertulia_shared.bus import Bus, BusUnavailable
from tertulia_shared.events import Run, RunDelta, RunStep, encode

Found = Awaitable[Sequence[Source] | None]


class Live:
    def __init__(self, bus: Bus, row: RunRow, found: Found | None = None) -> None:
        self.row = row
        self.found = found
        """Sources that are being looked for since before the run was let in."""
        self.attempt = row.attempt
        self.text = ""
        self.prompt_tokens = 0
        """Of the prompt that the model was given."""
        self.checkpointed = 0
        self.stop = asyncio.Event()
        """Somebody wants the answer to end here."""
        self.started = perf_counter()
        self._bus = bus
        self._sent = 0
        self._timer: asyncio.TimerHandle | None = None
        self._seen_first = False

    def view(self) -> Run:
        return self.row.view(self.text, self.attempt)

    def begin(self, attempt: int) -> None:
        """From the start again: what was said so far does not count any more."""
        self._cancel_timer()
        self.attempt = attempt
        self.text = ""
        self._sent = self.checkpointed = 0

    def step(self, step: str, count: int | None = None) -> None:
        self._publish(
            RunStep(
                workspace_id=self.row.workspace_id,
                channel_id=self.row.channel_id,
                run_id=self.row.id,
                attempt=self.attempt,
                step=step,
                count=count,
            )
        )

    def add(self, text: str) -> None:
        if not text:
            return
        self.text += text
        if not self._seen_first:
            self._seen_first = True
            FIRST_TOKEN_SECONDS.observe(perf_counter() - self.started)
        if self._timer is None:
            self._flush()

    def close(self) -> None:
        """The last delta, and no more."""
        self._flush()
        self._cancel_timer()

    @property
    def kept(self) -> tuple[str, int, str, int]:
        """What a checkpoint keeps of it."""
        return self.row.id, self.attempt, self.text, self.prompt_tokens

    @property
    def milliseconds(self) -> int:
        return round((perf_counter() - self.started) * 1000)

    def _flush(self) -> None:
        """Each flush opens a window at whose end the next takes place, until a window stays empty."""
        self._cancel_timer()
        if self._sent == len(self.text):
            return
        self._publish(
            RunDelta(
                workspace_id=self.row.workspace_id,
                channel_id=self.row.channel_id,
                run_id=self.row.id,
                attempt=self.attempt,
                offset=self._sent,
                text=self.text[self._sent :],
            )
        )
        self._sent = len(self.text)
        self._timer = asyncio.get_running_loop().call_later(DELTA_S, self._flush)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _publish(self, notice: RunDelta | RunStep) -> None:
        try:
            self._bus.publish_nowait(self._bus.topology.run(notice.workspace_id, notice.channel_id), encode(notice))
        except BusUnavailable:
            return
