"""Reading on from a known place in the stream, and saying so when that cannot be done without a hole."""

from collections.abc import Callable

from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import JetStreamError
from tertulia_shared.bus.message import StoredMessage
from tertulia_shared.bus.reader import read_range
from tertulia_shared.bus.streams import StreamState, deleted_inside, stream_state
from tertulia_shared.cursors import Position

STREAM_NOT_FOUND = 404


class EpochChanged(Exception):
    """The stream is another one than before, or came back shorter: positions taken so far mean nothing."""


class Lost(Exception):
    """Messages that we never saw have already left the stream."""


class NotYet(Exception):
    """It cannot be done at this moment (a replica of the stream lags behind its leader); trying again helps."""


async def state_of(bus: Bus) -> StreamState:
    """Raises BusError, and EpochChanged when there is no stream (the relay is about to make a new one)."""
    try:
        return await stream_state(bus)
    except JetStreamError as error:
        if error.code == STREAM_NOT_FOUND:
            raise EpochChanged("the stream is gone") from error
        raise


def check_same_life(state: StreamState, position: Position) -> None:
    """Raises EpochChanged unless `position` is a place in the stream that `state` describes."""
    if Position(state.incarnation, 0).epoch != position.epoch:
        raise EpochChanged(f"incarnation {state.incarnation}")
    if state.last_seq < position.seq:
        raise EpochChanged(f"the stream ends at {state.last_seq}, we were at {position.seq}")


class Deletions:
    """The numbers inside a stream, as it was described by `state`, that have no message and never will again.

    Anything else that is missing from an answer is a hole: a replica that lags behind the leader leaves the newest out,
    and the oldest may reach their age while they are read.
    """

    def __init__(self, bus: Bus, state: StreamState) -> None:
        self._bus = bus
        self._whole = state.messages == state.last_seq - state.first_seq + 1
        self._deleted: frozenset[int] | None = None

    async def account_for(self, first: int, end: int) -> None:
        """Raises NotYet unless every number from `first` up to, but not including, `end` was deleted; or BusError."""
        if first >= end:
            return
        if self._whole:
            raise NotYet(f"{first} is missing")
        if self._deleted is None:
            self._deleted = await deleted_inside(self._bus)
        for seq in range(first, end):
            if seq not in self._deleted:
                raise NotYet(f"{seq} is missing")


async def read_on(
    bus: Bus, state: StreamState, after: int, take: Callable[[StoredMessage], None], until: int | None = None
) -> None:
    """Hand over every message in (`after`, `until`], by default up to the stream's end.

    Raises Lost, NotYet or BusError; what was handed over before has no hole. A number without a message is accepted
    only when the stream itself says that this very number was deleted.
    """
    last = state.last_seq if until is None else until
    if last <= after:
        return
    if last > state.last_seq:
        raise NotYet(f"the stream ends at {state.last_seq}, {last} is asked for")
    if state.first_seq > after + 1:
        raise Lost(f"the stream begins at {state.first_seq}, we were at {after}")
    deletions = Deletions(bus, state)
    expected = after + 1
    async for message in read_range(bus, expected, last):
        if message.seq != expected:
            await deletions.account_for(expected, message.seq)
        take(message)
        expected = message.seq + 1
    await deletions.account_for(expected, last + 1)
