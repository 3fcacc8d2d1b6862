"""Handling again, at an operator's wish: a dead letter whose cause was mended, or a range of the stream.

The wish goes to the process that has the consumer, because its handler may own what nobody else can open (an embedded
index). Any of its replicas takes it; one wish is handled at a time in each, beside the live deliveries and by the same
handler, which is idempotent and guards by version. Nothing is kept here: a wish whose answer was lost is sent again.

What fails again is a dead letter as before: the same row, with the new error and one more attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from prometheus_client import Counter

from tertulia_shared import telemetry
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.dead_letters import DeadLetters
from tertulia_shared.bus.delivery import Delivery
from tertulia_shared.bus.errors import BusUnavailable
from tertulia_shared.bus.message import BusMessage, StoredMessage
from tertulia_shared.bus.outcomes import Outcome, Reject, Retry
from tertulia_shared.bus.proof import read_on
from tertulia_shared.bus.streams import stream_state

log = telemetry.logger(__name__)

REDELIVERED = Counter(
    "bus_redelivered_messages", "Messages handled again at an operator's wish.", ["consumer", "outcome"]
)

QUEUE = "redelivery"
BATCH = 500
"""Most messages in one wish."""

BatchHandler = Callable[[list[Delivery]], Awaitable[None]]


class LetterWish(msgspec.Struct, frozen=True, tag="letter", tag_field="wish"):
    """Handle this dead letter again; when that succeeds, it goes."""

    id: int


class RangeWish(msgspec.Struct, frozen=True, kw_only=True, tag="range", tag_field="wish"):
    """Handle what the stream has from `first` to `last`, at most `BATCH` numbers.

    An error that may pass answers `not_now`; with `last_attempt` what fails by itself becomes a dead letter.
    """

    incarnation: str
    first: int
    last: int
    last_attempt: bool = False


Wish = LetterWish | RangeWish


class Result(StrEnum):
    DONE = "done"
    """All of it was handled, or became a dead letter (`put_aside`)."""
    FAILED = "failed"
    """The letter stays, with the new error."""
    NOT_NOW = "not_now"
    """Nothing is decided: something is away. The same wish may be sent again."""
    UNKNOWN = "unknown"
    """There is no such letter (any more)."""
    OTHER_LIFE = "other_life"
    """The stream was made again, and its numbers mean other events."""


class WishAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`missed` counts numbers whose message has left the stream."""

    result: Result
    reason: str = ""
    handled: int = 0
    put_aside: int = 0
    missed: int = 0


class _NotNow(Exception):
    """As `Result.NOT_NOW`."""


@dataclass(slots=True)
class _Tally:
    handled: int = 0
    put_aside: int = 0


_encode = msgspec.json.Encoder().encode
_decode_wish = msgspec.json.Decoder(Wish).decode
_decode_answer = msgspec.json.Decoder(WishAnswer).decode


async def ask(bus: Bus, consumer: str, wish: Wish, *, timeout_s: float = 60.0) -> WishAnswer:
    """Raises NoResponders when nobody has this consumer now, RequestTimeout or BusUnavailable: then ask again."""
    answer = await bus.request(bus.topology.redeliver(consumer), _encode(wish), timeout_s)
    return _decode_answer(answer.data)


