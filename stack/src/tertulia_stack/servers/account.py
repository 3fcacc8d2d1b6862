"""Which account runs PostgreSQL: it refuses to run as root, so root lends it another one."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

# The account of a distribution's own PostgreSQL where there is one; `nobody` exists everywhere.
CANDIDATES = ("tertulia", "postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of this machine by number and name."""

    uid: int
    gid: int
    name: str

    def can_search(self, path: Path) -> bool:
        """Whether this account may pass through every folder on the way to `path`."""
        return all(self._may_enter(folder.stat()) for folder in path.resolve().parents)

    def _may_enter(self, folder: os.stat_result) -> bool:
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & 0o100)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & 0o010)
        return bool(folder.st_mode & 0o001)


def lent_account(data: Path) -> Account | None:
    """The account to run PostgreSQL under, or None for the current one.

    Data that exists keeps its owner, so that root and that user can take turns.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        entry = pwd.getpwuid(owner)
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise LookupError(f"root cannot run PostgreSQL and none of the accounts {', '.join(CANDIDATES)} exists here")
