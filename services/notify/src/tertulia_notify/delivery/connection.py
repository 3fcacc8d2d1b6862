"""One client's place in the delivery: a bounded queue of frames and a reason to end.

Durable frames are never dropped while the connection lives: when the queue is full the connection ends with `bye slow`
and the client resumes from the last frame it got. What may be lost waits in an `EphemeralQueue`.
"""

import asyncio
from collections.abc import Mapping
from typing import Literal

from tertulia_notify.delivery import frames
from tertulia_notify.delivery.ephemeral import EphemeralQueue, Key
from tertulia_notify.presence.states import PresenceState
from tertulia_shared.events import RunDelta

MAX_QUEUED_EVENTS = 512
MAX_QUEUED_BYTES = 1024 * 1024

ByeReason = Literal["rotate", "slow", "drain", "token_expired", "revoked", "quarantine"]


class Connection:
    """Owned by the task that serves one request; everyone else only pushes into it."""

    __slots__ = (
        "_ephemeral",
        "_frames",
        "_takes_ephemeral",
        "_waiter",
        "active",
        "bye",
        "expires_at",
        "gone",
        "heartbeat_due",
        "number",
        "queued_bytes",
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
        """Monotonic time since which one piece waits for the socket."""
        self.serving: asyncio.Task[object] | None = None
        self.bye: ByeReason | None = None
        self.reset_reason: str | None = None
        self.gone = False
        self.queued_bytes = 0
        self._frames: list[bytes] = []
        self._takes_ephemeral = takes_ephemeral
        self._ephemeral: EphemeralQueue | None = None
        """Made when it is first needed: most connections hear nothing ephemeral for long."""
        self._waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        return self.gone or self.bye is not None

    def push(self, frame: bytes) -> bool:
        """Queue a frame that must not be lost. False when this was one too many and the connection ends."""
        if self.ended:
            return True
        self.queued_bytes += len(frame)
        if self.queued_bytes > MAX_QUEUED_BYTES or len(self._frames) >= MAX_QUEUED_EVENTS:
            self.discard_queue()
            self.end("slow")
            return False
        self._frames.append(frame)
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
        self.push(frame)

    def end(self, reason: ByeReason) -> None:
        """Say `bye` after what is queued, then close."""
        if not self.ended:
            self.bye = reason
            self._ephemeral = None
            self._frames.append(frames.bye(reason))
            self._wake()

    def discard_queue(self) -> None:
        """The client will resume from the last frame that it got, so what is queued may go."""
        self._frames.clear()
        self.queued_bytes = 0

    def vanish(self) -> None:
        """The client is gone: nobody reads any more."""
        self.gone = True
        self._frames.clear()
        self._ephemeral = None
        self._wake()

    def give_up(self) -> None:
        """The client neither reads nor goes away: end the task that waits for it."""
        self.vanish()
        if self.serving is not None:
            self.serving.cancel()

    def take(self) -> bytes:
        """Everything queued, as one piece; empty when there is nothing."""
        if self._ephemeral:
            self._frames.extend(self._ephemeral.take())
        chunk = self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)
        self._frames.clear()
        self.queued_bytes = 0
        return chunk

    def take_frames(self) -> list[bytes]:
        """The durable frames queued, one by one."""
        taken, self._frames = self._frames, []
        self.queued_bytes = 0
        return taken

    async def wait(self) -> None:
        """Returns when there is something to take or the connection has ended."""
        if self._frames or self._ephemeral or self.ended:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _open_ephemeral(self) -> EphemeralQueue | None:
        if self.ended or not self._takes_ephemeral:
            return None
        if self._ephemeral is None:
            self._ephemeral = EphemeralQueue()
        return self._ephemeral

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
