"""What durable consumers have in common: pulling without ever falling asleep, what is in hand, and how it is settled.

Every message of the stream is handled at least once and acknowledged after its effect. A handler must be idempotent: a
message comes again when its acknowledgement was lost, and a message that is retried comes later than its followers, so
handlers guard by version (`ch_seq`).

If PostgreSQL cannot take a dead letter, the consumer waits: nothing is terminated that was not kept.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter, Histogram

from tertulia_shared import telemetry
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.dead_letters import DeadLetters
from tertulia_shared.bus.delivery import ACK, IN_PROGRESS, TERM, Delivery, nak
from tertulia_shared.bus.errors import BusError, BusUnavailable
from tertulia_shared.bus.outcomes import Outcome, Reject, Retry
from tertulia_shared.bus.pull import PullSession, Stalled
from tertulia_shared.bus.redelivery import Redelivery
from tertulia_shared.bus.registration import MAX_ACK_PENDING, Registration
from tertulia_shared.runtime.tasks import spawn

log = telemetry.logger(__name__)

HANDLED = Counter("bus_consumer_deliveries", "Deliveries by what became of them.", ["consumer", "outcome"])
SECONDS = Histogram("bus_consumer_seconds", "Time in the handler.", ["consumer"])
STALLS = Counter("bus_consumer_stalls", "Times the watchdog started a new pull session.", ["consumer"])

RESTART_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0)
DEAD_LETTER_RETRY_S = 5.0
DRAIN_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    start: Literal["all", "new"] = "all"
    """Where a consumer that does not exist yet begins."""
    max_attempts: int = 8
    backoff_s: tuple[float, ...] = (1, 5, 30, 60, 300, 900, 3600)
    """Wait before attempt 2, 3, …; the last one repeats."""
    ack_wait_s: float = 10.0
    """The server delivers again after this silence; we say `in progress` three times as often."""
    heartbeat_s: float = 5.0


class PullingConsumer(ABC):
    """A component: `run` never returns by itself, `drain` finishes what is in hand."""

    def __init__(
        self, bus: Bus, name: str, dead_letters: DeadLetters, options: PullOptions, *, most_in_hand: int
    ) -> None:
        self.name = name
        self._bus = bus
        self._dead_letters = dead_letters
        self._pull_options = options
        self._most_in_hand = most_in_hand
        self._in_hand: dict[int, Delivery] = {}
        self._room = asyncio.Event()
        self._draining = False
        self._finished = asyncio.Event()
        self._registration = Registration(bus, name, start=options.start, ack_wait_s=options.ack_wait_s)
        self._failures = 0
        self._session: PullSession | None = None

    @abstractmethod
    def _work(self) -> list[Coroutine[object, object, None]]:
        """What handles the deliveries, for ever. Each must end with `_settled`."""

    @abstractmethod
    async def _handle_again(self, deliveries: list[Delivery]) -> None:
        """Call the handler outside of the order of the stream. Raises what it raises."""

    @abstractmethod
    def _admit(self, delivery: Delivery) -> None:
        """A new delivery is in hand. Called in the reader, so it must not wait."""

    @property
    def lag_s(self) -> float:
        """How far behind it is, as /readyz tells."""
        return self._registration.lag_s

    async def run(self) -> None:
        """Ends, with its error, when any of its tasks does: messages in hand that nobody works on must come again."""
        tasks = [spawn(work, name=f"{self.name} worker") for work in self._work()]
        tasks.append(spawn(self._keep_alive(), name=f"{self.name} keep-alive"))
        tasks.append(spawn(self._registration.follow_floor(self._pull_options.heartbeat_s), name=f"{self.name} floor"))
        tasks.append(spawn(self._pull_and_rest(), name=f"{self.name} pull"))
        redelivery = Redelivery(self._bus, self.name, self._handle_again, self._dead_letters)
        tasks.append(spawn(redelivery.run(), name=f"{self.name} redelivery"))
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            raise RuntimeError(f"{ended.pop().get_name()} ended")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for delivery in self._in_hand.values():
                self._answer(delivery, nak(0))
            self._in_hand.clear()

    async def drain(self) -> None:
        """Take nothing new and finish what is in hand, for at most 3 s. The rest goes back to the stream."""
        self._draining = True
        self._room.set()
        if self._session is not None:
            self._session.interrupt()
        if self._in_hand:
            self._finished.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._finished.wait()

    async def _pull_and_rest(self) -> None:
        """For ever: what is drained stays until it is cancelled."""
        await self._pull_until_drained()
        await asyncio.Event().wait()

    async def _pull_until_drained(self) -> None:
        while not self._draining:
            try:
                await self._bus.wait_connected()
                await self._registration.ensure()
                await self._pull_while_healthy()
            except BusError as error:
                if self._draining:
                    return
                if isinstance(error, Stalled):
                    STALLS.labels(self.name).inc()
                delay = RESTART_DELAYS_S[min(self._failures, len(RESTART_DELAYS_S) - 1)]
                self._failures += 1
                log.warning("consumer.restarts", consumer=self.name, error=str(error), delay_s=delay)
                await asyncio.sleep(delay)

    async def _pull_while_healthy(self) -> None:
        """Raises BusError when the session is over."""
        heartbeat_s = self._pull_options.heartbeat_s
        async with PullSession(self._bus, self.name, self._take, heartbeat_s, MAX_ACK_PENDING) as session:
            self._session = session
            while not self._draining:
                if len(self._in_hand) > self._most_in_hand // 2:
                    self._room.clear()
                    await self._room.wait()
                    continue
                await session.pull(self._most_in_hand - len(self._in_hand))
                self._failures = 0

    def _take(self, delivery: Delivery) -> None:
        """Called in the reader for each delivery."""
        known = self._in_hand.get(delivery.seq)
        if known is not None:
            # The server gave up waiting for us; the work goes on and answers the newer delivery.
            known.reply = delivery.reply
            known.attempt = delivery.attempt
            return
        if self._draining:
            self._answer(delivery, nak(0))
            return
        self._in_hand[delivery.seq] = delivery
        self._admit(delivery)

    def _settled(self, delivery: Delivery) -> None:
        """The delivery was answered."""
        self._in_hand.pop(delivery.seq, None)
        if len(self._in_hand) <= self._most_in_hand // 2:
            self._room.set()
        if not self._in_hand:
            self._finished.set()

    def _done(self, delivery: Delivery) -> None:
        self._answer(delivery, ACK)
        self._count("done")

    async def _not_done(self, delivery: Delivery, outcome: Outcome) -> None:
        if isinstance(outcome, Retry) and delivery.attempt < self._pull_options.max_attempts:
            self._retry(delivery, outcome.delay_s)
            return
        await self._keep_dead_letter(delivery, outcome.reason)
        self._answer(delivery, TERM)
        self._count("rejected" if isinstance(outcome, Reject) else "exhausted")

    def _retry(self, delivery: Delivery, delay_s: float | None) -> None:
        self._answer(delivery, nak(self._backoff(delivery.attempt) if delay_s is None else delay_s))
        self._count("retry")

    def _backoff(self, attempt: int) -> float:
        backoff = self._pull_options.backoff_s
        return backoff[min(attempt, len(backoff)) - 1]

    async def _keep_dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Returns when the row is in PostgreSQL, however long that takes."""
        stream = self._bus.topology.stream
        trace = telemetry.current_trace()
        while True:
            try:
                await self._dead_letters.add(
                    self.name,
                    stream,
                    delivery.message,
                    error=reason,
                    attempts=delivery.attempt,
                    trace_id=None if trace is None else trace.trace_id,
                )
            except Exception:
                log.exception("consumer.dead_letter_not_kept", consumer=self.name, seq=delivery.seq)
                await asyncio.sleep(DEAD_LETTER_RETRY_S)
            else:
                log.warning("consumer.dead_letter", consumer=self.name, seq=delivery.seq, reason=reason)
                return

    async def _keep_alive(self) -> None:
        """Tell the server that everything in hand, also what waits for its turn, is still being worked on."""
        while True:
            await asyncio.sleep(self._pull_options.ack_wait_s / 3)
            for delivery in self._in_hand.values():
                self._answer(delivery, IN_PROGRESS)

    def _answer(self, delivery: Delivery, answer: bytes) -> None:
        try:
            self._bus.publish_nowait(delivery.reply, answer)
        except BusUnavailable:
            # The server will deliver it again after ack_wait.
            log.debug("consumer.answer_lost", consumer=self.name, seq=delivery.seq)

    def _count(self, outcome: str) -> None:
        HANDLED.labels(self.name, outcome).inc()