class Redelivery:
    """Takes the wishes for one consumer while `run` runs."""

    def __init__(self, bus: Bus, consumer: str, handler: BatchHandler, dead_letters: DeadLetters) -> None:
        self._bus = bus
        self._consumer = consumer
        self._handler = handler
        self._dead_letters = dead_letters

    async def run(self) -> None:
        """Until it is cancelled."""
        subject = self._bus.topology.redeliver(self._consumer)
        subscription = await self._bus.subscribe(subject, self._take, queue=QUEUE)
        try:
            await asyncio.Event().wait()
        finally:
            await subscription.unsubscribe()

    async def _take(self, message: BusMessage) -> None:
        try:
            answer = await self._fulfil(_decode_wish(message.data))
        except asyncio.CancelledError:
            self._answer(message, WishAnswer(result=Result.NOT_NOW, reason="the service stops"))
            raise
        except Exception as error:
            # Whatever it is (PostgreSQL away, the stream without a leader), the operator is there to read it.
            log.exception("redelivery.broke_off", consumer=self._consumer)
            answer = WishAnswer(result=Result.NOT_NOW, reason=_reason(error))
        self._answer(message, answer)

    def _answer(self, message: BusMessage, answer: WishAnswer) -> None:
        with suppress(BusUnavailable):
            self._bus.publish_nowait(message.reply, _encode(answer))

    async def _fulfil(self, wish: Wish) -> WishAnswer:
        try:
            return await (self._letter(wish) if isinstance(wish, LetterWish) else self._range(wish))
        except _NotNow as error:
            return WishAnswer(result=Result.NOT_NOW, reason=str(error))

    async def _letter(self, wish: LetterWish) -> WishAnswer:
        letter = await self._dead_letters.find(wish.id, self._consumer)
        if letter is None:
            return WishAnswer(result=Result.UNKNOWN)
        attempt = letter.attempts + 1
        message = StoredMessage(letter.stream_seq, letter.subject, letter.headers, letter.body, letter.created_at)
        failure = await self._try([Delivery(message, attempt, reply="")])
        if failure is None:
            await self._dead_letters.remove(letter.id)
            self._count("done", 1)
            return WishAnswer(result=Result.DONE, handled=1)
        if isinstance(failure, Retry):
            raise _NotNow(failure.reason)
        await self._dead_letters.failed_again(letter.id, error=_reason(failure), attempts=attempt)
        self._count("failed", 1)
        return WishAnswer(result=Result.FAILED, reason=_reason(failure))

    async def _range(self, wish: RangeWish) -> WishAnswer:
        state = await stream_state(self._bus)
        if state.incarnation != wish.incarnation:
            return WishAnswer(result=Result.OTHER_LIFE)
        deliveries: list[Delivery] = []
        after = max(wish.first, state.first_seq) - 1
        last = min(wish.last, wish.first + BATCH - 1)
        if after < last:
            await read_on(self._bus, state, after, lambda message: deliveries.append(Delivery(message, 1, "")), last)
        tally = _Tally()
        if deliveries:
            await self._handle(deliveries, tally, last_attempt=wish.last_attempt)
        self._count("done", tally.handled)
        self._count("put_aside", tally.put_aside)
        return WishAnswer(
            result=Result.DONE,
            handled=tally.handled,
            put_aside=tally.put_aside,
            missed=last - wish.first + 1 - len(deliveries),
        )

    async def _handle(self, deliveries: list[Delivery], tally: _Tally, *, last_attempt: bool) -> None:
        """What fails for good is found by halving and put aside. Raises _NotNow."""
        failure = await self._try(deliveries)
        if failure is None:
            tally.handled += len(deliveries)
            return
        if not isinstance(failure, Reject) and (isinstance(failure, Retry) or not last_attempt):
            raise _NotNow(_reason(failure))
        if len(deliveries) == 1:
            await self._put_aside(deliveries[0], failure)
            tally.put_aside += 1
            return
        middle = len(deliveries) // 2
        for half in (deliveries[:middle], deliveries[middle:]):
            await self._handle(half, tally, last_attempt=last_attempt)

    async def _try(self, deliveries: list[Delivery]) -> Exception | None:
        """What the handler raises."""
        traced = ((f"{self._consumer} {each.event_type or 'message'}", each.headers) for each in deliveries)
        try:
            with telemetry.batch_span(f"{self._consumer} again", traced, attributes={"messages": len(deliveries)}):
                await self._handler(deliveries)
        except Outcome as outcome:
            log.info("redelivery.not_done", consumer=self._consumer, messages=len(deliveries), reason=outcome.reason)
            return outcome
        except Exception as error:
            log.exception("redelivery.failed", consumer=self._consumer, messages=len(deliveries), seq=deliveries[0].seq)
            return error
        return None

    async def _put_aside(self, delivery: Delivery, failure: Exception) -> None:
        context = telemetry.extract(delivery.headers)
        await self._dead_letters.add(
            self._consumer,
            self._bus.topology.stream,
            delivery.message,
            error=_reason(failure),
            attempts=1,
            trace_id=None if context is None else context.trace_id,
        )

    def _count(self, outcome: str, messages: int) -> None:
        REDELIVERED.labels(self._consumer, outcome).inc(messages)


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, Outcome) else f"{type(error).__name__}: {error}"
