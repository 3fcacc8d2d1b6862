"""The durable consumer that handles messages one by one.

What a handler does decides: return → acknowledged; `Retry` or any other exception → delivered again after a back-off;
`Reject`, or failing `max_attempts` times → a row in `dead_letter`, then terminated.

Messages of one subject are handled one after the other; `lanes` lets different subjects run side by side.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from time import perf_counter
from zlib import crc32

from opentelemetry.trace import SpanKind

from tertulia_shared import telemetry
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.consuming import SECONDS, PullingConsumer, PullOptions
from tertulia_shared.bus.dead_letters import DeadLetters
from tertulia_shared.bus.delivery import Delivery
from tertulia_shared.bus.outcomes import Outcome, Retry

log = telemetry.logger(__name__)

Handler = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions(PullOptions):
    batch: int = 256
    """Most messages in hand at once."""
    lanes: int = 1


class DurableConsumer(PullingConsumer):
    def __init__(
        self,
        bus: Bus,
        name: str,
        handler: Handler,
        dead_letters: DeadLetters,
        options: ConsumerOptions | None = None,
    ) -> None:
        options = options or ConsumerOptions()
        super().__init__(bus, name, dead_letters, options, most_in_hand=options.batch)
        self._handler = handler
        self._lanes = [asyncio.Queue[Delivery]() for _ in range(options.lanes)]

    def _work(self) -> list[Coroutine[object, object, None]]:
        return [self._work_off(lane) for lane in self._lanes]

    async def _handle_again(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self._handler(delivery)

    def _admit(self, delivery: Delivery) -> None:
        self._lanes[crc32(delivery.subject.encode()) % len(self._lanes)].put_nowait(delivery)

    async def _work_off(self, lane: asyncio.Queue[Delivery]) -> None:
        while True:
            delivery = await lane.get()
            await self._handle(delivery)
            self._settled(delivery)

    async def _handle(self, delivery: Delivery) -> None:
        parent = telemetry.extract(delivery.headers)
        name = f"{self.name} {delivery.event_type or 'message'}"
        started = perf_counter()
        with telemetry.span(name, parent=parent, kind=SpanKind.CONSUMER):
            try:
                await self._handler(delivery)
            except Outcome as outcome:
                await self._not_done(delivery, outcome)
            except Exception as error:
                log.exception("consumer.handler_failed", consumer=self.name, seq=delivery.seq, attempt=delivery.attempt)
                await self._not_done(delivery, Retry(f"{type(error).__name__}: {error}"))
            else:
                self._done(delivery)
        SECONDS.labels(self.name).observe(perf_counter() - started)
