"""What may be lost, waiting for one client: the latest value of each key, and the text of running AI answers.

Bounded by count and by bytes; what does not fit is not taken. A delta never replaces an earlier one that still waits:
texts that follow each other become one frame, and where something is missing between them a new frame begins, so the
client sees the hole in `offset` and asks `GET /runs/{id}`. Presence is one frame with the latest state of each person;
it always fits, because a connection watches only so many.
"""

from collections.abc import Mapping

import msgspec

from tertulia_notify import metrics
from tertulia_notify.delivery import frames
from tertulia_notify.presence.states import PersonState, PresenceFrame, PresenceState
from tertulia_shared.events import RunDelta

MAX_SLOTS = 64
MAX_TEXT_BYTES = 64 * 1024
"""Of deltas, over all runs: some minutes of the fastest answer. Whoever is that far behind asks for the text."""

Key = tuple[str, ...]


class _Text:
    """Deltas of one run and attempt that follow each other without a hole."""

    __slots__ = ("end", "first", "frame", "texts")

    def __init__(self, first: RunDelta, frame: bytes) -> None:
        self.first = first
        self.frame = frame
        self.texts = [first.text]
        self.end = first.offset + len(first.text)

    def append(self, delta: RunDelta) -> bool:
        """False when `delta` is not what comes next."""
        if delta.attempt != self.first.attempt or delta.offset != self.end:
            return False
        self.texts.append(delta.text)
        self.end += len(delta.text)
        return True

    def render(self) -> bytes:
        if len(self.texts) == 1:
            return self.frame
        return frames.named(self.first.type, msgspec.structs.replace(self.first, text="".join(self.texts)))


class EphemeralQueue:
    __slots__ = ("_presence", "_slots", "_tails", "_text_bytes")

    def __init__(self) -> None:
        self._slots: dict[Key, bytes | _Text] = {}
        self._tails: dict[str, _Text] = {}
        self._text_bytes = 0
        self._presence: dict[str, PresenceState] | None = None

    def __bool__(self) -> bool:
        return bool(self._slots) or self._presence is not None

    def put(self, key: Key, frame: bytes) -> None:
        """The latest value of `key`."""
        if key in self._slots or self._has_room():
            self._slots[key] = frame

    def put_delta(self, delta: RunDelta, frame: bytes) -> None:
        """`frame` is the delta's own, shared by all connections."""
        if self._text_bytes + len(frame) > MAX_TEXT_BYTES:
            metrics.EPHEMERAL_DROPPED.inc()
            return
        tail = self._tails.get(delta.run_id)
        if tail is not None and tail.append(delta):
            self._text_bytes += len(frame)
        elif self._has_room():
            self._text_bytes += len(frame)
            tail = self._tails[delta.run_id] = _Text(delta, frame)
            self._slots[("delta", delta.run_id, str(len(self._slots)))] = tail

    def put_presence(self, states: Mapping[str, PresenceState], *, anew: bool = False) -> None:
        """`anew`: instead of what waits. Also nobody's states make a frame: it says that there are none."""
        if self._presence is None or anew:
            self._presence = {}
        self._presence.update(states)

    def take(self) -> list[bytes]:
        """Everything that waits, in the order in which it came."""
        taken = [slot if isinstance(slot, bytes) else slot.render() for slot in self._slots.values()]
        self._slots.clear()
        self._tails.clear()
        self._text_bytes = 0
        if self._presence is not None:
            people = [PersonState(user_id, state) for user_id, state in self._presence.items()]
            taken.append(frames.named("presence", PresenceFrame(people)))
            self._presence = None
        return taken

    def _has_room(self) -> bool:
        if len(self._slots) < MAX_SLOTS:
            return True
        metrics.EPHEMERAL_DROPPED.inc()
        return False
