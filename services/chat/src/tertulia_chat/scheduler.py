"""Doing what waits in PostgreSQL for its time, exactly once, by any number of processes.

A room keeps such things in a table of its own, with `id` and `wake_at`: when somebody shall look at the row (null:
never). Every api process runs a scheduler for each table. It holds what is due by moving `wake_at` a little way on, so
that nobody else looks meanwhile and a row whose process died, or that cannot be dealt with now, comes up again. Then it
does each in a transaction of its own: the room locks the row, looks whether it is still due, does what there is to do
and says so in the row. All of that is committed or nothing, so it happens once, whoever tries and however often.

The only clock is PostgreSQL's, and between two looks the monotonic one: a process whose clock is set does nothing early
and nothing twice. When PostgreSQL's own clock is set back, what is due waits until that time comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from tertulia_chat.database import Database
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

POLL_S = 1.0
"""The longest pause: what was put in meanwhile by another process is found then."""
RETRY_S = 1.0
HOLD_S = 10.0
"""Longer than a transaction takes. A row whose process died is taken up again after it."""
AT_ONCE = 4

Work = Callable[[AsyncSession, UUID], Awaitable[None]]
"""Does what there is to do about the row with this id, if it is still due."""


class Scheduler:
    """A component, for one table."""

    def __init__(self, database: Database, table: type[SQLModel], work: Work) -> None:
        self.name = f"scheduler:{table.__tablename__}"
        self._database = database
        self._work = work
        self._hold = _hold(str(table.__tablename__))

    async def run(self) -> None:
        while True:
            try:
                pause = await self.turn()
            except DependencyUnavailable as error:
                log.warning("scheduler.failed", scheduler=self.name, error=str(error))
                pause = RETRY_S
            await asyncio.sleep(pause)

    async def turn(self) -> float:
        """Do some of what is due. Answers after how many seconds it is worth looking again.

        Raises DependencyUnavailable.
        """
        held = await self._database.hot_row(self._hold, AT_ONCE, HOLD_S)
        ids: list[UUID] = held["ids"] if held else []
        await asyncio.gather(*map(self._do, ids))
        if len(ids) == AT_ONCE:
            return 0.0
        next_s = held["next_s"] if held else None
        return POLL_S if next_s is None else min(next_s, POLL_S)

    async def _do(self, row_id: UUID) -> None:
        try:
            async with self._database.transaction() as session:
                await self._work(session, row_id)
        except DependencyUnavailable as error:
            log.warning("scheduler.failed", scheduler=self.name, row=str(row_id), error=str(error))
        except Exception as error:
            # One that cannot be done must not keep the others from their time.
            log.error("scheduler.cannot", scheduler=self.name, row=str(row_id), exc_info=error)


def _hold(table: str) -> str:
    """Takes up to $1 rows that are due for $2 seconds, and tells in how many the next one is. `now()`, unlike
    `clock_timestamp()`, is the same for the whole statement, so an index finds them."""
    return f"""
        WITH due AS (
            SELECT id FROM {table} WHERE wake_at <= now() ORDER BY wake_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ),
        held AS (
            UPDATE {table} AS mine SET wake_at = now() + make_interval(secs => $2)
            FROM due WHERE mine.id = due.id RETURNING mine.id
        )
        SELECT ARRAY(SELECT id FROM held) AS ids,
            (SELECT extract(epoch FROM min(wake_at) - now())::float8 FROM {table} WHERE wake_at > now()) AS next_s
    """  # noqa: S608 the names of our own tables
