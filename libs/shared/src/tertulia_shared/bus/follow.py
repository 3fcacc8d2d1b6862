"""Following the live stream without a consumer: one core subscription, and the proof that nothing of it was missed.

Messages carry the stream's own sequence numbers. While they are contiguous they are accepted as they come. Anything
that casts doubt (a hole, a broken connection, a dropped message, numbers going backwards, a tail that the stream has
and we do not) stops that: what arrives is put aside, the stream is read from the last number handled, what was put
aside is joined on, and it goes on live in the same step. When the proof does not come in time the follower says so
(`on_given_up`) and goes on trying. A stream with another incarnation, one that became shorter, or messages that left
it before they were read: begin anew.

    starting ──► live ⇄ repairing ──► quarantined
                  ▲                        │
                  └────────────────────────┘
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import BusError
from tertulia_shared.bus.message import BusMessage, StoredMessage
from tertulia_shared.bus.proof import EpochChanged, Lost, NotYet, check_same_life, read_on, state_of
from tertulia_shared.bus.reader import read_range
from tertulia_shared.bus.streams import StreamState
from tertulia_shared.cursors import Position
from tertulia_shared.events.subjects import H_MSG_ID
from tertulia_shared.telemetry import logger

log = logger(__name__)

PUT_ASIDE = 10_000
FIRST_RETRY_S, LAST_RETRY_S = 0.05, 1.0
TAIL_SETTLE_S = 0.2

H_SEQUENCE = "Nats-Sequence"

Source = Literal["live", "repair"]


class State(StrEnum):
    STARTING = "starting"
    LIVE = "live"
    REPAIRING = "repairing"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowLimits:
    """Times in seconds."""

    proof_s: float = 5.0
    """How long the completeness of what was accepted may be in doubt before it is given up."""
    restart_s: float = 10.0
    """The same for a new life of the stream, which needs a new beginning."""
    tail_check_s: float = 2.0


class StreamFollower(ABC):
    """A component. What a follower does with the messages is said by the methods that it defines."""

    name = "follower"
    far_behind: int | None = None
    """So many messages behind, beginning anew is cheaper than reading on; None for followers to whom that is a loss."""

    def __init__(self, bus: Bus, limits: FollowLimits) -> None:
        self.state = State.STARTING
        self._bus = bus
        self._follow_limits = limits
        self._cold = True
        self._rewritten = False
        self._doubt = asyncio.Event()
        self._aside: deque[tuple[int, BusMessage]] = deque(maxlen=PUT_ASIDE)

    @abstractmethod
    def place(self) -> Position:
        """Everything up to here is handled."""

    def head(self) -> int:
        """The sequence number of `place`; asked for with every message."""
        return self.place().seq

    @abstractmethod
    async def begin(self, state: StreamState) -> None:
        """Start from nothing, as of `state`: afterwards `place` is that stream's end. Raises NotYet, Lost, BusError."""

    @abstractmethod
    def accept(self, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        """The next message. Must not wait, and must not raise."""

    def settle(self) -> None:  # noqa: B027 -- not every follower puts off anything
        """Nothing more follows in this step of the event loop: whatever `accept` put off is due."""

    @abstractmethod
    def pass_over(self, seq: int) -> None:
        """Up to here there is nothing more."""

    @abstractmethod
    def id_at(self, seq: int) -> str | None:
        """The id of the event that was handled at this number, as long as it is remembered."""

    def on_accepted(self, source: Source) -> None:  # noqa: B027 -- not every follower counts
        """One message was accepted."""

    def on_doubt(self, reason: str) -> None:  # noqa: B027 -- not every follower counts
        """A repair begins."""

    def on_given_up(self) -> None:  # noqa: B027 -- not every follower counts
        """The proof did not come in time; the follower goes on trying."""

    @property
    def serving(self) -> bool:
        """Whether everything handled so far is contiguous, and the rest at most a few seconds away."""
        return self.state in (State.LIVE, State.REPAIRING)

    async def check(self) -> None:
        """For /readyz."""
        if not self.serving:
            raise RuntimeError(f"the event stream is {self.state}")

    async def run(self) -> None:
        await self._bus.subscribe(self._bus.topology.live_all, self.receive)
        self._bus.on_settled(self.settle)
        self._bus.on_disconnected(lambda: self.suspect("disconnected"))
        self._bus.on_reconnected(lambda: self.suspect("reconnected"))
        self._bus.on_lost(lambda: self.suspect("dropped"))
        while True:
            await self._recover(None)
            await self._stay_live()
            self.state = State.QUARANTINED
            log.error("follower.quarantined", follower=self.name, head=self.place().seq)
            self.on_given_up()

    def receive(self, message: BusMessage) -> None:
        """A republished message. Runs in the bus's reader, so it must not wait."""
        headers = message.headers or {}
        seq = int(headers.get(H_SEQUENCE, 0))
        head = self.head()
        if seq <= head and not self._cold:
            self._look_back(seq, headers.get(H_MSG_ID))
        elif self.state is not State.LIVE:
            self._aside.append((seq, message))
        elif seq == head + 1:
            self._accept(seq, message)
        else:
            self._aside.append((seq, message))
            self.suspect("gap")

    def suspect(self, reason: str) -> None:
        """Contiguity is in doubt until the stream was asked."""
        if self.state is State.LIVE:
            log.warning("follower.doubt", follower=self.name, reason=reason, head=self.place().seq)
            self.state = State.REPAIRING
            self.on_doubt(reason)
        self._doubt.set()

    def _accept(self, seq: int, message: BusMessage) -> None:
        self.accept(seq, message.subject, message.headers or {}, message.data)
        self.on_accepted("live")

    def _look_back(self, seq: int, event_id: str | None) -> None:
        """A number that was handled before: an echo of what a repair already read, unless it is another event.

        Another event proves that the stream was written anew from there, even if it says that it is the same.
        """
        known = self.id_at(seq)
        if known is not None and known == event_id:
            return
        self._rewritten = self._rewritten or known is not None
        self.suspect("backwards")

    async def _stay_live(self) -> None:
        """Returns when contiguity could not be proven in time."""
        while True:
            try:
                async with asyncio.timeout(self._follow_limits.tail_check_s):
                    await self._doubt.wait()
            except TimeoutError:
                await self._check_tail()
                continue
            # A doubt may have come up while another was being resolved; nothing is live while the stream is read.
            self.state = State.REPAIRING
            try:
                async with asyncio.timeout(self._follow_limits.proof_s) as limit:
                    await self._recover(limit)
            except TimeoutError:
                return

    async def _check_tail(self) -> None:
        """Contiguity cannot see that the very last messages were missed; the stream can."""
        position = self.place()
        try:
            state = await state_of(self._bus)
            check_same_life(state, position)
            if state.last_seq != self.place().seq:
                await asyncio.sleep(TAIL_SETTLE_S)
            if state.last_seq > self.place().seq:
                self.suspect("tail")
        except EpochChanged:
            self.suspect("epoch")
        except BusError as error:
            log.warning("follower.tail_unknown", follower=self.name, error=str(error))
            self.suspect("tail_unknown")

    async def _recover(self, limit: asyncio.Timeout | None) -> None:
        """Until we are proven to be at the stream's end, trying for ever; `limit` bounds it from outside."""
        delay = FIRST_RETRY_S
        while True:
            self._doubt.clear()
            try:
                if self._cold:
                    await self._start()
                await self._catch_up()
                return
            except (EpochChanged, Lost) as reason:
                log.warning("follower.starting_over", follower=self.name, reason=str(reason))
                if limit is not None and not self._cold:
                    limit.reschedule(asyncio.get_running_loop().time() + self._follow_limits.restart_s)
                self._cold = True
            except (BusError, NotYet) as error:
                log.warning("follower.not_yet", follower=self.name, state=self.state, error=str(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY_S)

    async def _start(self) -> None:
        """From nothing. The subscription is already there and the stream's end is read first, so everything up to that
        end is in any snapshot taken after it, and everything after it comes as an event."""
        self._aside.clear()
        await self._bus.flush()
        await self.begin(await state_of(self._bus))
        self._cold = self._rewritten = False
        place = self.place()
        log.info("follower.started", follower=self.name, epoch=place.epoch, head=place.seq)

    async def _catch_up(self) -> None:
        """Read the stream's end, join on what arrived meanwhile; live in the same step as the join.

        Raises EpochChanged, Lost, NotYet or BusError.
        """
        if self._rewritten:
            raise EpochChanged("another event came at a number that was handled")
        while True:
            # What came before the question is below the stream's end, which the answer tells.
            self._aside.clear()
            state = await state_of(self._bus)
            check_same_life(state, self.place())
            await self._check_head()
            if self.far_behind is not None and state.last_seq - self.place().seq > self.far_behind:
                raise Lost("far behind")
            await read_on(self._bus, state, self.place().seq, self._take_stored)
            if self.place().seq < state.last_seq:
                self.pass_over(state.last_seq)
            if self._join_aside():
                self.state = State.LIVE
                log.info("follower.live", follower=self.name, head=self.place().seq)
                return

    async def _check_head(self) -> None:
        """Raises EpochChanged when another event stands at our place: the stream lost its end and has grown past us
        since, so neither its incarnation nor its length tells. Raises BusError."""
        place = self.place().seq
        known = self.id_at(place)
        if known is None:
            return
        async for message in read_range(self._bus, place, place):
            if message.headers.get(H_MSG_ID, "") != known:
                raise EpochChanged(f"another event stands at {place}")

    def _take_stored(self, message: StoredMessage) -> None:
        self.accept(message.seq, message.subject, message.headers, message.data)
        self.settle()
        self.on_accepted("repair")

    def _join_aside(self) -> bool:
        """False when there is another hole."""
        contiguous = True
        while self._aside and contiguous:
            seq, message = self._aside.popleft()
            head = self.place().seq
            contiguous = seq <= head + 1
            if seq == head + 1:
                self._accept(seq, message)
        self.settle()
        return contiguous
