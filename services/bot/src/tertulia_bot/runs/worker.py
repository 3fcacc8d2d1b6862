"""Who works on what, in this process.

`begin` takes a run that was just accepted, without a detour; `run` claims what nobody works on: runs that had to wait,
and those of a process that died. One statement renews all leases and brings back what has become of them: a run that
somebody wants to stop, or that is no longer ours. When the leases could not be renewed in time, everything is let go:
another process may be working on it.
"""

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic

import msgspec

from tertulia_bot.budget.ledger import Ledger, Spent
from tertulia_bot.chat import ChatRuns, Finished, Opened, Outcome
from tertulia_bot.limits import CHECKPOINT_S, KEEP_ENDED_DAYS, POLL_S
from tertulia_bot.metrics import ACTIVE_RUNS, RUNS
from tertulia_bot.patience import until_it_answers
from tertulia_bot.provider.model import Model
from tertulia_bot.runs.answer import Answerer
from tertulia_bot.runs.live import Found, Live
from tertulia_bot.runs.table import RunRow, RunTable
from tertulia_shared.bus import Bus, BusMessage
from tertulia_shared.problems import DependencyUnavailable, Problem
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger, parse_traceparent, span

log = logger(__name__)

DRAIN_S = 2.0
FORGET_EVERY_S = 3600.0

_outcome = msgspec.json.Decoder(Outcome)


