"""The durable consumer that handles many messages with one commit.

A batch is full, or `linger_s` old. What the handler does with it decides for all of it:

    return            → acknowledged
    `Retry`           → nobody's fault (an engine is away): all are delivered again after the delay, as often as it
                        takes, and meanwhile no other batch is tried
    any other error   → the first time, all are delivered again after a back-off; when one of them has failed before,
                        the batch is divided until the message that fails stands alone
    `Reject`          → the batch is divided at once

A message that fails alone is from then on handled alone, so that it cannot fail its companions again; `Reject`, or
failing `max_attempts` times, makes it a row in `dead_letter`. A handler must therefore leave nothing behind when it
raises (one transaction), or stand the repetition.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from time import perf_counter

from tertulia_shared import telemetry
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.consuming import SECONDS, PullingConsumer, PullOptions
from tertulia_shared.bus.dead_letters import DeadLetters
from tertulia_shared.bus.delivery import Delivery
from tertulia_shared.bus.outcomes import Outcome, Reject, Retry

log = telemetry.logger(__name__)

BatchHandler = Callable[[list[Delivery]], Awaitable[None]]

LONGEST_PAUSE_S = 10.0
"""However long the messages of a `Retry` wait, others are tried again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions(PullOptions):
    batch: int = 1000
    """Most messages for one call. While one batch is handled as many again may wait."""
    linger_s: float = 0.05
    """How long the first message of a batch waits for companions."""


class BatchConsumer(PullingConsumer):
    """Batches are in stream order but for messages that come again."""

    def __init__(
        self,
        bus: Bus,
        name: str,
        handler: BatchHandler,
        dead_letters: DeadLetters,
        options: BatchOptions | None = None,
    ) -> None:
        options = options or BatchOptions()
        super().__init__(bus, name, dead_letters, options, most_in_hand=2 * options.batch)
        self._handler = handler
        self._options = options
        self._waiting = asyncio.Queue[Delivery]()
        self._suspects: set[int] = set()
        """Sequence numbers of messages that failed alone and will come again."""

    def _work(self) -> list[Coroutine[object, object, None]]:
        return [self._work_off()]

    async def _handle_again(self, deliveries: list[Delivery]) -> None:
        await self._handler(deliveries)

    def _admit(self, delivery: Delivery) -> None:
        self._waiting.put_nowait(delivery)

    async def _work_off(self) -> None:
        while True:
            batch = await self._next_batch()
            together = [delivery for delivery in batch if delivery.seq not in self._suspects]
            alone = [delivery for delivery in batch if delivery.seq in self._suspects]
            for part in (together, *([delivery] for delivery in alone)):
                if part:
                    await self._handle(part)

    async def _next_batch(self) -> list[Delivery]:
        batch = [await self._waiting.get()]
        deadline = asyncio.get_running_loop().time() + self._options.linger_s
        while len(batch) < self._options.batch:
            if self._waiting.empty():
                try:
                    async with asyncio.timeout_at(deadline):
                        batch.append(await self._waiting.get())
                except TimeoutError:
                    break
            else:
                batch.append(self._waiting.get_nowait())
        return batch

    async def _handle(self, batch: list[Delivery]) -> None:
        pause_s = 0.0
        failure = await self._try(batch)
        if isinstance(failure, Retry):
            pause_s = self._again(batch, failure)
        elif failure is not None:
            failed_before = any(delivery.attempt > 1 for delivery in batch)
            if isinstance(failure, Reject) or failed_before:
                await self._divide(batch, failure)
            else:
                self._again(batch, Retry(_reason(failure)))
        if pause_s > 0:
            await asyncio.sleep(min(pause_s, LONGEST_PAUSE_S))

    async def _divide(self, batch: list[Delivery], failure: Exception) -> None:
        """Find what fails in a batch that failed as a whole; what does not fail is done."""
        if len(batch) == 1:
            await self._give_back(batch[0], failure)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            failure_of_half = await self._try(half)
            if isinstance(failure_of_half, Retry):
                self._again(half, failure_of_half)
            elif failure_of_half is not None:
                await self._divide(half, failure_of_half)

    async def _try(self, batch: list[Delivery]) -> Exception | None:
        """Call the handler; acknowledge when it returns. What it raises otherwise is the answer."""
        started = perf_counter()
        traced = ((f"{self.name} {delivery.event_type or 'message'}", delivery.headers) for delivery in batch)
        try:
            with telemetry.batch_span(f"{self.name} batch", traced, attributes={"messages": len(batch)}):
                await self._handler(batch)
        except Outcome as outcome:
            log.info("consumer.batch_not_done", consumer=self.name, messages=len(batch), reason=outcome.reason)
            return outcome
        except Exception as error:
            log.exception("consumer.batch_failed", consumer=self.name, messages=len(batch), first=batch[0].seq)
            return error
        finally:
            SECONDS.labels(self.name).observe(perf_counter() - started)
        for delivery in batch:
            self._suspects.discard(delivery.seq)
            self._done(delivery)
            self._settled(delivery)
        return None

    def _again(self, batch: Sequence[Delivery], retry: Retry) -> float:
        """Deliver all of them again; answers after how many seconds."""
        delay_s = retry.delay_s
        if delay_s is None:
            delay_s = self._backoff(max(delivery.attempt for delivery in batch))
        for delivery in batch:
            self._retry(delivery, delay_s)
            self._settled(delivery)
        return delay_s

    async def _give_back(self, delivery: Delivery, failure: Exception) -> None:
        """What failed alone: again later, or a dead letter."""
        will_come_again = not isinstance(failure, Reject) and delivery.attempt < self._options.max_attempts
        if will_come_again:
            self._suspects.add(delivery.seq)
        else:
            self._suspects.discard(delivery.seq)
        await self._not_done(delivery, failure if isinstance(failure, Outcome) else Retry(_reason(failure)))
        self._settled(delivery)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
