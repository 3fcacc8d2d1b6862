"""The log as a file, handed out while it is read.

It is read in short transactions, one batch after the other: entries never change, so together they are one picture, and
whoever reads slowly holds nothing open. It ends where the log ended when it began.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from uuid import UUID

import msgspec

from tertulia_chat.audit.queries import Wanted, batch, view
from tertulia_chat.audit.schemas import AuditEntry, AuditFormat
from tertulia_chat.database import Database
from tertulia_chat.tables import now

AT_ONCE = 500

MEDIA_TYPES = {AuditFormat.JSONL: "application/x-ndjson", AuditFormat.CSV: "text/csv"}
_COLUMNS = AuditEntry.__struct_fields__
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for more than text."""


async def lines(database: Database, wanted: Wanted, form: AuditFormat) -> AsyncIterator[bytes]:
    """Batches of whole lines, the oldest entry first; CSV begins with the names of its columns."""
    end = now()
    wanted = replace(wanted, end=min(wanted.end, end) if wanted.end else end)
    if form == AuditFormat.CSV:
        yield _csv([_COLUMNS])
    after: UUID | None = None
    while True:
        async with database.transaction() as session:
            rows = await batch(session, wanted, after, AT_ONCE)
        if rows:
            entries = [view(row) for row in rows]
            yield _csv(map(_cells, entries)) if form == AuditFormat.CSV else _jsonl(entries)
            after = rows[-1].id
        if len(rows) < AT_ONCE:
            return


def _jsonl(entries: Iterable[AuditEntry]) -> bytes:
    return b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(entry: AuditEntry) -> list[str]:
    return [_cell(value) for value in msgspec.structs.asdict(entry).values()]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        value = msgspec.json.encode(value).decode().strip('"')
    return f"'{value}" if value.startswith(_FORMULA) else value
