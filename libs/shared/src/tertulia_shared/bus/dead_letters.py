"""Deliveries that were given up, kept in PostgreSQL with all that is needed to look at them and to replay them."""

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec

from tertulia_shared.bus.message import StoredMessage
from tertulia_shared.events import Envelope

DEAD_LETTER_DDL = """
CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    stream text NOT NULL,
    stream_seq bigint NOT NULL,
    subject text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    trace_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, event_id)
)
"""

MAX_ERROR_CHARACTERS = 4_000

_ADD = """
INSERT INTO {table} (consumer, event_id, event_type, stream, stream_seq, subject, headers, body, error, attempts,
                     trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11)
ON CONFLICT (consumer, event_id) DO UPDATE
SET error = excluded.error, attempts = excluded.attempts, stream_seq = excluded.stream_seq, updated_at = now()
"""
_COLUMNS = """id, consumer, event_id, event_type, stream_seq, subject, headers::text AS headers, body, error, attempts,
       trace_id, created_at, updated_at"""
_LIST = "SELECT {columns} FROM {table} WHERE consumer = $1 OR $1::text IS NULL ORDER BY id DESC LIMIT $2"
_FIND = "SELECT {columns} FROM {table} WHERE id = $1 AND (consumer = $2 OR $2::text IS NULL)"
_COUNT = "SELECT consumer, count(*) AS letters FROM {table} GROUP BY consumer ORDER BY consumer"
_FAILED_AGAIN = "UPDATE {table} SET error = $2, attempts = $3, updated_at = now() WHERE id = $1"
_REMOVE = "DELETE FROM {table} WHERE id = $1"


class DeadLetter(NamedTuple):
    id: int
    consumer: str
    event_id: str
    event_type: str
    stream_seq: int
    subject: str
    headers: dict[str, str]
    body: bytes
    error: str
    attempts: int
    trace_id: str | None
    created_at: datetime
    updated_at: datetime
    """When it failed last."""


class DeadLetters:
    """The table `dead_letter` in `schema`. One row per consumer and event, however often it is given up."""

    def __init__(self, pool: asyncpg.Pool, schema: str = "public") -> None:
        if not schema.isidentifier():
            raise ValueError(f"not a schema name: {schema!r}")
        self._pool = pool
        table = f'"{schema}".dead_letter'
        self._statements = {
            sql: sql.format(table=table, columns=_COLUMNS)
            for sql in (_ADD, _LIST, _FIND, _COUNT, _FAILED_AGAIN, _REMOVE)
        }

    async def add(
        self, consumer: str, stream: str, message: StoredMessage, *, error: str, attempts: int, trace_id: str | None
    ) -> None:
        """Idempotent by (consumer, event id). Raises what asyncpg raises when PostgreSQL is not there."""
        await self._pool.execute(
            self._statements[_ADD],
            consumer,
            _event_id(message) or f"{stream}:{message.seq}",
            message.headers.get("Ev-Type", ""),
            stream,
            message.seq,
            message.subject,
            msgspec.json.encode(dict(message.headers)).decode(),
            message.data,
            _shortened(error),
            attempts,
            trace_id,
        )

    async def list(self, consumer: str | None, *, limit: int = 100) -> list[DeadLetter]:
        """Newest first; of all consumers for None."""
        rows = await self._pool.fetch(self._statements[_LIST], consumer, limit)
        return [_letter(row) for row in rows]

    async def find(self, letter_id: int, consumer: str | None = None) -> DeadLetter | None:
        """None too when it belongs to another consumer."""
        row = await self._pool.fetchrow(self._statements[_FIND], letter_id, consumer)
        return None if row is None else _letter(row)

    async def count(self) -> dict[str, int]:
        """By consumer; those without any are not there."""
        return {row["consumer"]: row["letters"] for row in await self._pool.fetch(self._statements[_COUNT])}

    async def failed_again(self, letter_id: int, *, error: str, attempts: int) -> None:
        """After a replay that did not succeed."""
        await self._pool.execute(self._statements[_FAILED_AGAIN], letter_id, _shortened(error), attempts)

    async def remove(self, letter_id: int) -> None:
        """After a successful replay."""
        await self._pool.execute(self._statements[_REMOVE], letter_id)


def _shortened(error: str) -> str:
    """As PostgreSQL takes it."""
    return error[:MAX_ERROR_CHARACTERS].replace("\x00", "\\0")


def _event_id(message: StoredMessage) -> str | None:
    """The event's own name, the same in every life of the stream; `Nats-Msg-Id`, which is not, for a broken body."""
    try:
        return msgspec.json.decode(message.data, type=Envelope).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return message.headers.get("Nats-Msg-Id")


def _letter(row: asyncpg.Record) -> DeadLetter:
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    values: list[Any] = [headers if name == "headers" else row[name] for name in DeadLetter._fields]
    return DeadLetter(*values)
