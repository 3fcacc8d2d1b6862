"""The live stream as an async iterator: every durable event once and in its channel's order, through any failure.

There is no background task: each `__anext__` performs small steps until something can be yielded, so cancelling it
(a timeout, for instance) loses nothing and there is nothing to clean up but one connection. A step is the first of:

1. synchronise: read every workspace's bootstrap (at the start, and when the server could not resume);
2. repair: fetch what a channel lacks (`Ordering.gaps`), also what a bootstrap says that it lacks;
3. connect, from the last position the server told;
4. read frames and put them through `Ordering`.

While 1 and 2 fail because the server is in trouble, 3 and 4 go on for all other channels.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType

from tertulia_client.api.channels import Channels
from tertulia_client.api.workspaces import Workspaces
from tertulia_client.backoff import Backoff, is_temporary, wait_s
from tertulia_client.caller import Caller
from tertulia_client.connection import Connection
from tertulia_client.errors import Gone, NotFound, ProtocolError, TertuliaError, TokenExpired
from tertulia_client.events import (
    Connected,
    Disconnected,
    Ephemeral,
    Event,
    Presence,
    Reset,
    RunDelta,
    RunStep,
    StreamItem,
    Synced,
    Typing,
)
from tertulia_client.frames import Bye, Hello, ResetFrame, meaning_of
from tertulia_client.models import Bootstrap
from tertulia_client.ordering import Ordering
from tertulia_client.sse import Frame

log = logging.getLogger(__name__)

REPAIR_PAGE = 200
FUTILE_REPAIRS = 5
"""Answers without progress after which a hole is declared unfillable."""

STEADY_S = 10.0
"""A connection that lived this long was a good one: the next failure starts with the shortest wait again."""


@dataclass(frozen=True, kw_only=True)
class StreamTiming:
    """Seconds. The defaults are those of the protocol; tests shorten them."""

    silence_s: float = 45.0
    backoff: Backoff = field(default_factory=Backoff)


class EventStream:
    """Made by `Client.stream()`. Iterate it; leave it by `async with` or `aclose()`."""

    def __init__(self, caller: Caller, positions: Mapping[str, int] | None, timing: StreamTiming) -> None:
        self._caller = caller
        # A failed call is tried again by `_step`, so that the stream is read meanwhile.
        self._workspaces = Workspaces(caller.impatient())
        self._channels = Channels(caller.impatient())
        self._timing = timing
        self._order = Ordering(positions)
        self._ready: deque[StreamItem] = deque()
        self._yielded = dict(positions or {})
        self._over = False
        # The connection and where it starts.
        self._connection: Connection | None = None
        self._cursor: str | None = None
        self._last_event_id: str | None = None
        self._token = ""
        self._connect_at = 0.0
        self._connected_at = 0.0
        self._failures = 0
        # Synchronising and repairing.
        self._sync_reason: str | None = "start"
        self._work_at = 0.0
        self._work_failures = 0
        self._futile: dict[str, int] = {}

    @property
    def positions(self) -> dict[str, int]:
        """Channel id → `ch_seq` of what was yielded. Keep it and give it to a later `stream()` to go on from there."""
        return dict(self._yielded)

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> StreamItem:
        """Raises ApiError (the session is over, access refused), NotSignedIn, ProtocolError; never NetworkError."""
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            await self._step()
        item = self._ready.popleft()
        self._note_yielded(item)
        return item

    async def __aenter__(self) -> "EventStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; the iteration ends."""
        self._over = True
        self._ready.clear()
        self._drop_connection()

    async def _step(self) -> None:
        now = monotonic()
        gaps = self._order.gaps()
        has_work = self._sync_reason is not None or bool(gaps)
        if has_work and now >= self._work_at:
            await self._work(gaps)
            return
        wake_at = self._work_at if has_work else None
        if self._connection is not None:
            await self._read(self._connection, wake_at)
        elif self._sync_reason == "start":
            await asyncio.sleep(self._work_at - now)  # Nothing can be said before the first state is there.
        elif now >= self._connect_at:
            await self._connect()
        else:
            await asyncio.sleep(min(self._connect_at, wake_at or self._connect_at) - now)

    # 1 and 2: synchronise and repair.

    async def _work(self, gaps: Mapping[str, int]) -> None:
        try:
            if self._sync_reason is not None:
                await self._synchronise(self._sync_reason)
            else:
                await self._repair(*next(iter(gaps.items())))
        except TertuliaError as error:
            if not is_temporary(error):
                raise
            self._work_at = monotonic() + wait_s(error, self._timing.backoff, self._work_failures)
            self._work_failures += 1
            log.warning("catching up failed, trying again: %s", error)
        else:
            self._work_failures = 0

    async def _synchronise(self, reason: str) -> None:
        states = await self._read_states()
        if reason == "start":
            # The oldest cursor misses nothing; what it repeats of later bootstraps is recognised by ch_seq.
            self._cursor = states[0].cursor if states else None
        if states:
            self._order.me = states[0].me.id
        for state in states:
            self._expect(state)
        self._sync_reason = None
        self._ready.append(Synced(reason=reason, workspaces=states))

    async def _read_states(self) -> list[Bootstrap]:
        states: list[Bootstrap] = []
        for mine in await self._workspaces.mine():
            try:
                states.append(await self._workspaces.bootstrap(mine.workspace.id))
            except NotFound:
                log.info("workspace %s is gone since it was listed", mine.workspace.id)
        return states

    def _expect(self, state: Bootstrap) -> None:
        self._order.expect({entry.channel.id: entry.channel.last_seq for entry in state.channels if entry.joined})

    async def _repair(self, channel_id: str, after: int) -> None:
        try:
            page = await self._channels.events_page(channel_id, after=after, limit=REPAIR_PAGE)
        except (Gone, NotFound) as error:
            reason = "access_lost" if isinstance(error, NotFound) else error.code
            self._ready.extend(self._order.give_up(channel_id, reason))
            return
        self._ready.extend(self._order.fill(channel_id, page))
        if self._order.positions[channel_id] > after:
            self._futile.pop(channel_id, None)
            return
        # The server knows of less than was announced, as after a restored backup. Do not ask for ever.
        self._futile[channel_id] = self._futile.get(channel_id, 0) + 1
        self._work_at = monotonic() + self._timing.backoff.delay_s(self._futile[channel_id])
        if self._futile[channel_id] >= FUTILE_REPAIRS:
            del self._futile[channel_id]
            self._ready.extend(self._order.give_up(channel_id, "events_expired"))

    # 3: connect.

    async def _connect(self) -> None:
        try:
            self._token = await self._caller.tokens.access_token()
            self._connection = await Connection.open(
                self._caller.transport,
                token=self._token,
                cursor=self._cursor,
                last_event_id=self._last_event_id,
                silence_s=self._timing.silence_s,
            )
        except TokenExpired as error:
            await self._renew(error)
        except TertuliaError as error:
            if not is_temporary(error):
                raise
            self._fail(str(error), wait_s(error, self._timing.backoff, self._failures))
        else:
            self._connected_at = monotonic()

    async def _renew(self, cause: TertuliaError) -> None:
        try:
            await self._caller.tokens.renew(self._token)
        except TertuliaError as error:
            if not is_temporary(error):
                raise
            self._fail(str(error), wait_s(error, self._timing.backoff, self._failures))
        else:
            if self._failures > 0:
                # A server that refuses even fresh tokens must not be asked in a tight loop.
                self._come_back(str(cause), self._timing.backoff.delay_s(self._failures))
            self._failures += 1

    def _fail(self, reason: str, pause_s: float) -> None:
        self._failures += 1
        self._come_back(reason, pause_s)

    def _come_back(self, reason: str, pause_s: float) -> None:
        self._connect_at = monotonic() + pause_s
        self._ready.append(Disconnected(reason=reason, retry_in_s=pause_s))

    # 4: read.

    async def _read(self, connection: Connection, until: float | None) -> None:
        try:
            for frame in await connection.read(until):
                self._take(frame)
                if self._connection is None:
                    return  # The server said good-bye.
        except ProtocolError:
            # Whoever goes on all the same gets what stood behind the unreadable frame by a new connection.
            self._drop_connection()
            raise
        except TertuliaError as error:
            self._broken(str(error))

    def _take(self, frame: Frame) -> None:
        if frame.id:
            self._last_event_id = frame.id
        match meaning_of(frame):
            case Event() as event:
                self._ready.extend(self._order.accept(event))
            case Typing() | Presence() | RunDelta() | RunStep() | Ephemeral() as passing:
                self._ready.append(passing)
            case Hello() as hello:
                self._hello(hello)
            case ResetFrame(reason=reason, cursor=cursor):
                self._start_over(reason, cursor)
            case Bye() as bye:
                self._bye(bye)
            case None:
                pass  # A heartbeat: only its id matters.

    def _hello(self, hello: Hello) -> None:
        # When resumed, what was missed is still to come, so the position stays where it is until it has come.
        if not hello.resumed:
            self._start_over("not_resumed", hello.cursor)
        self._ready.append(Connected(resumed=hello.resumed, server=hello.server, connection=hello.connection))

    def _start_over(self, reason: str, cursor: str) -> None:
        self._cursor, self._last_event_id = cursor, None
        self._sync_reason = reason
        self._work_at = 0.0

    def _bye(self, bye: Bye) -> None:
        if bye.reason == "revoked":
            self._drop_connection()
            self._over = True
            self._ready.append(Disconnected(reason="revoked", retry_in_s=None))
            return
        if bye.reason == "token_expired":
            self._caller.tokens.distrust(self._token)
        # An orderly end is no failure: the server says when, and the wait after a later one starts small.
        self._drop_connection()
        self._come_back(bye.reason, bye.retry_ms / 1000)
        self._failures = 0

    def _broken(self, reason: str) -> None:
        """Come back quickly first, and ever more slowly when that does not help."""
        self._drop_connection()
        if monotonic() - self._connected_at >= STEADY_S:
            self._failures = 0
        self._fail(reason, self._timing.backoff.delay_s(self._failures))

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _note_yielded(self, item: StreamItem) -> None:
        match item:
            case Event(channel_id=str(channel_id), ch_seq=int(seq)) | Reset(channel_id=channel_id, up_to=seq):
                self._yielded[channel_id] = seq
            case Synced(workspaces=states):
                for state in states:
                    for channel_id, seq in state.positions.items():
                        self._yielded.setdefault(channel_id, seq)
            case _:
                pass
