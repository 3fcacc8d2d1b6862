"""Who is connected to this process, and what it tells the others of that.

Whoever's last connection closes stays for a grace time as they were: connections are rotated, phones change networks,
pages are reloaded, and none of that is news.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from tertulia_notify.presence.states import PresenceState
from tertulia_notify.presence.words import Alive, Changed, Whole, Word

PEOPLE_IN_A_PART = 5_000
"""Some 250 KB; NATS takes 1 MB at a time."""


class Local:
    """Times are seconds on the caller's clock."""

    def __init__(self, process: str, *, grace_s: float, beat_s: float) -> None:
        self._process = process
        self._grace_s = grace_s
        self._beat_s = beat_s
        self._people: dict[str, PresenceState] = {}
        self._gone_at: dict[str, float] = {}
        """Who has no connection any more, in the order of the times at which they count as gone."""
        self._unsaid: dict[str, PresenceState] = {}
        self._number = 0
        self._said_at = float("-inf")
        self.asked = False
        """Somebody wants to know everything."""

    def people(self) -> AbstractSet[str]:
        return self._people.keys()

    def state_of(self, user_id: str) -> PresenceState:
        return self._people.get(user_id, PresenceState.OFFLINE)

    def place(self, user_id: str, state: PresenceState, now: float) -> bool:
        """What the person's connections are now; OFFLINE when there is none. Whether their state here changed."""
        if state is PresenceState.OFFLINE:
            if user_id in self._people and user_id not in self._gone_at:
                self._gone_at[user_id] = now + self._grace_s
            return False
        self._gone_at.pop(user_id, None)
        return self._set(user_id, state)

    def expire(self, now: float) -> set[str]:
        """Who has been away for the grace time."""
        gone: set[str] = set()
        for user_id, at in self._gone_at.items():
            if at > now:
                break
            gone.add(user_id)
        for user_id in gone:
            del self._gone_at[user_id]
            self._set(user_id, PresenceState.OFFLINE)
        return gone

    def words(self, now: float) -> Iterator[Word]:
        """What is to be said now."""
        unsaid, self._unsaid = self._unsaid, {}
        for part in _parts(unsaid):
            self._number += 1
            self._said_at = now
            yield Changed(self._process, self._number, part)
        if self.asked:
            self.asked = False
            self._said_at = now
            # Also of nobody there is one part, an empty one.
            parts = list(_parts(self._people)) or [{}]
            for number, part in enumerate(parts):
                yield Whole(self._process, self._number, number, len(parts), part)
        elif now - self._said_at >= self._beat_s:
            self._said_at = now
            yield Alive(self._process, self._number)

    def _set(self, user_id: str, state: PresenceState) -> bool:
        if self.state_of(user_id) is state:
            return False
        if state is PresenceState.OFFLINE:
            del self._people[user_id]
        else:
            self._people[user_id] = state
        self._unsaid[user_id] = state
        return True


def _parts(people: dict[str, PresenceState]) -> Iterator[dict[str, PresenceState]]:
    items = list(people.items())
    for start in range(0, len(items), PEOPLE_IN_A_PART):
        yield dict(items[start : start + PEOPLE_IN_A_PART])
