"""How commands show what they found: a table for people, JSON for machines."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

GAP = "  "
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def line(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """What is no result: beside the output that a machine reads."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def json_line(value: object) -> None:
    line(msgspec.json.encode(value).decode())


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Columns named in `right` are numbers."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    for row in cells:
        padded = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ]
        line(GAP.join(padded).rstrip())


def shortened(text: str, characters: int) -> str:
    """The first line, cut."""
    first = next(iter(text.splitlines()), "")
    return first if len(first) <= characters else first[: characters - 1] + "…"


def age(then: datetime | None) -> str:
    return "" if then is None else duration((datetime.now(UTC) - then).total_seconds())


def duration(seconds: float) -> str:
    """In the largest unit that leaves a number above one."""
    if seconds < MINUTE_S:
        return f"{max(0.0, seconds):.1f} s"
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    raise AssertionError("longer than a minute")
