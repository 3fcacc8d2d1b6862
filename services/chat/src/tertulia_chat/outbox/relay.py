"""The relay: publishes the event log to the stream, in order, without ever skipping a row.

*Publish on sight, advance on xmin.* Whatever is visible and not yet published goes out at once, in id order; the
watermark `low` only moves up to the `xmin` of a snapshot whose every visible row was published. A transaction that
commits late is therefore found however late it is, and a long one delays nobody: it only keeps the set of remembered
ids large.

A big backlog is read by id, page by page, because the remembered set would grow with it. A late commit that a page
passed by has an xid at or above the `xmin` of the first page, so the watermark stops there until the last page is done.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from tertulia_chat.outbox import metrics
from tertulia_chat.outbox.log import EventLog, LogRow
from tertulia_chat.outbox.position import ShardPosition, claim, save
from tertulia_chat.outbox.rewind import verify
from tertulia_shared.bus import Bus, BusError, BusMessage, MessageTooLarge, PipelinedPublisher, PublishFailed
from tertulia_shared.telemetry import logger

log = logger(__name__)

CONNECT_TIMEOUT_S = 5
QUERY_TIMEOUT_S = 30.0
RETRY_S = 0.25
# A peer that vanished without a word must lose its locks within seconds.
_SESSION = {
    "application_name": "tertulia relay",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
    "plan_cache_mode": "force_custom_plan",
    "enable_seqscan": "off",
    "jit": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds, except the sizes. `poll_s` bounds the delay when no wake-up arrives."""

    poll_s: float = 0.05
    save_s: float = 1.0
    claim_s: float = 1.0
    verify_s: float = 30.0
    fresh_limit: int = 2_000
    page: int = 1_000


class Relay:
    """A component. Any number of processes may run one: each publishes the shards whose locks it gets."""

    name = "relay"

    def __init__(self, postgres_url: str, bus: Bus, pace: Pace | None = None) -> None:
        self._postgres_url = postgres_url
        self.bus = bus
        self.pace = pace or Pace()
        self.must_verify = True
        """Something happened to NATS: nothing is published before the stream was looked at."""
        self._poked = asyncio.Event()
        self.positions: dict[int, ShardPosition] = {}
        """The shards held now."""

    async def run(self) -> None:
        await self.bus.subscribe(self.bus.topology.poke_all, self._on_poke)
        self.bus.on_disconnected(self._on_disconnected)
        async with PipelinedPublisher(self.bus) as publisher:
            while True:
                try:
                    async with self._connection() as connection:
                        await _Tenure(self, connection, publisher).run()
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    log.warning("relay lost PostgreSQL", error=str(error) or type(error).__name__)
                finally:
                    self.positions = {}
                    metrics.HELD.set(0)
                await asyncio.sleep(RETRY_S)

    async def wait_for_work(self) -> None:
        """Until somebody says that something was committed, at most `poll_s`."""
        try:
            async with asyncio.timeout(self.pace.poll_s):
                await self._poked.wait()
        except TimeoutError:
            return
        finally:
            self._poked.clear()

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            self._postgres_url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=QUERY_TIMEOUT_S,
            server_settings=_SESSION,
        )
        try:
            yield connection
        finally:
            connection.terminate()

    def _on_poke(self, _: BusMessage) -> None:
        self._poked.set()

    def _on_disconnected(self) -> None:
        self.must_verify = True


