"""Brings the database's schema up to this release. Safe to run again, and by several replicas at once.

One transaction does everything: it queues behind an advisory lock, so a second run finds the work done.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from tertulia_chat.database import engine_for
from tertulia_shared.telemetry import logger

log = logger(__name__)

_LOCK = 0x7E47_0001
_WAIT_FOR_OTHERS = "SET LOCAL lock_timeout = '120s'; SET LOCAL statement_timeout = '120s'"
_LIMITS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'"
_PACKAGE = Path(__file__).parent
_PLACES = (_PACKAGE / "migrations", _PACKAGE.parents[1] / "migrations")
"""Inside an installed wheel, or beside `src` in the repository."""


def upgrade(url: str) -> None:
    """Returns when the schema is at this release's head, whoever brought it there."""
    run_locked(url, _upgrade)
    log.info("migrate.done")


def run_locked(url: str, work: Callable[[Connection], None]) -> None:
    asyncio.run(_run_locked(url, work))


async def _run_locked(url: str, work: Callable[[Connection], None]) -> None:
    engine = engine_for(url)
    try:
        async with engine.begin() as connection:
            for statement in _WAIT_FOR_OTHERS.split(";"):
                await connection.execute(sa.text(statement))
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            for statement in _LIMITS.split(";"):
                await connection.execute(sa.text(statement))
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option(
        "script_location", str(next(place for place in _PLACES if place.is_dir())).replace("%", "%%")
    )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
