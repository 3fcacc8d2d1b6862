"""Where the sink is, kept in PostgreSQL by the connection that holds the lock of the one writer."""

from dataclasses import dataclass, replace

import asyncpg

_LOCK = 0x7E47_A11A

_CLAIM = "SELECT pg_try_advisory_lock($1)"
_LOAD = "SELECT warehouse, incarnation, position, pending_last, pending_token, pending_skipped FROM sink"
_RESTART = """
UPDATE sink SET warehouse = $1, incarnation = $2, position = 0, pending_last = NULL, pending_token = NULL,
                pending_skipped = NULL, updated_at = now()
"""
_INTEND = "UPDATE sink SET pending_last = $1, pending_token = $2, pending_skipped = $3, updated_at = now()"
_SETTLE = """
UPDATE sink SET position = $1, pending_last = NULL, pending_token = NULL, pending_skipped = NULL, updated_at = now()
"""
_VOID = "UPDATE sink SET pending_last = NULL, pending_token = NULL, pending_skipped = NULL, updated_at = now()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The range that follows the position, about to be inserted or inserted just now."""

    last: int
    token: str
    skipped: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Everything up to `seq` of this life of the stream is in this warehouse."""

    warehouse: str
    incarnation: str
    seq: int
    intent: Intent | None = None


class Ledger:
    """Reads and writes the one row. Only the holder of the lock makes one of these.

    Each statement commits by itself and is durable before the next step is taken.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def claim(self) -> bool:
        """Whether this connection is the one writer's now; it is until it ends."""
        return bool(await self._connection.fetchval(_CLAIM, _LOCK))

    async def load(self) -> Position:
        row = await self._connection.fetchrow(_LOAD)
        if row is None:
            raise LookupError("the table `sink` has no row: run `migrate`")
        intent = None
        if row["pending_last"] is not None:
            intent = Intent(last=row["pending_last"], token=row["pending_token"], skipped=row["pending_skipped"])
        return Position(warehouse=row["warehouse"], incarnation=row["incarnation"], seq=row["position"], intent=intent)

    async def restart(self, warehouse: str, incarnation: str) -> Position:
        """From the stream's beginning; what is stored already will be left out."""
        await self._connection.execute(_RESTART, warehouse, incarnation)
        return Position(warehouse=warehouse, incarnation=incarnation, seq=0)

    async def intend(self, position: Position, intent: Intent) -> Position:
        await self._connection.execute(_INTEND, intent.last, intent.token, intent.skipped)
        return replace(position, intent=intent)

    async def settle(self, position: Position, last: int) -> Position:
        await self._connection.execute(_SETTLE, last)
        return replace(position, seq=last, intent=None)

    async def void(self, position: Position) -> Position:
        """The intent's rows cannot be formed again: what came of it will be found in the warehouse."""
        await self._connection.execute(_VOID)
        return replace(position, intent=None)