class _Tenure:
    """The time from one connection to PostgreSQL to its loss: the locks, and what was published above the watermark."""

    def __init__(self, relay: Relay, connection: asyncpg.Connection, publisher: PipelinedPublisher) -> None:
        self._relay = relay
        self._pace = relay.pace
        self._connection = connection
        self._log = EventLog(connection)
        self._publisher = publisher
        self._low = 0
        self._published: dict[int, int] = {}
        self._newest: tuple[int, str | None] = (0, None)
        self._saved: dict[int, ShardPosition] = {}
        self._due = {"claim": 0.0, "save": 0.0, "verify": 0.0}

    async def run(self) -> None:
        while True:
            if self._is_due("claim", self._pace.claim_s):
                await self._claim()
            if not self._relay.positions:
                await asyncio.sleep(self._pace.claim_s)
                continue
            try:
                await self._step()
            except BusError as error:
                metrics.FAILURES.inc()
                self._relay.must_verify = True
                log.warning("relay lost NATS", error=str(error))
                await self._tell_age()
                await asyncio.sleep(RETRY_S)
                continue
            await self._relay.wait_for_work()

    async def _step(self) -> None:
        if self._relay.must_verify or self._is_due("verify", self._pace.verify_s):
            await self._verify()
        await self._publish_visible()
        if self._is_due("save", self._pace.save_s):
            await self._save()

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True

    async def _claim(self) -> None:
        won = await claim(self._connection, self._relay.positions)
        if not won:
            return
        log.info("relay holds shards", won=len(won), held=len(self._relay.positions) + len(won))
        self._relay.positions |= {position.shard: position for position in won}
        metrics.HELD.set(len(self._relay.positions))
        self._start_over()
        self._relay.must_verify = True

    def _start_over(self) -> None:
        """The shards go on together from the lowest of their positions; what is published twice is dropped."""
        self._low = min(position.low for position in self._relay.positions.values())
        self._published.clear()

    async def _verify(self) -> None:
        self._relay.must_verify = False
        await self._save()
        before = list(self._relay.positions.values())
        after = await verify(self._relay.bus, before)
        if after == before:
            return
        self._newest = (0, None)
        self._relay.positions = {position.shard: position for position in after}
        self._start_over()
        if any(position.incarnation for position in before):
            metrics.REWINDS.inc()
            log.warning("relay rewinds", low=self._low, was=min(position.low for position in before))
        await self._save()

    async def _publish_visible(self) -> None:
        shards = self._relay.positions
        read = await self._log.fresh(self._low, shards, self._published, self._pace.fresh_limit)
        if read is None:
            await self._work_off()
            return
        if read.rows:
            await self._publish(read.rows)
        metrics.UNPUBLISHED_AGE.set(0)
        self._advance(read.xmin)

    async def _work_off(self) -> None:
        """A backlog, page by page. Ends when a page is not full; the next look finds what committed late."""
        shards = self._relay.positions
        last_id = await self._log.first_id(self._low, shards) - 1
        floor = 0
        while True:
            page = await self._log.page(last_id, self._low, shards, self._pace.page)
            if not page.rows:
                return
            floor = floor or page.xmin
            await self._publish([row for row in page.rows if row.id not in self._published])
            last_id = page.rows[-1].id
            beyond = await self._log.lowest_xid_beyond(last_id, self._low, shards)
            self._advance(floor if beyond is None else min(floor, beyond))
            metrics.UNPUBLISHED_AGE.set(_age(page.rows[-1]))
            if self._is_due("save", self._pace.save_s):
                await self._save()
            if len(page.rows) < self._pace.page:
                return

    def _advance(self, low: int) -> None:
        if low > self._low:
            self._low = low
            self._published = {row: xid for row, xid in self._published.items() if xid >= low}
        metrics.REMEMBERED.set(len(self._published))

    async def _publish(self, rows: Sequence[LogRow]) -> None:
        prefix = self._relay.bus.topology.prefix
        try:
            seqs = await self._publisher.publish([row.outgoing(prefix, self._low) for row in rows])
        except PublishFailed as error:
            self._remember(rows[: error.done], error.seqs)
            if isinstance(error.cause, MessageTooLarge):
                # Nothing can ever deliver it: left in the log, where the channel's own page of events still shows it.
                log.error("event is too large for the stream", log_id=rows[error.done].id)
                self._published[rows[error.done].id] = rows[error.done].xid
            raise
        self._remember(rows, seqs)

    def _remember(self, rows: Sequence[LogRow], seqs: Sequence[int]) -> None:
        self._published.update((row.id, row.xid) for row in rows)
        metrics.PUBLISHED.inc(len(rows))
        if not seqs:
            return
        if min(seqs) <= self._newest[0]:
            # Either the stream dropped what it had already, or it is shorter than we knew.
            self._relay.must_verify = True
        else:
            self._newest = (seqs[-1], rows[-1].event_id)

    async def _save(self) -> None:
        seq, event_id = self._newest
        self._relay.positions = {
            shard: replace(
                position,
                low=self._low,
                **({"stream_seq": seq, "event_id": event_id} if seq > position.stream_seq else {}),
            )
            for shard, position in self._relay.positions.items()
        }
        if self._relay.positions != self._saved:
            await save(self._connection, self._relay.positions.values())
            self._saved = dict(self._relay.positions)

    async def _tell_age(self) -> None:
        read = await self._log.fresh(self._low, self._relay.positions, self._published, self._pace.fresh_limit)
        if read is None:
            first = await self._log.page(0, self._low, self._relay.positions, 1)
            rows = first.rows
        else:
            rows = read.rows
        metrics.UNPUBLISHED_AGE.set(_age(rows[0]) if rows else 0)


def _age(row: LogRow) -> float:
    return max(0.0, time.time() - row.time_ms / 1000)