class Worker:
    """A component."""

    name = "runs"

    def __init__(
        self,
        *,
        bus: Bus,
        table: RunTable,
        ledger: Ledger,
        chat: ChatRuns,
        answerer: Answerer,
        model: Model,
        lease_s: float,
    ) -> None:
        self._bus = bus
        self._table = table
        self._ledger = ledger
        self._chat = chat
        self._answerer = answerer
        self._model = model
        self._lease_s = lease_s
        self._active: dict[str, Live] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._held: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._draining = False

    # -- from outside ------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        return not self._draining and len(self._tasks) < self._model.slots

    @contextmanager
    def holding(self, run_id: str) -> Generator[None]:
        """A run that is about to begin here is in this process's hands, however long chat takes to let it in."""
        self._held[run_id] += 1
        try:
            yield
        finally:
            self._held -= Counter((run_id,))

    def begin(self, row: RunRow, opened: Opened | None = None, found: Found | None = None) -> None:
        """Work on a run that is this process's already."""
        live = Live(self._bus, row, found)
        self._active[row.id] = live
        task = spawn(self._carry(live, opened), name=f"run {row.id}")
        self._tasks[row.id] = task
        ACTIVE_RUNS.set(len(self._tasks))
        task.add_done_callback(lambda _: self._ended(row.id, task))

    def wake(self) -> None:
        """There is a run that nobody works on."""
        self._wake.set()

    def live(self, run_id: str) -> Live | None:
        return self._active.get(run_id)

    def stop(self, run_id: str) -> None:
        """The wish is in the table already; this is only faster."""
        live = self._active.get(run_id)
        if live is not None:
            live.stop.set()

    # -- the component -----------------------------------------------------------------------------------

    async def run(self) -> None:
        subscription = await self._bus.subscribe(self._bus.topology.stop_run_all, self._hear_stop)
        helpers = [
            spawn(self._keep_leases(), name="run leases"),
            spawn(self._keep_checkpoints(), name="run checkpoints"),
            spawn(self._forget(), name="run forgetting"),
        ]
        try:
            await self._claim_for_ever()
        finally:
            for helper in helpers:
                helper.cancel()
            await self._let_go()
            await subscription.unsubscribe()

    async def drain(self) -> None:
        """Short answers end; the others are given back, for another process to begin again at once."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=DRAIN_S)
        await self._let_go()
        with suppress(DependencyUnavailable):
            await self._table.release()

    async def _claim_for_ever(self) -> None:
        while True:
            self._wake.clear()
            room = self._model.slots - len(self._tasks)
            if room > 0 and not self._draining:
                try:
                    for row in await self._table.claim(room, self._in_hand()):
                        self.begin(row)
                except DependencyUnavailable as error:
                    log.warning("runs.not_claimed", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()

    async def _keep_leases(self) -> None:
        renewed = monotonic()
        while True:
            await asyncio.sleep(self._lease_s / 3)
            before = self._in_hand()
            try:
                mine = await self._table.keep(before) if before else {}
            except DependencyUnavailable as error:
                log.warning("runs.leases_not_renewed", error=str(error))
                if monotonic() - renewed > self._lease_s:
                    self._cancel(before)
                continue
            renewed = monotonic()
            self._cancel(before - mine.keys())
            for run_id, stop in mine.items():
                if stop:
                    self.stop(run_id)

    async def _keep_checkpoints(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            changed = [live for live in self._active.values() if len(live.text) > live.checkpointed]
            if not changed:
                continue
            lengths = [len(live.text) for live in changed]
            try:
                await self._table.checkpoint([live.kept for live in changed])
            except DependencyUnavailable:
                continue
            for live, length in zip(changed, lengths, strict=True):
                live.checkpointed = length

    async def _forget(self) -> None:
        while True:
            with suppress(DependencyUnavailable):
                await self._table.forget_ended(timedelta(days=KEEP_ENDED_DAYS))
            await asyncio.sleep(FORGET_EVERY_S)

    # -- one run -----------------------------------------------------------------------------------------

    async def _carry(self, live: Live, opened: Opened | None) -> None:
        """From the beginning to the end; cancelled when the run is no longer ours."""
        row = live.row
        with span("bot run", parent=parse_traceparent(row.traceparent or ""), attributes={"command": row.command}):
            if row.outcome is None:
                outcome = await self._answerer.outcome(live, opened)
                live.close()
                kept = msgspec.json.encode(outcome).decode()
                if not await until_it_answers(lambda: self._table.finishing(row.id, kept), "PostgreSQL"):
                    return
            else:
                outcome = _outcome.decode(row.outcome)
            finished = await self._told(row, outcome)
            await self._settle(row, outcome, finished)

    async def _told(self, row: RunRow, outcome: Outcome) -> Finished | None:
        """chat's word on how it ended; None when it never let it begin."""
        if row.attempt == 0 or row.stop_wish:
            try:
                await until_it_answers(lambda: self._chat.open(row), "chat")
            except Problem as error:
                log.info("run.refused", run=row.id, code=error.code)
                return None
        return await until_it_answers(lambda: self._chat.finish(row.id, outcome), "chat")

    async def _settle(self, row: RunRow, outcome: Outcome, finished: Finished | None) -> None:
        run = None if finished is None else finished.run
        state = "failed" if run is None else str(run.state)
        error = (outcome.error or "not_found") if run is None else run.error
        message_id = None if run is None else run.message_id
        spent = Spent(outcome.prompt_tokens, outcome.completion_tokens)
        settled = await until_it_answers(
            lambda: self._ledger.settle(row.id, state, error, message_id, spent), "PostgreSQL"
        )
        if settled:
            RUNS.labels(row.command, state).inc()
            log.info("run.ended", run=row.id, state=state, error=error, ms=outcome.duration_ms, spent=sum_of(spent))

    def _ended(self, run_id: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(run_id) is task:
            del self._tasks[run_id]
            self._active.pop(run_id).close()
        ACTIVE_RUNS.set(len(self._tasks))
        self.wake()

    def _in_hand(self) -> set[str]:
        return self._tasks.keys() | self._held

    def _hear_stop(self, message: BusMessage) -> None:
        self.stop(message.subject.rpartition(".")[2])

    def _cancel(self, run_ids: set[str]) -> None:
        for run_id in run_ids:
            task = self._tasks.get(run_id)
            if task is not None and not task.done():
                log.warning("run.lease_lost", run=run_id)
                task.cancel()

    async def _let_go(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def sum_of(spent: Spent) -> int:
    return spent.prompt + spent.completion
