"""What was published, told by snapshots of PostgreSQL instead of ids.

A serial id is drawn before its transaction commits, so "everything up to id n" skips late commits. A snapshot knows
exactly which transactions it saw; a row is new when the snapshot did not see its `xid`. No set of published ids is
needed, however long some transaction stays open.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A `pg_snapshot`: everything below `xmin` is over, nothing from `xmax` on had begun, `running` lie between."""

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Snapshot":
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), tuple(int(xid) for xid in running.split(",") if xid))

    @classmethod
    def below(cls, xid: int) -> "Snapshot":
        """Sees every transaction below `xid` and no other."""
        return cls(max(1, xid), max(1, xid))

    def before(self, xid: int) -> "Snapshot":
        """Sees of what this one sees only the transactions below `xid`."""
        running = tuple(each for each in self.running if each < xid)
        return Snapshot(min(self.xmin, xid), min(self.xmax, xid), running)

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"


@dataclass(frozen=True, slots=True)
class Page:
    """Where the working off of a backlog stands: of what `snapshot` sees, all ids up to `last_id` are published."""

    snapshot: Snapshot
    last_id: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Published is what `base` sees, and what `page` covers.

    Each page is read in id order from a newer snapshot than the one before, late commits included, and covers whatever
    that snapshot sees up to its last row. So the newest page alone is enough, and within a channel, where ids ascend
    in commit order, what is published is always a prefix.
    """

    base: Snapshot
    page: Page | None = None

    @classmethod
    def from_xid(cls, xid: int) -> "Progress":
        """Everything from `xid` on is to be published (again). Starts as a backlog, read along the ids."""
        return cls.backlog(Snapshot.below(xid))

    @classmethod
    def backlog(cls, base: Snapshot) -> "Progress":
        """Whatever `base` does not see is to be published (again), read along the ids."""
        return cls(base, Page(base, 0))

    def back_to(self, xid: int) -> "Progress":
        """Everything from `xid` on again, and what was not published yet; never forward.

        A transaction below `xid` that is still open somewhere keeps nothing else from counting as published.
        """
        return Progress.backlog(self.base.before(xid))

    def up_to(self, snapshot: Snapshot, last_id: int) -> "Progress":
        return Progress(self.base, Page(snapshot, last_id))


NOTHING = Progress.from_xid(1)
"""Nothing was published yet."""
