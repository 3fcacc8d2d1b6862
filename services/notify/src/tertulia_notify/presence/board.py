"""Everybody's state by their devices, wherever these are connected.

    online    a device is in use here or at another process
    away      devices are connected, and all of them are idle
    offline   no device has been connected for the grace time

What happens is noted; once a second `tick` lets time pass and answers what the other processes are to be told.
"""

from collections.abc import Iterator

from tertulia_notify.presence.local import Local
from tertulia_notify.presence.peers import Peers
from tertulia_notify.presence.states import PresenceState, strongest
from tertulia_notify.presence.words import Asked, Word


class Board:
    """Times are seconds on the caller's clock, which never goes back."""

    def __init__(self, process: str, *, grace_s: float, beat_s: float, lease_s: float) -> None:
        self._process = process
        self._local = Local(process, grace_s=grace_s, beat_s=beat_s)
        self._peers = Peers(lease_s)
        self._patience_s = lease_s / 2
        self._ticked_at: float | None = None
        self._touched: set[str] = set()
        self._acquainted = False
        """The others were asked for everything since the connection to them was last broken."""

    @property
    def peers(self) -> int:
        """How many other processes there are."""
        return len(self._peers)

    def state_of(self, user_id: str) -> PresenceState:
        return strongest((self._local.state_of(user_id), self._peers.state_of(user_id)))

    def place(self, user_id: str, state: PresenceState, now: float) -> None:
        """What the person's connections to this process say; OFFLINE when there is none."""
        if self._local.place(user_id, state, now):
            self._touched.add(user_id)

    def hear(self, word: Word, now: float) -> None:
        if word.process == self._process:
            return
        if isinstance(word, Asked):
            self._local.asked |= word.of in (None, self._process)
        else:
            self._touched |= self._peers.hear(word, now)

    def tick(self, now: float, *, deaf: bool = False) -> list[Word]:
        """What to say. `deaf`: there is no connection to the others, and their silence means nothing.

        Neither does it after this process stood still: what they said meanwhile is yet to be read.
        """
        late = self._ticked_at is not None and now - self._ticked_at > self._patience_s
        self._ticked_at = now
        if deaf or late:
            self._peers.hold(now)
        self._touched |= self._local.expire(now) | self._peers.expire(now)
        return [*self._asking(deaf=deaf), *self._local.words(now)]

    def people(self) -> set[str]:
        """Everybody who is not offline."""
        return self._peers.people().union(self._local.people())

    def take_touched(self) -> set[str]:
        """Whose state may have changed since the last call."""
        touched, self._touched = self._touched, set()
        return touched

    def _asking(self, *, deaf: bool) -> Iterator[Word]:
        lacking = self._peers.lacking()
        if not deaf and not self._acquainted:
            yield Asked(self._process)
        else:
            yield from (Asked(self._process, process) for process in sorted(lacking))
        self._acquainted = not deaf
