"""What all rebuilds have in common."""

from collections.abc import Callable
from typing import NamedTuple

import asyncpg

AT_ONCE = 1_000
"""Rows of a page."""

Tell = Callable[[int], None]
"""Called with how many rows were looked at since the last time."""


class Counts(NamedTuple):
    """Rows that were looked at, and those that were not as they should be."""

    checked: int
    repaired: int

    def plus(self, other: "Counts") -> "Counts":
        return Counts(self.checked + other.checked, self.repaired + other.repaired)


def affected(status: str) -> int:
    """How many rows a statement changed."""
    return int(status.rpartition(" ")[2])


async def rows_of(connection: asyncpg.Connection, *tables: str) -> int:
    """All rows of these tables, which takes a moment."""
    found = 0
    for table in tables:
        found += await connection.fetchval(f"SELECT count(*) FROM {table}") or 0  # noqa: S608 names of our own
    return found
