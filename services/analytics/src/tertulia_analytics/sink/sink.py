"""The one writer: claims its lock, settles what its predecessor left, then batch after batch.

Nothing that is away ends the sink. It waits, longer each time, and goes on where it was.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import asyncpg

from tertulia_analytics import metrics
from tertulia_analytics.errors import AnalyticsUnavailable
from tertulia_analytics.sink.batch import Batch, form
from tertulia_analytics.sink.lag import Lag
from tertulia_analytics.sink.position import Intent, Ledger, Position
from tertulia_analytics.sink.store import Store
from tertulia_shared.bus import (
    Bus,
    BusError,
    DeadLetters,
    Delivery,
    NotYet,
    Redelivery,
    Reject,
    Retry,
    StoredMessage,
    StreamState,
    stream_state,
)
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import batch_span, extract, logger

log = logger(__name__)

CONSUMER = "analytics"
# A connection that dies inside a statement makes asyncpg stumble over its own roll-back: InternalClientError.
POSTGRES_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 30
# A peer that vanished without a word must lose its lock within seconds.
_SESSION = {
    "application_name": "tertulia analytics",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A batch is closed by `rows` events or every `batch_s` seconds. What fails is tried again after `first_retry_s`
    and then ever later. `late_s` is the lag that /readyz mentions."""

    rows: int = 20_000
    batch_s: float = 1.0
    claim_s: float = 1.0
    first_retry_s: float = 0.25
    last_retry_s: float = 5.0
    late_s: float = 10.0


class Sink:
    """A component. Any number of processes may run one; one of them writes."""

    name = "sink"

    def __init__(self, postgres_url: str, bus: Bus, store: Store, dead_letters: DeadLetters, pace: Pace) -> None:
        self._postgres_url = postgres_url
        self._bus = bus
        self._store = store
        self._dead_letters = dead_letters
        self._pace = pace
        self._turn = asyncio.Condition()
        self.lag = Lag()
        self.position = Position(warehouse="", incarnation="", seq=0)
        """The last one that is saved; only the writer's is true."""

    async def check(self) -> None:
        """For Health: raises when the reports are late."""
        if self.lag.seconds > self._pace.late_s:
            raise RuntimeError(f"{self.lag.seconds:.0f} s behind: {self.lag.reason}")

    async def run(self) -> None:
        while True:
            try:
                async with self._connection() as connection:
                    await self._lead(Ledger(connection))
            except POSTGRES_ERRORS as error:
                self._wait_for("postgres", error)
            finally:
                metrics.LEADING.set(0)
            await asyncio.sleep(self._pace.claim_s)

    async def passed(self, state: StreamState, timeout_s: float) -> bool:
        """Whether everything in the stream as `state` tells it is counted now, waiting for it at most so long."""

        def there() -> bool:
            return self.position.incarnation == state.incarnation and self.position.seq >= state.last_seq

        try:
            async with asyncio.timeout(timeout_s), self._turn:
                await self._turn.wait_for(there)
        except TimeoutError:
            return False
        return True

    async def _lead(self, ledger: Ledger) -> None:
        """Raises POSTGRES_ERRORS when the connection, and with it the lock, is gone."""
        while not await ledger.claim():
            self.position = await ledger.load()
            await self._look_on()
            await asyncio.sleep(self._pace.claim_s)
        metrics.LEADING.set(1)
        log.info("sink.leading")
        tenure = _Tenure(ledger, self._bus, self._store, self._dead_letters, self._pace)
        # Only the writer answers an operator: a standby must not insert.
        redelivery = Redelivery(self._bus, CONSUMER, tenure.again, self._dead_letters)
        answering = spawn(redelivery.run(), name="sink redelivery")
        try:
            await self._write(tenure)
        finally:
            answering.cancel()
            await asyncio.wait([answering])

    async def _write(self, tenure: "_Tenure") -> NoReturn:
        """Batch after batch, for ever. Raises POSTGRES_ERRORS."""
        retry_s = self._pace.first_retry_s
        while True:
            try:
                state = await tenure.step()
            except (BusError, NotYet, AnalyticsUnavailable) as error:
                self._wait_for("clickhouse" if isinstance(error, AnalyticsUnavailable) else "nats", error)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, self._pace.last_retry_s)
                continue
            retry_s = self._pace.first_retry_s
            await self._moved(tenure, state)
            if tenure.position.seq >= state.last_seq or not tenure.full:
                await asyncio.sleep(max(0.0, self._pace.batch_s - tenure.took_s))

    async def _moved(self, tenure: "_Tenure", state: StreamState) -> None:
        metrics.POSITION.set(tenure.position.seq)
        if tenure.position.seq >= state.last_seq:
            self.lag.none()
        else:
            self.lag.since(tenure.stored_at, "catching up")
        async with self._turn:
            self.position = tenure.position
            self._turn.notify_all()

    async def _look_on(self) -> None:
        """A standby tells the lag too, as far as the saved position shows it."""
        try:
            state = await stream_state(self._bus)
        except BusError as error:
            self._wait_for("nats", error)
            return
        if self.position.incarnation == state.incarnation and self.position.seq >= state.last_seq:
            self.lag.none()
        else:
            self.lag.since(None, "another process writes")
        async with self._turn:
            self._turn.notify_all()

    def _wait_for(self, what: str, error: BaseException) -> None:
        metrics.RETRIES.labels(what).inc()
        self.lag.since(None, f"{what} is away")
        log.warning("sink.waiting", reason=what, error=str(error) or type(error).__name__)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            self._postgres_url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings=_SESSION,
        )
        try:
            yield connection
        finally:
            connection.terminate()


