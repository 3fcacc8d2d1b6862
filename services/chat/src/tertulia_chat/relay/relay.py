"""The relay: publishes the event log to the stream, in order, without ever skipping a row.

*Publish on sight.* Whatever one snapshot shows and no earlier one did goes out at once, in id order; then this snapshot
is the progress. A transaction that commits late is found however late it is, and a long one delays nobody.

A backlog goes page by page. Every page has a snapshot of its own and begins with what committed late behind the pages
before, so a channel's events never overtake each other. A failure loses nothing but its unacknowledged rest: the next
round reads from there, after the stream was looked at.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from tertulia_chat.relay import canary, metrics
from tertulia_chat.relay.lease import SESSION, Lease
from tertulia_chat.relay.log import EventLog, LogRow, Read
from tertulia_chat.relay.position import ShardPosition, claim, let_go, save
from tertulia_chat.relay.progress import Progress
from tertulia_chat.relay.rewind import Witness, go_on_from, look
from tertulia_chat.relay.standing import Standing
from tertulia_chat.relay.tracing import published
from tertulia_shared.bus import (
    Bus,
    BusError,
    BusMessage,
    MessageTooLarge,
    PipelinedPublisher,
    PublishFailed,
    StreamRegressed,
)
from tertulia_shared.telemetry import logger

log = logger(__name__)

# A connection that dies inside a transaction makes asyncpg stumble over its own roll-back: InternalClientError.
CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
CONNECT_TIMEOUT_S = 5
QUERY_TIMEOUT_S = 120.0
RETRY_S = 0.25
STREAM_AGE_S = 7 * 86_400
"""As the default of `ensure_event_stream`, which others may call as well."""
APPLICATION = "tertulia relay"
"""How a relay's session begins its name in `pg_stat_activity`; its host and process id follow."""
# A peer that vanished without a word must lose its locks within seconds.
SESSION_OF_RELAY = {
    "application_name": f"{APPLICATION} {socket.gethostname()[:40]} {os.getpid()}",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
    **SESSION,
    "enable_seqscan": "off",
    "jit": "off",
    # The log is read hundreds of times a second, a few rows each time; starting a process takes longer.
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds, except `page`, which is a number of events. `poll_s` bounds the delay when no wake-up arrives.
    `canary_s`: how often a canary is sent; None for never.

    `gather_s`: from one reading of the log to the next at least. A first event goes out at once; those that follow it
    closely share a step, which costs about the same for one as for ten.

    A relay that could not publish for `give_up_s` leaves its shards to those who can, and does not come back for
    `absent_s`. One that completed no step for `stalled_s` is not ready.
    """

    poll_s: float = 0.05
    gather_s: float = 0.004
    save_s: float = 1.0
    claim_s: float = 1.0
    verify_s: float = 30.0
    canary_s: float | None = 5.0
    give_up_s: float = 2.0
    absent_s: float = 5.0
    stalled_s: float = 10.0
    page: int = 1_000


class Relay:
    """A component. Any number of processes may run one: each publishes the shards whose locks it gets."""

    name = "relay"

    def __init__(self, postgres_url: str, bus: Bus, pace: Pace | None = None, max_age_s: int = STREAM_AGE_S) -> None:
        """`max_age_s`: how long the stream keeps an event, in seconds."""
        self._postgres_url = postgres_url
        self.bus = bus
        self.max_age_s = max_age_s
        self.pace = pace or Pace()
        self.must_verify = True
        """Something happened to NATS: nothing is published before the stream was looked at."""
        self._poked = asyncio.Event()
        self.positions: dict[int, ShardPosition] = {}
        """The shards held now."""
        self._postgres: asyncpg.Connection | None = None
        self._worked_at: float | None = None
        self._read_at = 0.0

    async def run(self) -> None:
        await self.bus.subscribe(self.bus.topology.poke_all, self._on_poke)
        self.bus.on_disconnected(self._on_disconnected)
        async with PipelinedPublisher(self.bus, silence_s=self.pace.give_up_s) as publisher:
            while True:
                try:
                    async with self._connection() as connection:
                        await _Tenure(self, connection, publisher).run()
                except CONNECTION_ERRORS as error:
                    log.warning("relay lost PostgreSQL", error=str(error) or type(error).__name__)
                finally:
                    self.positions = {}
                    metrics.HELD.set(0)
                await asyncio.sleep(RETRY_S)

    async def check_postgres(self) -> None:
        """For Health: raises without a connection. Asks nothing: a silent one shows in `check_progress`."""
        if self._postgres is None or self._postgres.is_closed():
            raise ConnectionError("not connected")

    async def check_progress(self) -> None:
        """For Health: raises unless events could be published a moment ago, or all shards belonged to others."""
        if self._worked_at is None:
            raise RuntimeError("has not come to work yet")
        idle_s = time.monotonic() - self._worked_at
        if idle_s > self.pace.stalled_s:
            raise RuntimeError(f"nothing could be published for {idle_s:.0f} s")

    def note_progress(self) -> None:
        self._worked_at = time.monotonic()

    def note_reading(self) -> None:
        self._read_at = time.monotonic()

    async def wait_for_work(self) -> None:
        """Until somebody says that something was committed, at most `poll_s`, and not before `gather_s`."""
        try:
            async with asyncio.timeout(self.pace.poll_s):
                await self._poked.wait()
                await asyncio.sleep(self._read_at + self.pace.gather_s - time.monotonic())
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
            server_settings=SESSION_OF_RELAY,
        )
        self._postgres = connection
        try:
            yield connection
        finally:
            self._postgres = None
            connection.terminate()

    def _on_poke(self, _: BusMessage) -> None:
        self._poked.set()

    def _on_disconnected(self) -> None:
        self.must_verify = True


class _Tenure:
    """The time from one connection to PostgreSQL to its loss."""

    def __init__(self, relay: Relay, connection: asyncpg.Connection, publisher: PipelinedPublisher) -> None:
        self._relay = relay
        self._pace = relay.pace
        self._connection = connection
        self._log = EventLog(connection)
        self._lease = Lease(connection)
        self._publisher = publisher
        self._standing = Standing(
            connection, self._lease, relay.bus, give_up_s=self._pace.give_up_s, absent_s=self._pace.absent_s
        )
        self._witness = Witness()
        self._saved: dict[int, ShardPosition] = {}
        self._due = {"claim": 0.0, "save": 0.0, "verify": 0.0, "canary": 0.0}

    async def run(self) -> None:
        while True:
            if self._is_due("claim", self._pace.claim_s):
                await self._claim()
            if not self._relay.positions:
                metrics.UNPUBLISHED_AGE.set(0)
                self._relay.note_progress()
                await asyncio.sleep(self._pace.claim_s)
                continue
            try:
                more = await self._step()
            except BusError as error:
                metrics.FAILURES.inc()
                self._relay.must_verify = True
                log.warning("relay lost NATS", error=str(error))
                await self._tell_age()
                if await self._standing.failed():
                    self._due["claim"] = 0.0
                await asyncio.sleep(RETRY_S)
                continue
            await self._standing.succeeded()
            if not more:
                await self._relay.wait_for_work()

    async def _step(self) -> bool:
        """True when there is more to publish at once."""
        if self._relay.must_verify or self._is_due("verify", self._pace.verify_s):
            await self._verify()
        await self._send_canary()
        asked_at = self._lease.now()
        self._relay.note_reading()
        reads = await self._log.read(self._groups(), self._pace.page)
        self._lease.answered(asked_at)
        for read in reads:
            await self._publish(read)
        more = any(read.full for read in reads)
        if not more:
            metrics.UNPUBLISHED_AGE.set(0)
        if self._is_due("save", self._pace.save_s):
            await self._save()
        self._relay.note_progress()
        return more

    async def _send_canary(self) -> None:
        every_s = self._pace.canary_s
        if every_s is not None and canary.SHARD in self._relay.positions and self._is_due("canary", every_s):
            await canary.send(self._connection)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True

    def _groups(self) -> dict[Progress, list[int]]:
        groups: dict[Progress, list[int]] = {}
        for position in self._relay.positions.values():
            groups.setdefault(position.progress, []).append(position.shard)
        return groups

    async def _claim(self) -> None:
        """Our share of the shards, as many relays as can publish now: take what is free, give up what is too much."""
        positions = self._relay.positions
        share = await self._standing.share(len(positions))
        # Who is in doubt about the stream settles that first, if it can: the next one knows only that there is a doubt.
        settled = not self._relay.must_verify or not self._standing.able
        surplus = sorted(positions)[share:] if settled else []
        won = [] if surplus else await claim(self._connection, positions, share)
        if surplus:
            await self._give_up(surplus)
        if won:
            self._take_over(won)
        if surplus or won:
            log.info("relay holds shards", won=len(won), given_up=len(surplus), held=len(positions))
            metrics.HELD.set(len(positions))

    def _take_over(self, won: Sequence[ShardPosition]) -> None:
        self._relay.positions |= {position.shard: replace(position, in_doubt=False) for position in won}
        self._relay.must_verify = True
        if any(position.in_doubt for position in won):
            self._witness = replace(self._witness, in_doubt=True)

    async def _give_up(self, shards: Sequence[int]) -> None:
        """Between two steps nothing is on the way, so whoever takes them begins exactly where we stopped."""
        positions = self._relay.positions
        if self._relay.must_verify:
            positions |= {shard: replace(positions[shard], in_doubt=True) for shard in shards}
        await save(self._connection, positions.values())
        await let_go(self._connection, shards)
        for shard in shards:
            del positions[shard]
            self._saved.pop(shard, None)

    async def _verify(self) -> None:
        self._relay.must_verify = False
        before = list(self._relay.positions.values())
        try:
            after = await self._look(before)
        except BaseException:
            self._relay.must_verify = True
            raise
        self._relay.positions = {position.shard: position for position in after}
        if after == before:
            newest = max(after, key=lambda position: position.stream_seq)
            self._witness = Witness(newest.stream_seq, newest.log_id)
            return
        self._witness = Witness()
        if any(position.incarnation for position in before):
            metrics.REWINDS.inc()
            log.warning("relay starts again", shards=len(after))
        await self._save()

    async def _look(self, positions: Sequence[ShardPosition]) -> Sequence[ShardPosition]:
        """The positions to go on from. Raises BusError."""
        bus = self._relay.bus
        # Whoever cannot reach NATS must not find that out while it holds the lock that all take for looking.
        await self._lease.hold(bus.check())
        found = await look(bus, self._connection, positions, self._witness, self._relay.max_age_s)
        return await self._lease.hold(go_on_from(bus, positions, found))

    async def _publish(self, read: Read) -> None:
        """Raises PublishFailed after noting how far it came."""
        metrics.OPEN_TRANSACTIONS.set(read.snapshot.xmax - read.snapshot.xmin)
        rows = read.rows
        while rows:
            metrics.UNPUBLISHED_AGE.set(_age(rows[0]))
            rows = rows[await self._publish_some(read, rows) :]
        if not read.full:
            self._move(read, Progress(read.snapshot))

    async def _publish_some(self, read: Read, rows: Sequence[LogRow]) -> int:
        """How many leading rows are dealt with."""
        prefix, low = self._relay.bus.topology.prefix, read.progress.base.xmin
        incarnations = {shard: position.incarnation for shard, position in self._relay.positions.items()}
        try:
            with published(rows) as traced:
                messages = [row.outgoing(prefix, low, incarnations[row.shard]) for row in traced]
                seqs = await self._lease.hold(self._publisher.publish(messages, self._lease.is_sure))
        except PublishFailed as error:
            self._note(read, rows, error.seqs)
            if not isinstance(error.cause, MessageTooLarge):
                regressed = isinstance(error.cause, StreamRegressed)
                self._witness = replace(self._witness, in_doubt=True, regressed=regressed or self._witness.regressed)
                raise
            # Nothing can ever deliver it. It stays in the log, where the channel's own list of events shows it.
            log.error("event is too large for the stream", log_id=rows[error.done].id)
            self._move(read, read.progress.up_to(read.snapshot, rows[error.done].id))
            return error.done + 1
        self._note(read, rows, seqs)
        if self._relay.must_verify:
            # The publisher found a new connection by itself while we lost ours: what it stored may lie behind a hole.
            self._witness = replace(self._witness, in_doubt=True)
        return len(rows)

    def _note(self, read: Read, rows: Sequence[LogRow], seqs: Sequence[int]) -> None:
        """The leading rows were stored at these sequences. What follows them is next, whatever happens now."""
        if not seqs:
            return
        positions = self._relay.positions
        newest = {row.shard: (seq, row.id) for row, seq in zip(rows, seqs, strict=False)}
        known = max(position.stream_seq for position in positions.values())
        metrics.PUBLISHED.inc(len(seqs))
        metrics.REPEATED.inc(sum(seq <= known for seq in seqs))
        for shard, (seq, row_id) in newest.items():
            if seq > positions[shard].stream_seq:
                positions[shard] = replace(positions[shard], stream_seq=seq, log_id=row_id)
        if not self._witness.present:
            present, row = min(zip(seqs, rows, strict=False))
            self._witness = replace(self._witness, present=present, log_id=row.id)
        self._move(read, read.progress.up_to(read.snapshot, rows[len(seqs) - 1].id))

    def _move(self, read: Read, progress: Progress) -> None:
        for shard in read.shards:
            self._relay.positions[shard] = replace(self._relay.positions[shard], progress=progress)

    async def _save(self) -> None:
        """Only after something was published: saving is a transaction too, and would find itself new each time."""
        positions = self._relay.positions
        changed = [
            position
            for shard, position in positions.items()
            if shard not in self._saved or _worth_saving(self._saved[shard], position)
        ]
        if changed:
            await save(self._connection, positions.values())
            self._saved = dict(positions)

    async def _tell_age(self) -> None:
        reads = await self._log.read(self._groups(), 1)
        metrics.UNPUBLISHED_AGE.set(max((_age(read.rows[0]) for read in reads if read.rows), default=0.0))


def _worth_saving(saved: ShardPosition, now: ShardPosition) -> bool:
    """Progress over transactions that wrote no event costs the next relay nothing to repeat."""
    return replace(saved, progress=now.progress) != now or (saved.progress.page is not None and saved != now)


def _age(row: LogRow) -> float:
    return max(0.0, time.time() - row.time_ms / 1000)
