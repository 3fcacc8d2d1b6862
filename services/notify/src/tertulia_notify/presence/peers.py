"""Who is connected to the other processes, as far as they say, and as long as they are heard of.

What is known of a process is what it was as of one of its numbers, never a mixture. A process that is not heard of for
a lease's time is gone, and its people with it: it was killed, or stopped and its people have had the time to connect
elsewhere.
"""

from dataclasses import dataclass, field

from tertulia_notify.presence.states import PresenceState, strongest
from tertulia_notify.presence.words import Asked, Changed, Whole, Word

UNKNOWN = -1


@dataclass(slots=True)
class _Peer:
    heard_at: float
    number: int = UNKNOWN
    people: dict[str, PresenceState] = field(default_factory=dict[str, PresenceState])
    coming: dict[str, PresenceState] = field(default_factory=dict[str, PresenceState])
    """Of a `Whole`, the parts that are here."""
    coming_number: int = UNKNOWN
    next_part: int = 0


class Peers:
    """Times are seconds on the caller's clock."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._peers: dict[str, _Peer] = {}
        self._lacking: set[str] = set()

    def __len__(self) -> int:
        return len(self._peers)

    def state_of(self, user_id: str) -> PresenceState:
        return strongest(peer.people[user_id] for peer in self._peers.values() if user_id in peer.people)

    def people(self) -> set[str]:
        return {user_id for peer in self._peers.values() for user_id in peer.people}

    def hear(self, word: Word, now: float) -> set[str]:
        """Whose state there may have changed."""
        if isinstance(word, Asked):
            return set()
        peer = self._peers.setdefault(word.process, _Peer(now))
        peer.heard_at = now
        match word:
            case Changed() if word.number == peer.number + 1:
                peer.number = word.number
                _update(peer.people, word.people)
                return set(word.people)
            case Whole():
                return self._take(peer, word)
            case _ if word.number != peer.number:
                self._lacking.add(word.process)
            case _:
                pass
        return set()

    def lacking(self) -> set[str]:
        """Processes to ask for everything; once for each time that something was missing."""
        lacking, self._lacking = self._lacking & self._peers.keys(), set()
        return lacking

    def expire(self, now: float) -> set[str]:
        """Whose state may have changed because a process is gone."""
        gone = [process for process, peer in self._peers.items() if now - peer.heard_at > self._lease_s]
        touched: set[str] = set()
        for process in gone:
            touched.update(self._peers.pop(process).people)
        return touched

    def hold(self, now: float) -> None:
        """We could not hear them, so nobody's silence says anything."""
        for peer in self._peers.values():
            peer.heard_at = now

    def _take(self, peer: _Peer, word: Whole) -> set[str]:
        if word.number == peer.number:
            return set()
        if word.part == 0:
            peer.coming, peer.coming_number, peer.next_part = {}, word.number, 0
        if (word.number, word.part) != (peer.coming_number, peer.next_part):
            return set()
        peer.coming.update(word.people)
        peer.next_part += 1
        if peer.next_part < word.parts:
            return set()
        before, peer.people, peer.number = peer.people, peer.coming, word.number
        peer.coming, peer.coming_number = {}, UNKNOWN
        self._lacking.discard(word.process)
        return before.keys() | peer.people.keys()


def _update(people: dict[str, PresenceState], changes: dict[str, PresenceState]) -> None:
    for user_id, state in changes.items():
        if state is PresenceState.OFFLINE:
            people.pop(user_id, None)
        else:
            people[user_id] = state