class _Tenure:
    """One process's time as the writer. `step` either finishes a batch or leaves its intent to be finished."""

    def __init__(self, ledger: Ledger, bus: Bus, store: Store, dead_letters: DeadLetters, pace: Pace) -> None:
        self._ledger = ledger
        self._bus = bus
        self._store = store
        self._dead_letters = dead_letters
        self._pace = pace
        self._store.forget()
        self._loaded = False
        self._turn = asyncio.Lock()
        self._unsettled: Batch | None = None
        self._ahead: Batch | None = None
        self.position = Position(warehouse="", incarnation="", seq=0)
        self.stored_at: datetime | None = None
        self.full = False
        self.took_s = 0.0

    async def step(self) -> StreamState:
        """The stream's state that this step went by. Raises BusError, NotYet, AnalyticsUnavailable or POSTGRES_ERRORS;
        the next step repeats what was not finished."""
        async with self._turn:
            return await self._step()

    async def again(self, deliveries: Sequence[Delivery]) -> None:
        """At an operator's wish, between two steps: insert those that are not stored, which may lie anywhere.

        Raises Retry while a batch is unsettled (it may hold copies of them) or something is away, Reject for an event
        that cannot be read; nothing was inserted then.
        """
        async with self._turn:
            if not self._loaded or self._unsettled is not None or self.position.intent is not None:
                raise Retry("a batch is under way")
            batch = Batch(incarnation=f"{self.position.incarnation}:again", first=deliveries[0].seq)
            for delivery in deliveries:
                batch.take(delivery.message)
            if batch.unreadable:
                raise Reject(batch.unreadable[0][1])
            try:
                # Over the connection that holds the lock: who lost it is no longer the writer.
                await self._ledger.load()
                batch.leave_out(await self._store.stored_of(batch))
                await self._store.insert(batch)
            except (AnalyticsUnavailable, *POSTGRES_ERRORS) as error:
                raise Retry(str(error) or type(error).__name__) from error
        metrics.ROWS.inc(len(batch.rows))
        metrics.SKIPPED.inc(len(batch.skipped))

    async def _step(self) -> StreamState:
        started = time.monotonic()
        if not self._loaded:
            self.position = await self._ledger.load()
            self._loaded = True
        if self._unsettled is not None:
            # Its rows are still in memory, so it does not matter what has become of the stream meanwhile.
            await self._insert(self._unsettled)
        state = await stream_state(self._bus)
        await self._stay_in_this_life(state)
        if self.position.intent is not None:
            await self._settle_intent(state, self.position.intent)
        self.full = False
        if self.position.seq < state.last_seq:
            await self._next(state)
        self.took_s = time.monotonic() - started
        return state

    async def _next(self, state: StreamState) -> None:
        after = self.position.seq
        batch, self._ahead = self._ahead, None
        if batch is None or (batch.incarnation, batch.first) != (state.incarnation, after + 1):
            batch = await self._read(state, after)
        if batch.last <= after:
            return
        self.full = batch.last < state.last_seq
        if batch.missed:
            metrics.LOST.inc(batch.missed)
            log.error("sink.lost", first=batch.first, last=batch.last, missed=batch.missed)
        batch.leave_out(await self._store.stored_of(batch))
        intent = Intent(last=batch.last, token=batch.token, skipped=batch.skipped)
        self.position = await self._ledger.intend(self.position, intent)
        self._unsettled = batch
        reading = spawn(self._read_ahead(state, batch.last), name="sink reading ahead")
        try:
            await self._insert(batch)
        except BaseException:
            reading.cancel()
            raise
        self._ahead = await reading

    async def _read(self, state: StreamState, after: int) -> Batch:
        """The next batch. Raises BusError or NotYet."""
        last = min(state.last_seq, max(after, state.first_seq - 1) + self._pace.rows)
        return await form(self._bus, state, after, last)

    async def _read_ahead(self, state: StreamState, after: int) -> Batch | None:
        """ClickHouse works outside of Python: what follows can be read meanwhile. None when it will be read later."""
        if after >= state.last_seq:
            return None
        try:
            return await self._read(state, after)
        except (BusError, NotYet):
            return None

    async def _stay_in_this_life(self, state: StreamState) -> None:
        """A position means nothing in another stream, in one that became shorter, or for another warehouse."""
        reason = _why_restart(self.position, state, await self._store.identity())
        if reason is None:
            return
        metrics.RESTARTS.labels(reason).inc()
        log.warning("sink.restarting", reason=reason, incarnation=state.incarnation, position=self.position.seq)
        self.position = await self._ledger.restart(await self._store.identity(), state.incarnation)

    async def _settle_intent(self, state: StreamState, intent: Intent) -> None:
        """Somebody was about to insert this, or did and could not say so."""
        batch = await form(self._bus, state, self.position.seq, intent.last)
        batch.leave_out_seqs(intent.skipped)
        if batch.last == intent.last and batch.token == intent.token:
            log.info("sink.settling", first=batch.first, last=batch.last, rows=len(batch.rows))
            self._unsettled = batch
            await self._insert(batch)
        else:
            log.warning("sink.intent_void", last=intent.last, missed=batch.missed)
            self.position = await self._ledger.void(self.position)

    async def _insert(self, batch: Batch) -> None:
        """Everything here may be repeated, in whole or in part."""
        with metrics.BATCH_SECONDS.time(), batch_span("analytics batch", batch.traces):
            for message, error in batch.unreadable:
                await self._put_aside(message, error)
            await self._store.insert(batch)
            self.position = await self._ledger.settle(self.position, batch.last)
        self._unsettled = None
        self.stored_at = batch.stored_at
        metrics.ROWS.inc(len(batch.rows))
        metrics.SKIPPED.inc(len(batch.skipped))
        metrics.DEAD_LETTERS.inc(len(batch.unreadable))
        log.debug("sink.inserted", first=batch.first, last=batch.last, rows=len(batch.rows))

    async def _put_aside(self, message: StoredMessage, error: str) -> None:
        context = extract(message.headers)
        log.error("sink.dead_letter", seq=message.seq, subject=message.subject, error=error)
        await self._dead_letters.add(
            CONSUMER,
            self._bus.topology.stream,
            message,
            error=error,
            attempts=1,
            trace_id=None if context is None else context.trace_id,
        )


def _why_restart(position: Position, state: StreamState, warehouse: str) -> str | None:
    if not position.warehouse:
        return "first"
    if position.warehouse != warehouse:
        return "warehouse"
    if position.incarnation != state.incarnation:
        return "incarnation"
    reached = position.seq if position.intent is None else position.intent.last
    return "regressed" if state.last_seq < reached else None
