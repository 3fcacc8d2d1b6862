"""What a report is made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

Kind = Literal["time", "count", "number", "text", "id"]
Cell = datetime | int | float | str | None


class Column(msgspec.Struct, frozen=True):
    """`title` is for people, `name` is stable."""

    name: str
    title: str
    type: Kind


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Totals are about the whole range, `previous` about the range of the same length before it."""

    columns: list[Column]
    rows: list[list[Cell]]
    totals: dict[str, int | float]
    previous: dict[str, int | float]


TIME = Column("time", "Time", "time")
MESSAGES = Column("messages", "Messages", "count")
ACTIVE_USERS = Column("active_users", "Active people", "count")
RUNS = Column("runs", "AI runs", "count")


def filled(times: Sequence[datetime], found: Mapping[int, Sequence[Any]], width: int) -> list[list[Cell]]:
    """A row for every bucket: what was found for its number, else zeros."""
    return [[time, *found.get(number, [0] * width)] for number, time in enumerate(times)]
