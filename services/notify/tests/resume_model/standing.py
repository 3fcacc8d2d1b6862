"""The messages of a stream, and who belongs where after some part of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tertulia_shared import events
from tertulia_shared.bus import Outgoing

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SCOPES: dict[str, events.Scope] = {
    **dict.fromkeys(("said", "joined", "left"), "ch"),
    **dict.fromkeys(("told", "ban", "revoked"), "user"),
}
"""What else there is goes to a workspace."""
EVENT_KINDS = ("said", "announced", "told", "joined", "left", "admitted", "dismissed", "role", "ban")

ADA, BOB, EVE = (str(UUID(int=number)) for number in (1, 2, 3))
PEOPLE = (ADA, BOB)
HOMES = {"tea": "west", "den": "west", "yard": "east"}
"""Each channel's workspace. Tea and yard are public."""
CHANNELS, WORKSPACES = tuple(HOMES), ("west", "east")
ABOUT = {"west": (None, "tea"), "east": (None, "yard")}
"""What an event for a whole workspace is about: nothing, or a public channel of it."""


@dataclass(slots=True)
class Entry:
    """One message of the stream, as it was meant. `target` is the channel, the workspace or the person it is for."""

    what: str
    target: str
    outgoing: Outgoing
    person: str = ""
    value: str | None = None
    deed: int = 0
    """Chat's own counting; a repetition by the relay has the number of the first time."""
    seq: int = 0

    @property
    def scope(self) -> events.Scope:
        return SCOPES.get(self.what, "ws")


class Standing:
    """Who belongs where after some part of the stream, as plainly as it can be written down."""

    def __init__(self) -> None:
        self.members: dict[tuple[str, str], int] = {}
        self.roles: dict[tuple[str, str], str] = {}
        self.bans: dict[tuple[str, str], tuple[int, bool]] = {}
        self.changed: dict[str, int] = dict.fromkeys(CHANNELS, 0)
        self.ended: set[str] = set()

    def copy(self) -> "Standing":
        other = Standing()
        other.members, other.roles, other.bans = self.members.copy(), self.roles.copy(), self.bans.copy()
        other.changed, other.ended = self.changed.copy(), self.ended.copy()
        return other

    def take(self, entry: Entry) -> bool:
        """Whether somebody's belonging to the workspace ended."""
        key = (entry.target, entry.person)
        if entry.what in ("joined", "left"):
            if entry.deed > self.changed[entry.target]:
                self.changed[entry.target] = entry.deed
                if entry.what == "joined":
                    self.members[key] = entry.deed
                else:
                    self.members.pop(key, None)
        elif entry.what == "admitted":
            self.roles.setdefault(key, str(entry.value))
        elif entry.what == "dismissed":
            return self.roles.pop(key, None) is not None
        elif entry.what == "role":
            if key in self.roles:
                self.roles[key] = str(entry.value)
        elif entry.what == "ban":
            self._ban(entry)
        elif entry.what == "revoked":
            self.ended.add(str(entry.value))
        return False

    def _ban(self, entry: Entry) -> None:
        channel, banned = str(entry.value).split("/")
        if entry.deed >= self.bans.get((channel, entry.person), (0, False))[0]:
            self.bans[channel, entry.person] = (entry.deed, banned == "yes")

    def reaches(self, person: str, entry: Entry) -> bool:
        """Live: by what holds at this moment."""
        if entry.what not in EVENT_KINDS:
            return False
        if entry.what in ("left", "dismissed") and entry.person == person:
            return True
        if entry.scope == "ch":
            return (entry.target, person) in self.members
        if entry.scope == "user":
            return entry.target == person
        return self._hears(person, entry)

    def shows(self, person: str, entry: Entry) -> bool:
        """In a replay: by what holds now, and nothing of a channel from before the latest joining."""
        if not self.reaches(person, entry):
            return False
        own_leaving = entry.what == "left" and entry.person == person
        return entry.scope != "ch" or own_leaving or self.members[entry.target, person] <= entry.deed

    def _hears(self, person: str, entry: Entry) -> bool:
        role = self.roles.get((entry.target, person))
        if role is None:
            return False
        if entry.what != "announced" or entry.value is None:
            return True
        channel = str(entry.value)
        if role == "guest":
            return (channel, person) in self.members
        return not self.bans.get((channel, person), (0, False))[1]


@dataclass(slots=True)
class Log:
    """One life of the stream: all that was ever in it, the numbers that are still there, and which were deleted one by
    one (the only ones that a replay may be without)."""

    entries: list[Entry] = field(default_factory=list)
    stored: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)

    @property
    def first(self) -> int:
        return min(self.stored, default=len(self.entries) + 1)


def time_of(deed: int) -> datetime:
    return NOW + timedelta(milliseconds=deed)
