"""One client's place in the delivery: a bounded queue of frames, the way to its socket, and a reason to end.

Durable frames are never dropped while the connection lives: when the queue is full the connection ends with `bye slow`
and the client resumes from the last frame it got. What may be lost waits in an `EphemeralQueue`.

Nothing waits for a task: `flush` writes to the socket itself, everything that is queued as one piece. A socket that
does not take everything is blocked; until it says `writable` the queue grows.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Literal, Protocol

from tertulia_notify.delivery import frames
from tertulia_notify.delivery.batch import Batch
from tertulia_notify.delivery.ephemeral import EphemeralQueue, Key
from tertulia_notify.presence.states import PresenceState
from tertulia_shared.events import RunDelta
from tertulia_shared.runtime.http import DirectBody
from tertulia_shared.telemetry import logger

log = logger(__name__)

MAX_QUEUED_EVENTS = 512
MAX_QUEUED_BYTES = 1024 * 1024
PIECE_BYTES = 128 * 1024
"""At most about so much is written at once; each piece has a send timeout of its own."""

ByeReason = Literal["rotate", "slow", "drain", "token_expired", "revoked", "quarantine"]


class Line(Protocol):
    """Connections that have something to send; see `outbox.py`."""

    line: "deque[Connection]"

    def begin(self) -> None:
        """Somebody is about to stand in the empty line."""
        ...


class Connection:
    """Owned by the task that serves one request; everyone else only pushes into it."""

    __slots__ = (
        "_body",
        "_ephemeral",
        "_in_line",
        "_outbox",
        "_queue",
        "_takes_ephemeral",
        "_waiter",
        "active",
        "bye",
        "expires_at",
        "gone",
        "heartbeat_due",
        "number",
        "queued_bytes",
        "queued_events",
        "reset_reason",
        "rotate_at",
        "sending_since",
        "serving",
        "session_id",
        "user_id",
        "watched",
    )

    def __init__(
        self, user_id: str, session_id: str, expires_at: float, *, takes_ephemeral: bool = True, active: bool = True
    ) -> None:
        """A long poll takes durable events only: it must not be answered early for what it cannot hand over."""
        self.user_id = user_id
        self.number = 0
        """Of the streams of this process; 0 for a long poll."""
        self.active = active
        """Whether somebody is using the device."""
        self.watched: frozenset[str] = frozenset()
        """Whose presence it hears of; changed only by the registry."""
        self.session_id = session_id
        self.expires_at = expires_at
        """Unix seconds at which the access token ends."""
        self.rotate_at = float("inf")
        self.heartbeat_due = float("inf")
        self.sending_since: float | None = None
        """Monotonic time since which the socket does not take what was written."""
        self.serving: asyncio.Task[object] | None = None
        self.bye: ByeReason | None = None
        self.reset_reason: str | None = None
        self.gone = False
        self.queued_bytes = 0
        self.queued_events = 0
        self._queue: list[Batch] = []
        self._body: DirectBody | None = None
        self._outbox: Line | None = None
        self._in_line = False
        self._takes_ephemeral = takes_ephemeral
        self._ephemeral: EphemeralQueue | None = None
        """Made when it is first needed: most connections hear nothing ephemeral for long."""
        self._waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        return self.gone or self.bye is not None

    def push(self, batch: Batch) -> bool:
        """Queue frames that must not be lost. False when they were too many and the connection ends."""
        if self.gone or self.bye is not None:
            return True
        # Thousands of times for an event, hence without further calls.
        self._queue.append(batch)
        self.queued_bytes += batch.size
        self.queued_events += batch.events
        if (self.queued_bytes > MAX_QUEUED_BYTES or self.queued_events > MAX_QUEUED_EVENTS) and not self._make_room():
            self.discard_queue()
            self.end("slow")
            return False
        if not self._in_line:
            self._wake()
        return True

    def push_ephemeral(self, key: Key, frame: bytes) -> None:
        """Show the latest value of `key`; it may be lost."""
        queue = self._open_ephemeral()
        if queue is not None:
            queue.put(key, frame)
            self._wake()

    def push_delta(self, delta: RunDelta, frame: bytes) -> None:
        """Show more of a running answer; it may be lost, but never for the sake of a later one."""
        queue = self._open_ephemeral()
        if queue is not None:
            queue.put_delta(delta, frame)
            self._wake()

    def push_presence(self, states: Mapping[str, PresenceState], *, anew: bool = False) -> None:
        """Show these people's states. Until they are taken a later state replaces an earlier one; none is lost.

        `anew`: whatever waited is out of date.
        """
        queue = self._open_ephemeral()
        if queue is not None:
            queue.put_presence(states, anew=anew)
            self._wake()

    def push_reset(self, reason: str, frame: bytes) -> None:
        """What was queued stays; from here on the client starts over."""
        self.reset_reason = reason
        self.push(Batch([frame]))

    def end(self, reason: ByeReason) -> None:
        """Say `bye` after what is queued, then close."""
        if not self.ended:
            self.bye = reason
            self._ephemeral = None
            farewell = Batch([frames.bye(reason)])
            self._queue.append(farewell)
            self.queued_bytes += farewell.size
            self.queued_events += farewell.events
            self._wake()

    def discard_queue(self) -> None:
        """The client will resume from the last frame that it got, so what is queued may go."""
        self._queue.clear()
        self.queued_bytes = self.queued_events = 0

    def vanish(self) -> None:
        """The client is gone: nobody reads any more."""
        self.gone = True
        self._body = None
        self._queue.clear()
        self._ephemeral = None
        self._resolve()

    def give_up(self) -> None:
        """The client neither reads nor goes away: end the task that waits for it."""
        self.vanish()
        if self.serving is not None:
            self.serving.cancel()

    # -- the stream ------------------------------------------------------------------------------------------

    def open(self, body: DirectBody, outbox: Line) -> None:
        """From here on what is pushed is written to `body`, when the line comes to it."""
        self._body = body
        self._outbox = outbox
        if self._queue or self._ephemeral:
            self._wake()

    async def write_opening(self, body: DirectBody, frame: bytes) -> None:
        """Before `open`: returns when the socket has taken it, or the client is gone."""
        body.write(Batch([frame]).chunk)
        if body.blocked:
            self.sending_since = monotonic()
        while body.blocked and not self.gone:
            await self._until_woken()
        self.sending_since = None

    def writable(self) -> None:
        """The socket has taken what was written to it."""
        self.sending_since = None
        if self._body is None:
            self._resolve()
        elif (self._queue or self._ephemeral) and not self._in_line:
            self._wake()
        elif self.bye is not None:
            self._resolve()

    def flush(self) -> None:
        """Write what is queued, until the socket is blocked."""
        self._in_line = False
        body = self._body
        if body is None:
            return
        queue = self._queue
        if len(queue) == 1 and not self._ephemeral and not body.blocked:
            # Nearly always, and then without further calls.
            chunk = queue[0].chunk
            queue.clear()
            self.queued_bytes = self.queued_events = 0
            body.write(chunk)
        while (queue or self._ephemeral) and not body.blocked:
            body.write(self._take_piece())
        if body.blocked:
            if self.sending_since is None:
                self.sending_since = monotonic()
        elif self.bye is not None:
            self._resolve()

    async def finished(self) -> None:
        """Returns when everything was written after the end was said, or when the client is gone."""
        body = self._body
        while not self.gone and (self.bye is None or self._queue or (body is not None and body.blocked)):
            await self._until_woken()

    # -- the long poll ---------------------------------------------------------------------------------------

    def take_frames(self) -> list[bytes]:
        """The durable frames queued, one by one."""
        taken = [frame for batch in self._queue for frame in batch.frames]
        self.discard_queue()
        return taken

    async def wait(self) -> None:
        """Returns when something is queued or the connection has ended."""
        if not self._queue and not self.ended:
            await self._until_woken()

    # -- details ---------------------------------------------------------------------------------------------

    def _take_piece(self) -> bytes:
        """Of durable frames at most some 128 KiB; behind the last of them what may be lost."""
        queue = self._queue
        chunks: list[bytes] = []
        size = 0
        for batch in queue:
            chunks.append(batch.chunk)
            size += batch.size
            self.queued_events -= batch.events
            if size >= PIECE_BYTES:
                break
        del queue[: len(chunks)]
        self.queued_bytes -= size
        if not queue and self._ephemeral:
            chunks.append(Batch(self._ephemeral.take()).chunk)
        return b"".join(chunks)

    def _make_room(self) -> bool:
        """Too much waits: unless the socket is blocked it is only the line that is long."""
        if self._body is None or self._body.blocked:
            return False
        in_line = self._in_line
        try:
            self.flush()
        except Exception:
            # Whoever pushes has others to push to.
            log.exception("connection.flush_failed", user=self.user_id)
            self.give_up()
            return True
        self._in_line = in_line
        return self.queued_bytes <= MAX_QUEUED_BYTES and self.queued_events <= MAX_QUEUED_EVENTS

    def _open_ephemeral(self) -> EphemeralQueue | None:
        if self.ended or not self._takes_ephemeral:
            return None
        if self._ephemeral is None:
            self._ephemeral = EphemeralQueue()
        return self._ephemeral

    def _wake(self) -> None:
        """Something is queued."""
        outbox = self._outbox
        if outbox is None:
            self._resolve()
        elif not self._in_line and self._body is not None and not self._body.blocked:
            self._in_line = True
            if not outbox.line:
                outbox.begin()
            outbox.line.append(self)

    async def _until_woken(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _resolve(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
