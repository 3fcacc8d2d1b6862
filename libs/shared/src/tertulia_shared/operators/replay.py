"""`replay --consumer NAME --from … [--to …]`: have a consumer handle a range of the stream again.

The range is cut into pieces that its service handles one after the other, beside what comes live; the next is sent
when the last was answered. Whatever breaks it off, a piece that was not answered may be sent again: the command says
at which number to go on.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import msgspec

from tertulia_shared.bus import Bus, BusError, BusUnavailable, JetStreamError, NoResponders, RequestTimeout, StreamState
from tertulia_shared.bus.redelivery import BATCH, RangeWish, Result, WishAnswer, ask
from tertulia_shared.bus.streams import first_at, stream_state
from tertulia_shared.operators import connect, output
from tertulia_shared.operators.dead_letters import Install, service_away
from tertulia_shared.operators.errors import Away, OperatorError, WrongWords

TRIES = 6
"""An error that has not passed by then is the message's own fault."""
PATIENCE_S = 30.0
"""How long a service that was there a moment ago may be away: it restarts."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 8.0

Place = int | datetime


class Report(msgspec.Struct, kw_only=True):
    consumer: str
    first: int
    last: int
    handled: int = 0
    put_aside: int = 0
    missed: int = 0
    """Numbers whose message had left the stream."""

    def add(self, answer: WishAnswer) -> None:
        self.handled += answer.handled
        self.put_aside += answer.put_aside
        self.missed += answer.missed


def place(text: str) -> Place:
    """A stream sequence, or a time in ISO 8601 with its zone. Raises WrongWords."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise WrongWords(
            "bad_place", f"Neither a number nor a time with a zone: {text}", "E.g. 48211 or 2026-03-01T09:30:00Z."
        )
    return time


async def run(install: Install, consumer: str, begin: Place, end: Place | None, *, as_json: bool) -> int:
    async with connect.bus(install.nats_url, install.nats_prefix) as bus:
        state = await _state(bus)
        report = await _range(bus, state, consumer, begin, end)
        if not as_json:
            output.note(f"{consumer}: replaying {report.first} to {report.last} beside what comes live")
        async for reached in pieces(bus, state.incarnation, report):
            if not as_json:
                output.note(
                    f"  {reached} of {report.last}  ({report.handled} handled, {report.put_aside} dead letters)"
                )
    if as_json:
        output.json_line(report)
    else:
        output.line(
            f"{consumer}: {report.first} to {report.last}: {report.handled} handled, {report.put_aside} dead letters, "
            f"{report.missed} no longer in the stream"
        )
    return 0


async def _state(bus: Bus) -> StreamState:
    try:
        return await stream_state(bus)
    except (JetStreamError, NoResponders) as error:
        raise Away(
            "stream_unavailable", f"The stream is away: {error}", "The relay makes it when it starts."
        ) from error


async def _range(bus: Bus, state: StreamState, consumer: str, begin: Place, end: Place | None) -> Report:
    """Raises OperatorError when there is nothing in it."""
    first = await first_at(bus, begin) if isinstance(begin, datetime) else begin
    last = state.last_seq
    if isinstance(end, datetime):
        after = await first_at(bus, end)
        last = state.last_seq if after is None else after - 1
    elif end is not None:
        last = min(end, state.last_seq)
    first = None if first is None else max(first, 1)
    if first is None or first > last:
        raise OperatorError(
            "nothing_to_replay",
            f"The stream has nothing there: it goes from {state.first_seq} to {state.last_seq}.",
            "Give --from before --to, within the stream.",
        )
    if first < state.first_seq:
        output.note(f"The stream begins at {state.first_seq} only; what was before is counted as no longer there.")
    return Report(consumer=consumer, first=first, last=last)


async def pieces(bus: Bus, incarnation: str, report: Report) -> AsyncGenerator[int]:
    """Yields the number that is reached; `report` is kept up. Raises OperatorError."""
    first = report.first
    persistence = _Persistence(bus, report.consumer)
    while first <= report.last:
        last = min(first + BATCH - 1, report.last)
        answer = await persistence.ask(
            lambda last_attempt, first=first, last=last: RangeWish(
                incarnation=incarnation, first=first, last=last, last_attempt=last_attempt
            ),
            first,
        )
        if answer.result is Result.OTHER_LIFE:
            raise OperatorError(
                "stream_changed", f"The stream was made again; done was up to {first - 1}.", "Look at `relay status`."
            )
        report.add(answer)
        yield last
        first = last + 1


@dataclass(slots=True)
class _Persistence:
    """Asks until it is decided. `met`: somebody has answered, so silence means a restart."""

    bus: Bus
    consumer: str
    met: bool = False

    async def ask(self, wish: Callable[[bool], RangeWish], first: int) -> WishAnswer:
        """Raises Away, with the number to go on at."""
        pause_s = FIRST_PAUSE_S
        refusals = 0
        silent_since: float | None = None
        while True:
            try:
                answer = await ask(self.bus, self.consumer, wish(refusals >= TRIES - 1))
            except (NoResponders, RequestTimeout, BusUnavailable) as error:
                silent_since = silent_since or monotonic()
                if not self.met and isinstance(error, NoResponders):
                    raise service_away(self.consumer) from error
                if monotonic() - silent_since > PATIENCE_S:
                    raise self._gave_up(error, first) from error
            else:
                self.met, silent_since = True, None
                if answer.result is not Result.NOT_NOW:
                    return answer
                refusals += 1
                if refusals >= TRIES:
                    raise Away("not_now", f"Not done: {answer.reason}", f"Go on later with --from {first}.")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LAST_PAUSE_S)

    def _gave_up(self, error: BusError, first: int) -> Away:
        code = "nats_unavailable" if isinstance(error, BusUnavailable) else "service_unavailable"
        return Away(code, f"“{self.consumer}” does not answer any more: {error}", f"Go on later with --from {first}.")
